"""Where `/v1/ws` is."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.websockets import WebSocket

from api.exchange.caller import Origin
from api.services import Services
from api.socket.connection import Connection
from api.v1.socket.session import PATH, SocketSession

router = APIRouter()


@router.websocket(PATH)
async def socket(websocket: WebSocket) -> None:
    services: Services = websocket.app.state.services
    origin = Origin(
        ip=websocket.client.host if websocket.client is not None else "",
        user_agent=websocket.headers.get("user-agent", ""),
    )
    await SocketSession(services, Connection(websocket), origin).run()
