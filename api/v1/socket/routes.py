"""Where `/v1/ws` is."""

from __future__ import annotations

import secrets

from fastapi import APIRouter
from starlette.websockets import WebSocket

from api.errors import problem_response
from api.exchange.caller import Origin
from api.exchange.rate_limits import TooOften
from api.services import Services
from api.socket.connection import Connection
from api.v1.socket.session import PATH, SocketSession

router = APIRouter()

CONNECT_WEIGHT = 2


@router.websocket(PATH)
async def socket(websocket: WebSocket) -> None:
    services: Services = websocket.app.state.services
    origin = Origin(
        ip=websocket.client.host if websocket.client is not None else "",
        user_agent=websocket.headers.get("user-agent", ""),
    )
    limits = services.rate_limits
    try:
        await limits.take(limits.of_address(origin.ip), CONNECT_WEIGHT)
    except TooOften as refusal:
        answer = problem_response(refusal, request_id=secrets.token_hex(12), instance=PATH)
        await websocket.send_denial_response(answer)
        return
    await SocketSession(services, Connection(websocket), origin).run()
