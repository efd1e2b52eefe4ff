"""The outermost layer of the API: request ids, bounded bodies, back-pressure, security headers,
last-resort errors.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping

from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BodyTooLarge, InternalError, OutcomeUnknownAnswer, problem_response
from api.exchange.rate_limits import headers as rate_limit_headers
from api.faults import refusal_of
from api.rate_limiting import STATE
from domain.errors import ExchangeError, Unavailable
from streams import tracing
from streams.logs import log_context
from streams.objectives import ORDERS

logger = logging.getLogger(__name__)

REQUESTS = Counter("api_requests_total", "Answered requests", ["method", "status"])
SECONDS = Histogram(
    "api_request_seconds",
    "From the first byte in to the last byte out",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
IN_FLIGHT = Gauge("api_requests_in_flight", "Requests being worked on")

_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._-]{8,64}$")
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-site"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_ORDER_PATHS = frozenset({"/v1/orders", "/v1/orders:batch", "/v1/orders:pair", "/api/v3/order"})
"""Where orders are placed: what the objective counts."""
_ALWAYS_ANSWERED = frozenset({"/healthz", "/readyz"})
"""Health checks must get through when the API refuses the rest, or it would be killed for being
busy.
"""
_TOO_LATE = OutcomeUnknownAnswer("it took too long; whether it happened is not known: look it up")

Refuse = Callable[[ExchangeError], Response]


class Edge:
    """Wraps the application. Every answer has a request id; every exception becomes a problem
    document.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_bytes_max: int,
        in_flight_max: int,
        seconds_max: float,
        uploads: Mapping[str, int] | None = None,
        other_shapes: Mapping[str, Refuse] | None = None,
    ) -> None:
        """`uploads`: paths that take files, and how many bytes each takes at most.

        `other_shapes`: prefixes of paths whose refusals do not look like problem documents.
        """
        self._app = app
        self._body_bytes_max = body_bytes_max
        self._uploads = uploads or {}
        self._other_shapes = other_shapes or {}
        self._in_flight_max = in_flight_max
        self._seconds_max = seconds_max
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        bytes_max = self._uploads.get(scope["path"], self._body_bytes_max)
        exchange = _Exchange(scope, receive, send, request_id, bytes_max)
        exchange.shape = self._shape(scope["path"])
        started = time.perf_counter()
        self._in_flight += 1
        IN_FLIGHT.set(self._in_flight)
        try:
            with tracing.span(f"{scope['method']} {scope['path']}", request_id=request_id):
                await self._answer(scope, exchange)
        finally:
            self._in_flight -= 1
            seconds = time.perf_counter() - started
            REQUESTS.labels(scope["method"], exchange.status).inc()
            SECONDS.observe(seconds)
            if scope["method"] == "POST" and scope["path"] in _ORDER_PATHS:
                ORDERS.count(is_good=exchange.status < 500 and seconds <= ORDERS.limit_seconds)

    def _shape(self, path: str) -> Refuse | None:
        shapes = self._other_shapes.items()
        return next((shape for prefix, shape in shapes if path.startswith(prefix)), None)

    async def _answer(self, scope: Scope, exchange: _Exchange) -> None:
        if self._in_flight > self._in_flight_max and scope["path"] not in _ALWAYS_ANSWERED:
            await exchange.refuse(
                Unavailable("too many requests are being worked on; nothing happened")
            )
            return
        if exchange.announced_bytes() > exchange.body_bytes_max:
            await exchange.refuse(
                BodyTooLarge(f"the body is above {exchange.body_bytes_max} bytes")
            )
            return
        with log_context(request_id=exchange.request_id):
            try:
                async with asyncio.timeout(self._seconds_max) as deadline:
                    await self._app(scope, exchange.receive, exchange.send)
            except Exception as fault:  # noqa: BLE001 - the last line of defence
                is_late = deadline.expired() and scope["method"] not in ("GET", "HEAD")
                await exchange.refuse(_TOO_LATE if is_late else _as_refusal(fault))


def _as_refusal(fault: Exception) -> ExchangeError:
    refusal = refusal_of(fault)
    if refusal is None:
        logger.error("a request failed", exc_info=fault)
        return InternalError("something went wrong on our side; the outcome may be unknown")
    if isinstance(refusal, Unavailable):
        logger.warning("a part is down", extra={"fault": repr(fault)[:300]})
    return refusal


class _Exchange:
    """One request and its answer, seen from outside."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, request_id: str, body_bytes_max: int
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body_bytes = 0
        self.body_bytes_max = body_bytes_max
        self.request_id = request_id
        self.status = 0
        self.shape: Refuse | None = None

    def announced_bytes(self) -> int:
        for name, value in self._scope["headers"]:
            if name == b"content-length":
                return int(value) if value.isdigit() else 0
        return 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._body_bytes += len(message.get("body", b""))
            if self._body_bytes > self.body_bytes_max:
                raise BodyTooLarge(f"the body is above {self.body_bytes_max} bytes")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            present = {name for name, _ in headers.raw}
            headers.raw.append((b"x-request-id", self.request_id.encode()))
            headers.raw.extend(pair for pair in _SECURITY_HEADERS if pair[0] not in present)
            standing = self._scope["state"].get(STATE)
            if standing is not None:
                headers.raw.extend(rate_limit_headers(standing))
        await self._send(message)

    async def refuse(self, refusal: ExchangeError) -> None:
        """Answer with a problem, unless an answer has begun: then the connection is cut instead."""
        if self.status:
            raise refusal
        if self.shape is not None:
            response = self.shape(refusal)
        else:
            response = problem_response(
                refusal, request_id=self.request_id, instance=self._scope["path"]
            )
        await response(self._scope, self._receive, self.send)


def _request_id(scope: Scope) -> str:
    """The caller's own id when it is a sane one, so that both sides can search for it."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.match(value):
            return str(value.decode())
    return secrets.token_hex(12)
