"""Builds the parts of an API process, waiting for the servers they need, and closes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from valkey.asyncio import Valkey

from api.exchange.identity import Identity
from api.exchange.market_data import MarketData
from api.exchange.passwords import Passwords
from api.exchange.readiness import Readiness
from api.exchange.replays import Replays
from api.exchange.second_factor import SecondFactor
from api.exchange.secret_box import open_secret_box
from api.faults import refusal_of
from api.kyc.desk import KycDesk
from api.kyc_webhook import KycWebhook
from api.services import Services
from api.settings import ApiSettings
from domain.errors import Unavailable
from storage.api_keys import ApiKeys
from storage.catalog import Catalog, read_catalog
from storage.customers import Customers
from storage.documents import DocumentBucket
from storage.engine import create_engine
from storage.idempotency import IdempotencyKeys
from storage.kyc import KycStore
from storage.ledger import Ledger
from storage.login_attempts import LoginAttempts
from storage.second_factors import SecondFactors
from storage.sessions import Sessions
from streams import aws
from streams.envelope import personal_envelope
from streams.pubsub import Subscriber
from streams.temporal import connect

logger = logging.getLogger(__name__)

T = TypeVar("T")
_RETRY_SECONDS = 0.5
_VALKEY_SECONDS = 3.0


@asynccontextmanager
async def build(settings: ApiSettings) -> AsyncIterator[Services]:
    """Services until the block ends; what was begun is finished before it does."""
    async with AsyncExitStack() as closing:
        engine = create_engine(
            settings.database_url, pool_size=settings.database_pool_size, application="api"
        )
        closing.push_async_callback(engine.dispose)
        valkey = Valkey.from_url(
            settings.valkey_url,
            socket_timeout=_VALKEY_SECONDS,
            socket_connect_timeout=_VALKEY_SECONDS,
        )
        closing.push_async_callback(valkey.aclose)
        services = await _assemble(settings, engine, valkey)
        closing.push_async_callback(services.ledger.close)
        subscriber = _subscriber(services)
        await subscriber.subscribe(*services.market_data.channels)
        following = asyncio.create_task(subscriber.run())
        closing.callback(following.cancel)
        yield services


async def _assemble(settings: ApiSettings, engine: AsyncEngine, valkey: Valkey) -> Services:
    catalog = await _patiently(lambda: _catalog(engine))
    box = await _patiently(lambda: open_secret_box(engine))
    customers, sessions, api_keys = Customers(engine), Sessions(engine), ApiKeys(engine)
    attempts, factors = LoginAttempts(engine), SecondFactors(engine)
    identity = Identity(
        customers=customers,
        sessions=sessions,
        api_keys=api_keys,
        attempts=attempts,
        passwords=Passwords(),
        session_lifetime=settings.session_lifetime,
    )
    second_factor = SecondFactor(
        factors=factors,
        sessions=sessions,
        attempts=attempts,
        box=box,
        step_up_lasts=timedelta(minutes=settings.step_up_minutes),
    )
    # Lazily: trading goes on while Temporal is away.
    temporal = await connect(settings, lazy=True)
    kyc_store = KycStore(engine)
    documents = DocumentBucket(aws.client("s3"))
    return Services(
        settings=settings,
        engine=engine,
        valkey=valkey,
        catalog=catalog,
        customers=customers,
        sessions=sessions,
        api_keys=api_keys,
        second_factors=factors,
        idempotency_keys=IdempotencyKeys(engine),
        ledger=await _patiently(lambda: Ledger.open(engine)),
        identity=identity,
        second_factor=second_factor,
        secret_box=box,
        replays=Replays(valkey, window_seconds=settings.signature_window_seconds),
        market_data=MarketData(valkey, catalog.markets),
        readiness=Readiness({"postgres": lambda: _ask(engine), "valkey": valkey.ping}),
        temporal=temporal,
        kyc=KycDesk(temporal, kyc_store, personal_envelope(aws.client("kms")), documents),
        kyc_webhook=KycWebhook(temporal, kyc_store, settings.webhook_secrets),
    )


def _subscriber(services: Services) -> Subscriber:
    def handle(channel: str, message: bytes) -> None:
        if services.market_data.owns(channel):
            services.market_data.handle(channel, message)

    async def on_connected(_: Iterable[str]) -> None:
        await services.market_data.reload_all()

    return Subscriber(services.valkey, handle, on_connected)


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Wait for a server that is still starting; anything but "it is down" is raised."""
    while True:
        try:
            return await work()
        except Exception as fault:
            refusal = refusal_of(fault)
            if not isinstance(refusal, Unavailable):
                raise
            logger.info("waiting for a server", extra={"fault": repr(fault)[:200]})
        await asyncio.sleep(_RETRY_SECONDS)


async def _catalog(engine: AsyncEngine) -> Catalog:
    async with engine.connect() as connection:
        return await read_catalog(connection)


async def _ask(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
