"""One WebSocket: messages in, ready frames out, and an end for those who do not read."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
from prometheus_client import Counter, Gauge
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.socket.protocol import EXTENSION, FrameProtocol, text_frame

logger = logging.getLogger(__name__)

CONNECTIONS = Gauge("websocket_connections", "Open WebSockets")
CUT_OFF = Counter("websocket_cut_off_total", "Connections cut because their peer did not read")

BUFFERED_BYTES_MAX = 1 << 20
"""Some seconds of everything we publish; who is further behind had better start again."""
_encoder = msgspec.json.Encoder()


class Connection:
    """Pushing never waits: a peer that lets its buffer fill up is cut off."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        protocol = websocket.scope["extensions"][EXTENSION]
        assert isinstance(protocol, FrameProtocol)
        self._protocol = protocol
        self.is_closed = False

    async def accept(self) -> None:
        await self.websocket.accept()
        CONNECTIONS.inc()

    def push(self, message: Any) -> None:
        self.push_frame(text_frame(_encoder.encode(message)))

    def push_text(self, payload: bytes) -> None:
        self.push_frame(text_frame(payload))

    def push_frame(self, frame: bytes) -> None:
        protocol = self._protocol
        if self.is_closed or not protocol.is_writable:
            return
        if protocol.buffered_bytes > BUFFERED_BYTES_MAX:
            CUT_OFF.inc()
            logger.info("a slow consumer is cut off")
            self.abort()
            return
        protocol.write_frame(frame)

    def abort(self) -> None:
        """Cut the connection now; the peer notices and starts again."""
        self.is_closed = True
        self._protocol.abort()

    async def receive(self) -> str | bytes | None:
        """The next message; None when the peer has gone."""
        try:
            message = await self.websocket.receive()
        except (WebSocketDisconnect, RuntimeError):
            return None
        if message["type"] == "websocket.disconnect":
            return None
        text = message.get("text")
        return text if text is not None else message.get("bytes")

    async def close(self, code: int, reason: str) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        try:
            async with asyncio.timeout(1.0):
                await self.websocket.close(code, reason)
        except (RuntimeError, TimeoutError, OSError):
            self._protocol.abort()

    def ended(self) -> None:
        """Call once, when the connection is over."""
        self.is_closed = True
        CONNECTIONS.dec()
