"""One connection to the WebSocket API, `/ws-api/v3`: the handlers of REST, streams of accounts."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlencode

from api.dialect import access, errors, limits
from api.dialect.call import Call, Endpoint, Security
from api.dialect.endpoints import WEBSOCKET
from api.dialect.errors import DialectError
from api.dialect.parameters import Parameters
from api.dialect.routes import dialect_error, run
from api.dialect.stream_session import POLICY_VIOLATION
from api.dialect.stream_words import now_ms
from api.dialect.user_data import UserData, terminated
from api.exchange.caller import Caller, Origin, Scope
from api.services import Services
from api.socket.connection import Connection
from domain.errors import ExchangeError

logger = logging.getLogger(__name__)

_IN_FLIGHT_MAX = 100
_CHECK_SECONDS = 30.0
_CONNECT_WEIGHT = 2
OwnMethod = Callable[[Parameters, list[bytes]], Awaitable[Any]]


class ApiSession:
    def __init__(
        self, services: Services, connection: Connection, origin: Origin, *, tells_limits: bool
    ) -> None:
        self._services = services
        self._connection = connection
        self._origin = origin
        self._tells_limits = tells_limits
        self._connected_ms = now_ms()
        self._caller: Caller | None = None
        self._authorized_ms: int | None = None
        self._streams: dict[int, UserData] = {}
        self._callers: dict[int, Caller] = {}
        self._next_stream = 0
        self._in_flight = asyncio.Semaphore(_IN_FLIGHT_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._own_methods: dict[str, OwnMethod] = {
            "session.logon": self._log_on,
            "session.logout": self._log_out,
            "session.status": self._tell_status,
            "session.subscriptions": self._list_streams,
            "userDataStream.subscribe": self._subscribe_logged_on,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    async def run(self) -> None:
        parts = self._services.dialect
        if not await parts.limits.take_connection(self._origin.ip):
            await self._connection.websocket.close(POLICY_VIOLATION, "too many connections")
            return
        await self._connection.accept()
        watch = asyncio.create_task(self._watch_access())
        try:
            await parts.limits.take_weight(self._origin.ip, _CONNECT_WEIGHT)
            while (text := await self._connection.receive()) is not None:
                await self._in_flight.acquire()
                task = asyncio.create_task(self._take(text))
                self._tasks.add(task)
                task.add_done_callback(self._done)
        except DialectError as refusal:
            await self._connection.close(POLICY_VIOLATION, refusal.message[:120])
        finally:
            watch.cancel()
            self._connection.ended()
            for stream in self._streams.values():
                stream.close()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._in_flight.release()

    async def _take(self, text: str | bytes) -> None:
        """Requests run side by side, but start as they came in."""
        answer: dict[str, Any] = {"id": None, "status": 200}
        tells_limits, used = self._tells_limits, None
        try:
            request = _request(text)
            answer["id"] = request.get("id")
            parameters, payloads = _parameters(text)
            tells_limits = parameters.flag("returnRateLimits", default=tells_limits)
            method = str(request.get("method", "")).removeprefix("v3/")
            endpoint = WEBSOCKET.get(method)
            weight = 2 if endpoint is None else endpoint.weight_of(parameters)
            used = await self._services.dialect.limits.take_weight(self._origin.ip, weight)
            if endpoint is None:
                answer["result"] = await self._session_method(method, parameters, payloads)
            else:
                answer["result"] = await self._call(endpoint, parameters, payloads)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it gets an answer
            refusal = dialect_error(fault)
            answer |= {"status": refusal.status, "error": refusal.body}
        if tells_limits and used is not None:
            answer["rateLimits"] = limits.weight_used(used)
        self._connection.push(answer)

    async def _call(self, endpoint: Endpoint, parameters: Parameters, payloads: list[bytes]) -> Any:
        call = Call(self._services, parameters, self._origin)
        if endpoint.security is Security.KEY:
            call.caller = await self._by_key(parameters)
        elif endpoint.security is Security.SIGNED:
            call.caller = await self._signed(parameters, payloads)
        return await run(endpoint, call)

    async def _by_key(self, parameters: Parameters) -> Caller:
        if self._caller is not None and "apiKey" not in parameters:
            return self._caller
        return await access.by_key(self._services, parameters.get("apiKey"), self._origin)

    async def _signed(self, parameters: Parameters, payloads: list[bytes]) -> Caller:
        """After logging on, key and signature may be left out; the timestamp may not."""
        if self._caller is not None and "signature" not in parameters:
            access.check_time(parameters)
            return self._caller
        caller = await access.by_key(self._services, parameters.get("apiKey"), self._origin)
        await access.signed(self._services, caller, parameters, payloads)
        return caller

    async def _session_method(
        self, method: str, parameters: Parameters, payloads: list[bytes]
    ) -> Any:
        own = self._own_methods.get(method)
        if own is None:
            raise errors.unsupported()
        return await own(parameters, payloads)

    async def _log_on(self, parameters: Parameters, payloads: list[bytes]) -> Any:
        self._caller = await self._signed(parameters, payloads)
        self._authorized_ms = now_ms()
        return self._status()

    async def _log_out(self, _: Parameters, __: list[bytes]) -> Any:
        self._caller = self._authorized_ms = None
        return self._status()

    async def _tell_status(self, _: Parameters, __: list[bytes]) -> Any:
        return self._status()

    async def _list_streams(self, _: Parameters, __: list[bytes]) -> Any:
        return [{"subscriptionId": number} for number in self._streams]

    async def _subscribe_signed(self, parameters: Parameters, payloads: list[bytes]) -> Any:
        return await self._subscribe(await self._signed(parameters, payloads))

    async def _subscribe_logged_on(self, _: Parameters, __: list[bytes]) -> Any:
        if self._caller is None:
            raise errors.no_such_key()
        return await self._subscribe(self._caller)

    async def _unsubscribe(self, parameters: Parameters, _: list[bytes]) -> Any:
        number = parameters.whole("subscriptionId")
        for each in [*self._streams] if number is None else [number]:
            if each not in self._streams:
                raise errors.invalid("subscriptionId")
            self._end_stream(each)
        return {}

    def _status(self) -> dict[str, Any]:
        key = self._caller.api_key if self._caller is not None else None
        return {
            "apiKey": None if key is None else key.id,
            "authorizedSince": self._authorized_ms,
            "connectedSince": self._connected_ms,
            "returnRateLimits": self._tells_limits,
            "serverTime": now_ms(),
            "userDataStream": bool(self._streams),
        }

    async def _subscribe(self, caller: Caller) -> dict[str, int]:
        caller.require(Scope.READ)
        if any(each.customer_id == caller.customer_id for each in self._streams.values()):
            raise DialectError(-2035, "User Data Stream subscription already active.")
        number, self._next_stream = self._next_stream, self._next_stream + 1

        def emit(event: Any) -> None:
            self._connection.push({"subscriptionId": number, "event": event})

        stream = UserData(self._services, caller.customer_id, emit, self._connection.abort)
        self._streams[number], self._callers[number] = stream, caller
        await stream.open()
        return {"subscriptionId": number}

    def _end_stream(self, number: int) -> None:
        self._streams.pop(number).close()
        del self._callers[number]
        self._connection.push({"subscriptionId": number, "event": terminated()})

    async def _watch_access(self) -> None:
        """A key that was revoked loses its session and its streams."""
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            if self._caller is not None and not await self._is_good(self._caller):
                self._caller = self._authorized_ms = None
            for number, caller in tuple(self._callers.items()):
                if not await self._is_good(caller) and number in self._streams:
                    self._end_stream(number)

    async def _is_good(self, caller: Caller) -> bool:
        assert caller.api_key is not None
        try:
            await self._services.people.identity.by_key_id(caller.api_key.id, self._origin)
        except ExchangeError:
            return False
        except Exception as fault:  # noqa: BLE001 - the database may be away: look again later
            logger.warning("access was not checked", extra={"fault": repr(fault)[:200]})
        return True


def _request(text: str | bytes) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        raise DialectError(-1135, "Invalid JSON Request: not JSON.") from None
    if not isinstance(request, dict) or not isinstance(request.get("id"), int | str | None):
        raise DialectError(-1135, "Invalid JSON Request: not a request.")
    return request


def _parameters(text: str | bytes) -> tuple[Parameters, list[bytes]]:
    """The parameters, and what the caller may have signed: all but the signature, by name.

    Numbers are taken as they are written: what was signed is the text.
    """
    given = json.loads(text, parse_int=str, parse_float=str).get("params") or {}
    if not isinstance(given, dict):
        raise DialectError(-1135, "Invalid JSON Request: params must be an object.")
    values = {name: _text(value) for name, value in given.items() if value is not None}
    pairs = sorted((name, value) for name, value in values.items() if name != "signature")
    plain = "&".join(f"{name}={value}" for name, value in pairs)
    signed = (plain, urlencode(pairs), urlencode(pairs, quote_via=quote))
    return Parameters(values), [each.encode() for each in dict.fromkeys(signed)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
