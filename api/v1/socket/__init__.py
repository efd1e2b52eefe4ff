"""The product API over a WebSocket: `/v1/ws`."""
