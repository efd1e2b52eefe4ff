"""What the workers of both chains share: their queue's activities, and the watch over payments."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from prometheus_client import Gauge
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from valkey.asyncio import Valkey

from activities.chain_tie import ChainTie
from activities.deposits import DepositActivities
from activities.payment_repairs import RepairableChain, RepairActivities
from activities.payment_watch import PaymentWatch, Tell
from activities.payments import PaymentActivities
from activities.reconciliation import ReconciliationActivities
from activities.reserves import ReserveCounting
from activities.treasury import TreasuryActivities, TreasuryChain
from chains.node import NodeFault, NodeRefusal
from storage import treasury, withdrawals
from storage.catalog import Catalog, read_catalog
from storage.engine import create_engine
from storage.ledger import Ledger
from streams.metrics import TemporalMetrics
from streams.notices import ValkeyNotices
from streams.temporal import connect
from workers.health import Health, serve_health
from workers.temporal_worker import Queue, serve_queues, temporal_answers

logger = logging.getLogger(__name__)

_WATCH_FAULTS = (NodeFault, NodeRefusal, DBAPIError, RPCError, OSError)
"""What another look may cure: nodes, database and Temporal come and go."""
_ACTIVITIES_AT_ONCE = 50
_MEASURE_SECONDS = 30.0
BURN = Gauge("hot_wallet_burn_percent", "Left the hot wallet within an hour", ["asset"])
LOW = Gauge("hot_wallet_below_low", "1 while it is below its low mark", ["asset"])


class Chain(RepairableChain, TreasuryChain, Protocol):
    """All that differs from chain to chain."""


MakeTie = Callable[[AsyncEngine], ChainTie]
"""How this chain's books are compared with its node."""


class ChainSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    valkey_url: str
    payment_watch_seconds: float = 0.5
    health_port: int | None = None
    metrics_port: int | None = None


@dataclass(frozen=True)
class Books:
    """What every custody activity works with."""

    engine: AsyncEngine
    ledger: Ledger
    catalog: Catalog
    notices: ValkeyNotices


async def open_books(database_url: str, valkey_url: str, closing: AsyncExitStack) -> Books:
    """Connect to Postgres and Valkey, waiting until the database is migrated."""
    engine = create_engine(database_url, application="custody")
    closing.push_async_callback(engine.dispose)
    catalog = await _catalog(engine)
    ledger = await Ledger.open(engine)
    closing.push_async_callback(ledger.close)
    valkey = Valkey.from_url(valkey_url)
    closing.push_async_callback(valkey.aclose)
    return Books(engine, ledger, catalog, ValkeyNotices(valkey))


async def serve_chain(
    settings: ChainSettings, chain: Chain, tie: MakeTie, stop: asyncio.Event
) -> None:
    """Run the chain's queue and its watch until `stop`."""
    health, metrics = Health(chain.name), TemporalMetrics()
    async with AsyncExitStack() as closing:
        await closing.enter_async_context(
            serve_health(
                health,
                port=settings.health_port,
                metrics_port=settings.metrics_port,
                temporal=metrics,
            )
        )
        books = await open_books(settings.database_url, settings.valkey_url, closing)
        client = await connect(settings, runtime=metrics.runtime)
        health.check("temporal", partial(temporal_answers, client))
        watch = PaymentWatch(books.engine, chain, teller(client, books.engine))
        watching = asyncio.create_task(_watch(watch, settings.payment_watch_seconds, stop))
        closing.callback(watching.cancel)
        measuring = asyncio.create_task(_measure_wallets(books.engine, chain.name, stop))
        closing.callback(measuring.cancel)
        parts = (books.engine, books.ledger, books.catalog, books.notices)
        deposits, payments = DepositActivities(*parts, chain), PaymentActivities(*parts, chain)
        queue = Queue(
            chain.name,
            activities=[
                *deposits.all(),
                *payments.all(),
                *RepairActivities(*parts, chain).all(),
                *TreasuryActivities(books.engine, books.ledger, chain).all(),
                *ReconciliationActivities(books.engine, books.catalog, tie(books.engine)).all(),
                *ReserveCounting(books.engine, tie(books.engine)).all(),
            ],
            activities_at_once=_ACTIVITIES_AT_ONCE,
        )
        await serve_queues(client, [queue], stop, on_running=partial(health.ready, chain.name))


def teller(client: Client, engine: AsyncEngine) -> Tell:
    """Signals a money workflow by its id."""
    return partial(_tell, client, engine)


async def _tell(client: Client, engine: AsyncEngine, workflow_id: str) -> None:
    try:
        await client.get_workflow_handle(workflow_id).signal("chain_moved")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        # Its workflow is gone: the relay starts another one from the row.
        kind, _, row_id = workflow_id.partition("/")
        if kind == "withdrawal":
            async with engine.begin() as connection:
                await withdrawals.note(connection, row_id, has_news=True)


async def _watch(watch: PaymentWatch, every_seconds: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await watch.look()
        except _WATCH_FAULTS as fault:
            logger.warning(
                "payments could not be watched",
                extra={"fault": f"{type(fault).__name__}: {fault}"[:300]},
            )
        await pause(stop, every_seconds)


async def _measure_wallets(engine: AsyncEngine, chain: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with engine.connect() as connection:
                found = await treasury.burns(connection, chain)
        except (DBAPIError, OSError):
            found = []  # The watch says so already.
        for each in found:
            BURN.labels(each.asset).set(each.percent)
            LOW.labels(each.asset).set(each.is_low)
        await pause(stop, _MEASURE_SECONDS)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until `stop`."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _catalog(engine: AsyncEngine) -> Catalog:
    while True:
        try:
            async with engine.connect() as connection:
                return await read_catalog(connection)
        except (DBAPIError, OSError) as fault:
            logger.warning("the database is not there yet", extra={"fault": str(fault)[:200]})
        await asyncio.sleep(0.5)
