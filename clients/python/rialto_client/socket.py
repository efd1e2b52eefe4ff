"""`/v1/ws`: commands with their answers, and everything else as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rialto_client.signing import ApiKey
from rialto_client.transport import Credentials, RialtoError

PATH = "/v1/ws"
_WAITING_MAX = 100_000


class ConnectionLost(Exception):
    """Connect again; of commands without an answer the outcome is unknown."""


class Socket:
    """`async with Socket("wss://api.example.com", token) as socket: ...`

    `async for message in socket` gives all but the answers to commands.
    """

    def __init__(self, url: str, credentials: Credentials = None) -> None:
        self._url = url.rstrip("/") + PATH
        self._credentials = credentials
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_WAITING_MAX)
        self._connection: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._connection = await connect(self._url, max_size=None)
        self._reading = asyncio.create_task(self._read(self._connection))
        if self._credentials is not None:
            await self.ask("auth", **_auth(self._credentials))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._connection is not None
        assert self._reading is not None
        await self._connection.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def ask(self, op: str, **fields: Any) -> Any:
        """Send a command; its result. Raises RialtoError or ConnectionLost."""
        assert self._connection is not None
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            await self._connection.send(json.dumps({**fields, "op": op, "id": number}))
        except ConnectionClosed as fault:
            raise ConnectionLost(str(fault)) from fault
        return await answer

    async def subscribe(
        self,
        channel: str,
        market: str | None = None,
        *,
        interval: str | None = None,
        from_sequence: int | None = None,
    ) -> None:
        fields = {"market": market, "interval": interval, "from_sequence": from_sequence}
        given = {name: value for name, value in fields.items() if value is not None}
        await self.ask("subscribe", channel=channel, **given)

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        while (message := await self._messages.get()) is not None:
            yield message

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                await self._take(json.loads(text))
        except ConnectionClosed:
            pass
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionLost("the connection was lost"))
        self._answers.clear()
        await self._messages.put(None)

    async def _take(self, message: dict[str, Any]) -> None:
        answer = self._answers.pop(message.get("id") or 0, None)
        if answer is None:
            await self._messages.put(message)
        elif message["type"] == "error":
            answer.set_exception(RialtoError(message["problem"]))
        else:
            answer.set_result(message.get("result"))


def _auth(credentials: str | ApiKey) -> dict[str, str]:
    if isinstance(credentials, str):
        return {"token": credentials}
    headers = credentials.headers("GET", PATH, b"")
    return {
        "api_key": headers["X-API-Key"],
        "timestamp": headers["X-Timestamp"],
        "signature": headers["X-Signature"],
    }
