"""The reverse proxy itself: who is asking, may they, what goes on, and what comes back."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from temporalio.converter import PayloadCodec
from yarl import URL

from api.staff import codec, rewriting
from api.staff.access import READ_METHODS, Kind, Wish, refuse_unless_allowed, wish_of
from api.staff.figures import Figures, Overview
from api.staff.login import StaffLogin
from api.staff.overview_page import OVERVIEW_POLICY, overview_page
from api.staff.pages import CONTENT_POLICY, login_page, message_page, safe_target
from api.staff.searching import PATHS, StaffSearch
from api.staff.settings import StaffSettings
from api.staff.signing import StaffSigner
from api.staff.views import portal_script
from domain.errors import ExchangeError, NotAuthenticated, PermissionMissing, Unavailable
from storage.staff import SESSION_LIFETIME, StaffSession, StaffStore
from streams.logs import log_context

logger = logging.getLogger(__name__)

COOKIE = "rialto_staff"
KNOWN_SECONDS = 5.0
UI_SECONDS_MAX = 75.0
"""The UI polls histories for up to a minute."""

_DROPPED_UP = frozenset(
    {"host", "content-length", "accept-encoding", "origin", "referer", "connection", "cookie"}
)
_DROPPED_DOWN = frozenset(
    {"content-length", "content-encoding", "transfer-encoding", "connection", "set-cookie"}
)
_CSRF_COOKIE = "_csrf"
_GRPC = {401: 16, 503: 14}
_PERMISSION_DENIED = 7

_SECURITY = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class PortalParts:
    settings: StaffSettings
    store: StaffStore
    login: StaffLogin
    signer: StaffSigner
    codec: PayloadCodec
    search: StaffSearch
    figures: Figures
    is_ready: Callable[[], Awaitable[bool]]


class Portal:
    def __init__(self, parts: PortalParts) -> None:
        self._parts = parts
        self._ui: aiohttp.ClientSession | None = None
        self._known: dict[str, StaffSession] = {}
        self._home = f"/namespaces/{parts.settings.temporal_namespace}/workflows"
        url = urlsplit(parts.settings.staff_url)
        self._origin = f"{url.scheme}://{url.netloc}"
        self._is_https = url.scheme == "https"

    def app(self) -> web.Application:
        app = web.Application(
            client_max_size=codec.BODY_BYTES_MAX, middlewares=[self._refusals_as_answers]
        )
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/staff/login", self._show_login),
                web.post("/staff/login", self._sign_in),
                web.post("/staff/logout", self._sign_out),
                web.get("/staff/portal.js", self._script),
                web.get("/staff/overview", self._overview),
                web.get("/staff/figures", self._figures),
                web.get("/", self._go_home),
                *(web.get(path, self._search) for path in PATHS),
                web.post("/codec/decode", self._decode),
                web.post("/codec/encode", self._encode),
                web.route("*", "/{path:.*}", self._pass_on),
            ]
        )
        app.cleanup_ctx.append(self._with_ui)
        return app

    async def _with_ui(self, _: web.Application) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=UI_SECONDS_MAX)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            self._ui = session
            yield

    @web.middleware
    async def _refusals_as_answers(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            answer = await handler(request)
        except NotAuthenticated as refusal:
            answer = self._not_signed_in(request, refusal)
        except PermissionMissing as refusal:
            answer = _refusal(request, refusal, status=403)
        except Unavailable as refusal:
            answer = _refusal(request, refusal, status=503)
        except ExchangeError as refusal:
            answer = _refusal(request, refusal, status=400)
        for name, value in _SECURITY.items():
            answer.headers.setdefault(name, value)
        return answer

    # Signing in and out ----------------------------------------------------------------------

    async def _healthz(self, _: web.Request) -> web.Response:
        ready = await self._parts.is_ready()
        return web.json_response({"healthy": ready}, status=200 if ready else 503)

    async def _go_home(self, _: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": self._home})

    async def _show_login(self, request: web.Request) -> web.Response:
        return _page(login_page(safe_target(request.query.get("next", ""), self._home)))

    async def _sign_in(self, request: web.Request) -> web.Response:
        self._refuse_foreign(request)
        form = await request.post()
        target = safe_target(str(form.get("next", "")), self._home)
        words = [str(form.get(name, "")) for name in ("login", "password", "code")]
        try:
            token = await self._parts.login.sign_in(*words)
        except NotAuthenticated as refusal:
            return _page(login_page(target, refusal.message), status=401)
        answer = web.Response(status=303, headers={"Location": target})
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            httponly=True,
            secure=self._is_https,
            samesite="Strict",
            path="/",
        )
        return answer

    async def _sign_out(self, request: web.Request) -> web.Response:
        self._refuse_foreign(request)
        token = request.cookies.get(COOKIE, "")
        await self._parts.store.end_session(token)
        self._known.pop(token, None)
        answer = web.Response(status=303, headers={"Location": "/staff/login"})
        answer.del_cookie(COOKIE, path="/")
        return answer

    async def _staff(self, request: web.Request) -> StaffSession:
        """Raises NotAuthenticated; PermissionMissing when another site's page is asking."""
        token, is_reading = request.cookies.get(COOKIE, ""), request.method in READ_METHODS
        session = self._known.get(token) if is_reading else None
        if session is None:
            session = await self._parts.store.session(token)
        if session is None:
            raise NotAuthenticated("sign in first")
        if not is_reading:
            self._refuse_foreign(request)
        self._remember(token, session)
        return session

    def _remember(self, token: str, session: StaffSession) -> None:
        """For a moment: one page of the UI asks for a hundred files. Changes always ask anew."""
        if token not in self._known:
            self._known[token] = session
            asyncio.get_running_loop().call_later(KNOWN_SECONDS, self._known.pop, token, None)

    def _refuse_foreign(self, request: web.Request) -> None:
        """The cookie is SameSite=Strict already; a changing request must also name our origin."""
        if request.headers.get("Origin") != self._origin:
            raise PermissionMissing("this request does not come from the staff portal")

    def _not_signed_in(self, request: web.Request, refusal: NotAuthenticated) -> web.Response:
        if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            target = URL("/staff/login").with_query(next=request.raw_path)
            return web.Response(status=303, headers={"Location": str(target)})
        return _refusal(request, refusal, status=401)

    # Codec server ----------------------------------------------------------------------------

    async def _decode(self, request: web.Request) -> web.Response:
        staff = await self._staff(request)
        opened = await codec.decode(self._parts.codec, staff.role, await request.read())
        return _json(opened)

    async def _encode(self, request: web.Request) -> web.Response:
        await self._staff(request)
        return _json(await codec.encode(self._parts.codec, await request.read()))

    async def _script(self, request: web.Request) -> web.Response:
        staff = await self._staff(request)
        namespace = self._parts.settings.temporal_namespace
        script = portal_script(staff.login, staff.role, namespace)
        return web.Response(
            text=script, content_type="text/javascript", headers={"Cache-Control": "no-store"}
        )

    # Figures: any role may look, nobody else -------------------------------------------------

    async def _overview(self, request: web.Request) -> web.Response:
        staff, overview = await self._read_overview(request)
        page = overview_page(staff, overview, self._parts.settings.temporal_namespace)
        return _page(page, policy=OVERVIEW_POLICY)

    async def _figures(self, request: web.Request) -> web.Response:
        _, overview = await self._read_overview(request)
        return _json(json.dumps(overview.as_json(), default=str).encode())

    async def _read_overview(self, request: web.Request) -> tuple[StaffSession, Overview]:
        staff = await self._staff(request)
        assert self._ui is not None
        with log_context(staff=staff.login):
            return staff, await self._parts.figures.read(self._ui)

    async def _search(self, request: web.Request) -> web.Response:
        staff = await self._staff(request)
        with log_context(staff=staff.login):
            return await self._parts.search.answer(request, staff)

    # Passing on ------------------------------------------------------------------------------

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        staff = await self._staff(request)
        path = request.raw_path.partition("?")[0]
        with log_context(staff=staff.login):
            try:
                wish = wish_of(request.method, path, self._parts.settings.temporal_namespace)
                refuse_unless_allowed(staff.role, wish)
            except PermissionMissing as refusal:
                await self._audit_refusal(staff, request, refusal)
                raise
            body = await self._prepared(staff, wish, await request.read())
            return await self._exchange(request, staff, path, body)

    async def _prepared(self, staff: StaffSession, wish: Wish, body: bytes) -> bytes:
        """The body as it goes on. What changes anything is in the audit log before it does."""
        if wish.kind in {Kind.READ, Kind.QUERY}:
            return body
        if wish.kind is not Kind.UPDATE:
            await self._parts.store.audit(staff.login, wish.action, wish.workflow_id or "temporal")
            return rewriting.put_identity(body, staff.login)
        request, update_id = rewriting.update_request(body, wish.update, staff.login)
        token = await self._parts.signer.token(
            staff.login,
            staff.role,
            workflow_id=wish.workflow_id,
            update=wish.update,
            update_id=update_id,
        )
        details = {"update_id": update_id, "role": str(staff.role)}
        await self._parts.store.audit(staff.login, wish.action, wish.workflow_id, details)
        return rewriting.put_token(request, token)

    async def _audit_refusal(
        self, staff: StaffSession, request: web.Request, refusal: PermissionMissing
    ) -> None:
        details = {"method": request.method, "path": request.raw_path[:300], "why": refusal.message}
        await self._parts.store.audit(staff.login, "staff.refused", "temporal", details)
        logger.warning("staff action refused", extra={"path": request.raw_path[:300]})

    async def _exchange(
        self, request: web.Request, staff: StaffSession, path: str, body: bytes
    ) -> web.StreamResponse:
        assert self._ui is not None
        url = URL(self._parts.settings.temporal_ui_url + request.raw_path, encoded=True)
        headers = _headers_up(request)
        try:
            async with self._ui.request(
                request.method, url, data=body or None, headers=headers, allow_redirects=False
            ) as answer:
                content = self._rewritten(staff, path, answer, await answer.read())
                down = web.Response(
                    status=answer.status, body=content, headers=_headers_down(answer)
                )
                if _CSRF_COOKIE in answer.cookies:
                    down.set_cookie(
                        _CSRF_COOKIE, answer.cookies[_CSRF_COOKIE].value, samesite="Strict"
                    )
                return down
        except (TimeoutError, aiohttp.ClientError):
            logger.exception("the temporal ui does not answer")
            return _page(message_page("Not now", "Temporal does not answer."), status=502)

    def _rewritten(
        self, staff: StaffSession, path: str, answer: aiohttp.ClientResponse, content: bytes
    ) -> bytes:
        if path == "/api/v1/settings" and answer.status == 200:
            namespace = self._parts.settings.temporal_namespace
            return rewriting.settings_for(staff.role, content, f"{self._origin}/codec", namespace)
        if answer.content_type == "text/html":
            return rewriting.page_with_seed(content)
        return content


def _headers_up(request: web.Request) -> CIMultiDict[str]:
    kept = CIMultiDict(
        (name, value) for name, value in request.headers.items() if name.lower() not in _DROPPED_UP
    )
    csrf = request.cookies.get(_CSRF_COOKIE)
    if csrf is not None:
        kept["Cookie"] = f"{_CSRF_COOKIE}={csrf}"  # The UI's own; our session stays here.
    return kept


def _headers_down(answer: aiohttp.ClientResponse) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in answer.headers.items() if name.lower() not in _DROPPED_DOWN
    )


def _page(html: str, status: int = 200, policy: str = CONTENT_POLICY) -> web.Response:
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return web.Response(text=html, content_type="text/html", status=status, headers=headers)


def _json(body: bytes) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=body, content_type="application/json", headers=headers)


def _refusal(request: web.Request, refusal: ExchangeError, status: int) -> web.Response:
    """As Temporal's own API refuses (a number of gRPC's), so that the UI shows the sentence."""
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        return _page(message_page("Not allowed", refusal.message), status=status)
    code = _GRPC.get(status, _PERMISSION_DENIED)
    return web.json_response({"code": code, "message": refusal.message}, status=status)
