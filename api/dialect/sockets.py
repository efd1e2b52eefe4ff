"""The WebSocket side: which path is which session."""

from __future__ import annotations

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from api.dialect.api_session import ApiSession
from api.dialect.stream_session import StreamSession
from api.exchange.caller import Origin
from api.services import Services
from api.socket.connection import Connection


def socket_routes() -> list[BaseRoute]:
    return [
        WebSocketRoute("/ws", _raw),
        WebSocketRoute("/ws/{names:path}", _raw),
        WebSocketRoute("/stream", _combined),
        WebSocketRoute("/stream/ws", _raw),
        WebSocketRoute("/stream/ws/{names:path}", _raw),
        WebSocketRoute("/ws-api/v3", _api),
    ]


async def _raw(websocket: WebSocket) -> None:
    names = str(websocket.path_params.get("names", ""))
    await _streams(websocket, names, is_combined=False)


async def _combined(websocket: WebSocket) -> None:
    await _streams(websocket, websocket.query_params.get("streams", ""), is_combined=True)


async def _streams(websocket: WebSocket, names: str, *, is_combined: bool) -> None:
    session = StreamSession(
        _services(websocket), Connection(websocket), _origin(websocket), is_combined=is_combined
    )
    await session.run([name for name in names.split("/") if name])


async def _api(websocket: WebSocket) -> None:
    tells_limits = websocket.query_params.get("returnRateLimits", "true") != "false"
    session = ApiSession(
        _services(websocket), Connection(websocket), _origin(websocket), tells_limits=tells_limits
    )
    await session.run()


def _services(websocket: WebSocket) -> Services:
    services: Services = websocket.app.state.services
    return services


def _origin(websocket: WebSocket) -> Origin:
    return Origin(
        ip=websocket.client.host if websocket.client is not None else "",
        user_agent=websocket.headers.get("user-agent", ""),
    )
