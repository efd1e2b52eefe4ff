"""The wallet service's process: `python -m api.wallet_service.main`, or `handler` as a Lambda."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import uvicorn
from fastapi import FastAPI
from prometheus_client import start_http_server
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from api import problems
from api.edge import Edge
from api.exchange.checked_address import PATIENCE_SECONDS
from api.exchange.identity import Identity
from api.exchange.passwords import Passwords
from api.wallet_service.app import health, router
from api.wallet_service.desk import WalletDesk
from api.wallet_service.lambda_adapter import LambdaAdapter
from chains.bitcoin.network import network
from storage.api_keys import ApiKeys
from storage.catalog import Catalog, read_catalog
from storage.customers import Customers
from storage.engine import create_engine
from storage.login_attempts import LoginAttempts
from storage.sessions import Sessions
from streams.listening import listen_host
from streams.logs import configure_logging
from streams.secret_environment import read_secret_environment

_BODY_BYTES_MAX = 4_096
_IN_FLIGHT_MAX = 500
_SECONDS_MAX = 10.0


class WalletServiceSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    bitcoin_network: str = "regtest"
    wallet_service_port: int = 8082
    session_hours: float = 12.0
    address_patience_seconds: float = PATIENCE_SECONDS
    """As the API's: a new address is shown once the signer has checked it."""
    health_port: int | None = None
    metrics_port: int | None = None
    log_level: str = "INFO"


def create_app(settings: WalletServiceSettings) -> ASGIApp:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = create_engine(settings.database_url, application="wallet_service")
        catalog = await _catalog(engine)
        app.state.engine = engine
        app.state.desk = WalletDesk(
            engine,
            catalog,
            network(settings.bitcoin_network),
            address_patience_seconds=settings.address_patience_seconds,
        )
        app.state.identity = _identity(engine, settings)
        yield
        await engine.dispose()

    app = FastAPI(title="Rialto wallet service", version="1", lifespan=lifespan, docs_url=None)
    problems.install(app)
    app.include_router(router)
    app.include_router(health)
    return Edge(
        app,
        body_bytes_max=_BODY_BYTES_MAX,
        in_flight_max=_IN_FLIGHT_MAX,
        seconds_max=_SECONDS_MAX,
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The same service as a Lambda behind API Gateway."""
    return _adapter()(event, context)


@cache
def _adapter() -> LambdaAdapter:
    read_secret_environment()
    return LambdaAdapter(create_app(WalletServiceSettings()))


def _identity(engine: AsyncEngine, settings: WalletServiceSettings) -> Identity:
    return Identity(
        customers=Customers(engine),
        sessions=Sessions(engine),
        api_keys=ApiKeys(engine),
        attempts=LoginAttempts(engine),
        passwords=Passwords(),
        session_lifetime=timedelta(hours=settings.session_hours),
    )


async def _catalog(engine: AsyncEngine) -> Catalog:
    """The listed assets, once the database is there."""
    while True:
        try:
            async with engine.connect() as connection:
                return await read_catalog(connection)
        except (DBAPIError, OSError):
            await asyncio.sleep(0.5)


def main() -> None:
    settings = WalletServiceSettings()
    configure_logging("wallet_service", settings.log_level)
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, listen_host())
    uvicorn.run(
        create_app(settings),
        host=listen_host(),
        port=settings.wallet_service_port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    main()
