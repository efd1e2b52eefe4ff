"""Search and explorer inside the staff portal: the API's own routes, asked as the staff member.

The portal knows who looks; the routes write it down before they answer (`staff.search`).
"""

from __future__ import annotations

from contextvars import ContextVar

import httpx
from aiohttp import web
from fastapi import FastAPI
from starlette.requests import Request

from api import problems
from api.search.routes import SearchParts, router
from api.search.viewer import Viewer
from storage.staff import StaffSession

PATHS = ("/search", "/v1/search", "/explorer/{rest:.*}", "/v1/explorer/{rest:.*}")

_KEPT = ("content-type", "content-security-policy", "x-content-type-options", "cache-control",
         "projection-lag-ms")  # fmt: skip
_looking: ContextVar[Viewer] = ContextVar("staff_viewer")


async def staff_viewer_of(_: Request) -> Viewer:
    """Who the portal says it is: no header of a request counts."""
    return _looking.get()


class StaffSearch:
    """Build its parts with `staff_viewer_of`."""

    def __init__(self, parts: SearchParts) -> None:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        problems.install(app)
        app.include_router(router)
        app.state.search = parts
        self._parts = parts
        transport = httpx.ASGITransport(app=app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://staff")

    async def answer(self, request: web.Request, staff: StaffSession) -> web.Response:
        token = _looking.set(Viewer(staff=staff.login, role=staff.role))
        try:
            found = await self._client.get(request.raw_path)
        finally:
            _looking.reset(token)
        headers = {name: found.headers[name] for name in _KEPT if name in found.headers}
        return web.Response(status=found.status_code, body=found.content, headers=headers)

    async def close(self) -> None:
        await self._client.aclose()
        await self._parts.desk.close()
