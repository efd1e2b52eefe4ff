"""A client that costs next to nothing: keep-alive HTTP/1.1, and WebSocket frames, byte by byte.

The load generator shares the machine with what it measures, so it must not be what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_TEXT = 0x1
_CLOSE = 0x8
_PING = 0x9


@dataclass(frozen=True)
class Login:
    """A customer of the load, and the HMAC key it signs with."""

    customer_id: int
    key_id: str
    secret: str
    token: str

    def signed(self, method: str, target: str, body: bytes) -> str:
        """The headers of a signed request, as one block."""
        timestamp = str(time.time_ns() // 1_000_000)
        digest = hashlib.sha256(body).hexdigest()
        payload = f"{timestamp}\n{method}\n{target}\n{digest}".encode()
        signature = hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
        return (
            f"X-API-Key: {self.key_id}\r\nX-Timestamp: {timestamp}\r\nX-Signature: {signature}\r\n"
        )


class HttpConnection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answers: deque[asyncio.Future[tuple[int, bytes]]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, head: str, body: bytes = b"") -> asyncio.Future[tuple[int, bytes]]:
        """`head` is the request line and headers without the last empty line and the length."""
        assert self._transport is not None
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(_END)) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(_LENGTH)
            size = int(head[at + len(_LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0
            total = end + len(_END) + size
            if len(self._buffer) < total:
                return
            body, self._buffer = self._buffer[end + len(_END) : total], self._buffer[total:]
            answer = self._answers.popleft()
            if not answer.done():
                answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Frames(asyncio.Protocol):
    """A WebSocket that hands each text message to `hear`, with the moment it came."""

    def __init__(self, path: str, host: str, hear: Callable[[bytes, float], None]) -> None:
        self._path = path
        self._host = host
        self._hear = hear
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def send(self, text: bytes, kind: int = _TEXT) -> None:
        """A masked frame, as clients must send; a mask of zeros leaves the bytes as they are."""
        assert self._transport is not None
        size = len(text)
        if size < 126:
            head = bytes((0x80 | kind, 0x80 | size))
        else:
            head = bytes((0x80 | kind, 0xFE)) + size.to_bytes(2, "big")
        self._transport.write(head + b"\0\0\0\0" + text)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self._buffer += data
        if not self.opened.done():
            end = self._buffer.find(_END)
            if end < 0:
                return
            assert self._buffer.startswith(b"HTTP/1.1 101"), self._buffer[:200]
            self._buffer = self._buffer[end + len(_END) :]
            self.opened.set_result(None)
        while (frame := self._frame()) is not None:
            kind, payload = frame
            if kind == _TEXT:
                self._hear(payload, now)
            elif kind == _PING:
                self.send(payload, 0xA)

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame; servers do not mask and ours does not fragment."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + size:
            return None
        self._buffer = buffer[start + size :]
        return buffer[0] & 0xF, buffer[start : start + size]

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def open_http(host: str, port: int) -> HttpConnection:
    _, made = await asyncio.get_running_loop().create_connection(HttpConnection, host, port)
    return made


async def open_frames(
    host: str, port: int, path: str, hear: Callable[[bytes, float], None]
) -> Frames:
    _, made = await asyncio.get_running_loop().create_connection(
        lambda: Frames(path, f"{host}:{port}", hear), host, port
    )
    await made.opened
    return made
