"""Puts the routes, the error shape and the outer layer together. Builds nothing of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp

from api import problems
from api.dialect.routes import PREFIXES, refused, rest_routes
from api.dialect.sockets import socket_routes
from api.edge import Edge
from api.idempotency import HEADER, REPLAYED
from api.kyc import routes as kyc
from api.openapi import build_openapi, operation_id
from api.rate_limiting import metered
from api.search import routes as search
from api.search.lag import LAG_HEADER
from api.services import Services
from api.settings import ApiSettings
from api.v1 import (
    account,
    api_keys,
    balances,
    catalog,
    dead_man,
    fees,
    fills,
    funds,
    invariants,
    market_data,
    orders,
    passkeys,
    reserves,
    second_factors,
    sessions,
    statements,
    status,
    tickers,
    webhooks,
    withdrawal_addresses,
    withdrawals,
)
from api.v1.socket import routes as socket
from streams.metrics import emitting

Build = Callable[[ApiSettings], AbstractAsyncContextManager[Services]]

ROUTERS = (
    status.router,
    invariants.router,
    reserves.router,
    catalog.router,
    fees.router,
    market_data.router,
    tickers.router,
    sessions.router,
    second_factors.router,
    passkeys.router,
    api_keys.router,
    account.router,
    balances.router,
    statements.router,
    orders.router,
    dead_man.router,
    fills.router,
    funds.router,
    withdrawals.router,
    withdrawal_addresses.router,
    webhooks.router,
    kyc.router,
    socket.router,
    search.router,
)
EXPOSED = (
    REPLAYED, LAG_HEADER, "X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After",
)  # fmt: skip
METERED = [Depends(metered)]


class Application(FastAPI):
    """FastAPI under our own outermost layer: every error leaves as a problem document."""

    def __init__(self, settings: ApiSettings, build: Build) -> None:
        self._settings = settings

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            async with build(settings) as services:
                self.state.services = services
                self.state.search = services.search
                async with emitting("api"):
                    yield

        super().__init__(
            title="Rialto",
            version="1",
            openapi_url="/v1/openapi.json",
            docs_url=None,
            redoc_url=None,
            generate_unique_id_function=operation_id,
            lifespan=lifespan,
        )
        problems.install(self)
        for router in ROUTERS:
            self.include_router(router, dependencies=None if router is socket.router else METERED)
        self.router.routes.extend([*rest_routes(), *socket_routes()])

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = build_openapi(self, ROUTERS)
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        """Without Starlette's catch-all, which answers plain text: `Edge` does that job."""
        handlers = {key: value for key, value in self.exception_handlers.items() if key != 500}
        inner: ASGIApp = AsyncExitStackMiddleware(self.router)
        inner = ExceptionMiddleware(inner, handlers=handlers)
        if self._settings.allowed_origins:
            inner = self._with_cors(inner)
        return Edge(
            inner,
            body_bytes_max=self._settings.body_bytes_max,
            uploads={kyc.DOCUMENTS_PATH: kyc.UPLOAD_BYTES_MAX},
            in_flight_max=self._settings.requests_in_flight_max,
            seconds_max=self._settings.request_seconds_max,
            other_shapes=dict.fromkeys(PREFIXES, refused),
        )

    def _with_cors(self, inner: ASGIApp) -> ASGIApp:
        return CORSMiddleware(
            inner,
            allow_origins=list(self._settings.allowed_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", HEADER, "X-Request-Id"],
            expose_headers=[
                REPLAYED,
                "X-Request-Id",
                "RateLimit",
                "RateLimit-Policy",
                "Retry-After",
            ],
            allow_credentials=True,
            max_age=600,
        )
