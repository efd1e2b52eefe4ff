"""One connection to the market streams: `/ws`, `/ws/{names}`, `/stream?streams=`, `/stream/ws`."""

from __future__ import annotations

import json
from typing import Any

from api.dialect.listen_keys import LENGTH
from api.dialect.market_streams import topics_of
from api.dialect.user_data import UserData
from api.exchange.caller import Origin
from api.exchange.token_bucket import TokenBucket
from api.services import Services
from api.socket.connection import Connection

STREAMS_MAX = 1024
_COMMANDS_PER_SECOND, _COMMANDS_BURST = 10.0, 100.0
_NAME_LENGTH_MAX = 100
POLICY_VIOLATION = 1008


class InvalidRequest(Exception):
    """A command that cannot be followed; the text says why."""


class StreamSession:
    def __init__(
        self, services: Services, connection: Connection, origin: Origin, *, is_combined: bool
    ) -> None:
        self._services = services
        self._connection = connection
        self._origin = origin
        self._is_combined = is_combined
        self._names: dict[str, UserData | None] = {}
        self._bucket = TokenBucket(_COMMANDS_PER_SECOND, _COMMANDS_BURST)

    async def run(self, names: list[str]) -> None:
        """`names` that mean nothing are accepted and stay silent: clients number connections so."""
        if not await self._services.dialect.limits.take_connection(self._origin.ip):
            await self._connection.websocket.close(POLICY_VIOLATION, "too many connections")
            return
        await self._connection.accept()
        try:
            await self._subscribe(names)
            while (text := await self._connection.receive()) is not None:
                if not self._bucket.take():
                    await self._connection.close(POLICY_VIOLATION, "Too many requests")
                    return
                await self._take(text)
        finally:
            self._connection.ended()
            self._services.sockets.topics.leave_all(self._connection)
            for stream in self._names.values():
                if stream is not None:
                    stream.close()

    async def _take(self, text: str | bytes) -> None:
        number: Any = None
        try:
            command = _command(text)
            number = command.get("id")
            result = await self._answer(command)
        except InvalidRequest as fault:
            error = {"code": 2, "msg": f"Invalid request: {fault}"}
            self._connection.push({"id": number, **error, "error": error})
            return
        if str(command.get("method")) != "SUBSCRIBE":  # Acknowledged before the first message.
            self._connection.push({"result": result, "id": number})

    async def _answer(self, command: dict[str, Any]) -> Any:
        parameters = command.get("params", [])
        match command.get("method"):
            case "SUBSCRIBE":
                names = _names(parameters)
                self._refuse_too_many(names)
                self._connection.push({"result": None, "id": command.get("id")})
                return await self._subscribe(names)
            case "UNSUBSCRIBE":
                return self._unsubscribe(_names(parameters))
            case "LIST_SUBSCRIPTIONS":
                return list(self._names)
            case "SET_PROPERTY":
                return self._set_combined(parameters)
            case "GET_PROPERTY":
                if parameters != ["combined"]:
                    raise InvalidRequest("unknown property")
                return self._is_combined
            case _:
                raise InvalidRequest(
                    "unknown method; expected one of SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, "
                    "SET_PROPERTY, GET_PROPERTY"
                )

    def _refuse_too_many(self, names: list[str]) -> None:
        if len({*self._names, *names}) > STREAMS_MAX:
            raise InvalidRequest(f"at most {STREAMS_MAX} streams")

    async def _subscribe(self, names: list[str]) -> None:
        for name in names[:STREAMS_MAX]:
            if name in self._names:
                continue
            self._names[name] = None
            if len(name) == LENGTH:
                await self._follow_account(name)
            else:
                self._services.sockets.topics.join(self._topic(name), self._connection)

    async def _follow_account(self, key: str) -> None:
        owner = await self._services.dialect.listen_keys.owner(key)
        if owner is None:
            return

        def emit(payload: Any) -> None:
            message = {"stream": key, "data": payload} if self._is_combined else payload
            self._connection.push(message)

        stream = UserData(self._services, owner, emit, self._connection.abort)
        self._names[key] = stream
        await stream.open()

    def _unsubscribe(self, names: list[str]) -> None:
        for name in names:
            stream = self._names.pop(name, None)
            if stream is not None:
                stream.close()
            self._services.sockets.topics.leave(self._topic(name), self._connection)

    def _set_combined(self, parameters: Any) -> None:
        match parameters:
            case ["combined", bool(is_combined)]:
                topics = self._services.sockets.topics
                topics.leave_all(self._connection)
                self._is_combined = is_combined
                for name, stream in self._names.items():
                    if stream is None:
                        topics.join(self._topic(name), self._connection)
            case _:
                raise InvalidRequest("unknown property or a value of the wrong kind")

    def _topic(self, name: str) -> tuple[str, str, bool]:
        return topics_of(name)[self._is_combined]


def _command(text: str | bytes) -> dict[str, Any]:
    try:
        command = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest("not JSON") from None
    if not isinstance(command, dict):
        raise InvalidRequest("not an object")
    if not isinstance(command.get("id"), int | str | None):
        raise InvalidRequest("id must be a number or text")
    return command


def _names(parameters: Any) -> list[str]:
    if not isinstance(parameters, list) or not all(isinstance(each, str) for each in parameters):
        raise InvalidRequest("params must be a list of stream names")
    if any(len(each) > _NAME_LENGTH_MAX for each in parameters):
        raise InvalidRequest("a stream name is too long")
    return parameters
