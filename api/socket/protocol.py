"""A WebSocket server protocol that lets the application write ready-made frames.

What thousands of subscribers hear is the same for all: it is encoded and framed once and handed to
each transport as it is. Messages are not compressed, so a frame fits every connection.
"""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION = "rialto.frames"
_FINAL_TEXT = 0x81


def text_frame(payload: bytes) -> bytes:
    """An unfragmented, unmasked text frame (RFC 6455, section 5.2), as servers send them."""
    size = len(payload)
    if size < 126:
        head = bytes((_FINAL_TEXT, size))
    elif size < 65_536:
        head = bytes((_FINAL_TEXT, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FINAL_TEXT, 127)) + size.to_bytes(8, "big")
    return head + payload


class FrameProtocol(WebSocketsSansIOProtocol):
    def handle_connect(self, event: Request) -> None:
        """Offer ourselves to the application, in the scope's extensions."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions = self.scope["extensions"]
            assert extensions is not None
            extensions[EXTENSION] = self  # type: ignore[assignment]  # An object, not only data.

    @property
    def is_writable(self) -> bool:
        return self.handshake_complete and not self.close_sent and not self.disconnected

    @property
    def buffered_bytes(self) -> int:
        """What the peer has not taken yet."""
        return int(self.transport.get_write_buffer_size())

    def write_frame(self, frame: bytes) -> None:
        self.transport.write(frame)

    def abort(self) -> None:
        """Cut the connection without waiting for a peer that does not read."""
        self.transport.abort()
