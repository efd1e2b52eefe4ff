"""Where `/v1/ws` is."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.websockets import WebSocket

from api.errors import problem_response
from api.exchange.caller import Origin
from api.exchange.rate_limits import TooOften
from api.services import Services
from api.socket.connection import Connection
from api.v1.socket.session import PATH, SocketSession
from domain.errors import PermissionMissing

router = APIRouter()

CONNECT_WEIGHT = 2
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Pages a developer serves to himself: nobody else can serve from there."""


def refuse_foreign_page(websocket: WebSocket, allowed: Sequence[str]) -> None:
    """Raises PermissionMissing for pages that CORS would refuse; programs send no origin."""
    origin = websocket.headers.get("origin")
    if origin is None or origin in allowed:
        return
    page = urlsplit(origin)
    if page.netloc == websocket.url.netloc or page.hostname in _THIS_MACHINE:
        return
    raise PermissionMissing("pages of this origin may not connect")


@router.websocket(PATH)
async def socket(websocket: WebSocket) -> None:
    services: Services = websocket.app.state.services
    origin = Origin(
        ip=websocket.client.host if websocket.client is not None else "",
        user_agent=websocket.headers.get("user-agent", ""),
    )
    limits = services.rate_limits
    try:
        refuse_foreign_page(websocket, services.settings.allowed_origins)
        await limits.take(limits.of_address(origin.ip), CONNECT_WEIGHT)
    except (TooOften, PermissionMissing) as refusal:
        answer = problem_response(refusal, request_id=secrets.token_hex(12), instance=PATH)
        await websocket.send_denial_response(answer)
        return
    await SocketSession(services, Connection(websocket), origin).run()
