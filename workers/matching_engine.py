"""The matching engine: one writer for a group of markets, and as many warm standbys as are started.

A process that does not hold the group's lease follows the journal, record by record; when the
holder is gone, it reads what the holder still wrote, opens the next epoch and goes on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.market import Market
from engine.rules import STEPS_MAX, Rules
from storage.catalog import read_catalog
from storage.engine import create_engine
from streams.journal_files import SEGMENT_BYTES
from streams.journal_identity import identity
from streams.journal_writer import JournalFailed, JournalWriter
from streams.lease import LEASE_SECONDS, RENEW_SECONDS, ForeignJournal, Lease, LeaseLost
from streams.order_queue import OrderQueue
from workers.engine_identity import is_gone, own_identity
from workers.engine_loop import LONG, SHORT, EngineLoop, Polling
from workers.engine_standby import Standby
from workers.health import Health, serve_health
from workers.process import run

logger = logging.getLogger(__name__)

_CANDIDATE_SECONDS = 0.2
_FOREIGN_SECONDS = 10.0
_RETRY_SECONDS = 0.5


class EngineSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    journal_dir: Path
    journal_segment_bytes: int = SEGMENT_BYTES
    order_queue: str = "rialto-orders.fifo"
    order_poll: Literal["auto", "short", "long"] = "auto"
    """`auto`: long polls on AWS, short ones on an emulator."""
    market_group: str = "spot"
    table_prefix: str = "rialto-"
    lease_seconds: float = LEASE_SECONDS
    price_band_bps: int = 5_000
    """A limit order may be half the last price away from it."""
    protection_bps: int = 1_000
    """A market order trades no further than a tenth from the best price it met."""
    orders_max: int = 10_000
    """Open orders of one customer in one market."""
    health_port: int | None = None
    metrics_port: int | None = None

    def polling(self) -> Polling:
        on_emulator = "AWS_ENDPOINT_URL_SQS" in os.environ
        short = self.order_poll == "short" or (self.order_poll == "auto" and on_emulator)
        return SHORT if short else LONG


def rules_of(market: Market, settings: EngineSettings) -> Rules:
    """A listed market's limits in ticks and lots."""
    tick_lot_units = market.quote_units_per_tick_lot
    return Rules(
        lots_max=min(market.lots_max, STEPS_MAX),
        price_max=min(market.price_ticks_max, STEPS_MAX),
        notional_min=-(-market.notional_min_units // tick_lot_units),
        band_bps=settings.price_band_bps,
        protection_bps=settings.protection_bps,
        orders_max=settings.orders_max,
    )


async def read_rules(database: AsyncEngine, settings: EngineSettings) -> Mapping[str, Rules]:
    """The rules of all listed markets, as soon as the database is there."""
    while True:
        try:
            async with database.connect() as connection:
                catalog = await read_catalog(connection)
        except Exception as error:  # noqa: BLE001 - not there yet, or not migrated yet
            logger.info("waiting for the database", extra={"fault": str(error)[:200]})
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return {id_: rules_of(market, settings) for id_, market in catalog.markets.items()}


async def become_writer(lease: Lease, standby: Standby, stop: asyncio.Event) -> bool:
    """Follow the journal until the lease is ours; False if we were told to stop before."""
    while not stop.is_set():
        standby.follow()
        try:
            if await lease.try_acquire(above_epoch=standby.newest_epoch()):
                logger.info("the lease is ours", extra={"epoch": lease.epoch})
                return True
        except ForeignJournal as fault:
            logger.critical("not the journal that was written last", extra={"fault": str(fault)})
            await asyncio.sleep(_FOREIGN_SECONDS)  # Until somebody has decided.
        except Exception as error:  # noqa: BLE001 - the table is not there yet, or not reachable
            logger.info("waiting for the lease table", extra={"fault": str(error)[:200]})
        await asyncio.sleep(_CANDIDATE_SECONDS)
    return False


async def keep_lease(lease: Lease) -> None:
    """Renew for ever. Raises LeaseLost."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            await lease.renew()
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - tried again until the lease ends
            logger.warning("the lease was not renewed", extra={"fault": str(error)[:200]})


async def write(
    settings: EngineSettings, lease: Lease, standby: Standby, health: Health, stop: asyncio.Event
) -> None:
    """Be the writer until told to stop, or until the lease or the disk is lost."""
    began = time.monotonic()
    replica = await asyncio.to_thread(standby.finish)
    lease.require()
    number = replica.exchange.number
    writer = JournalWriter(
        settings.journal_dir,
        epoch=lease.epoch,
        last_number=number,
        segment_bytes=settings.journal_segment_bytes,
    )
    seconds = round(time.monotonic() - began, 3)
    logger.info("writing", extra={"epoch": lease.epoch, "record": number, "seconds": seconds})
    database = create_engine(settings.database_url, application="matching_engine", pool_size=1)
    loop = EngineLoop(
        OrderQueue(settings.order_queue),
        writer,
        replica,
        lease,
        partial(read_rules, database, settings),
        settings.polling(),
    )
    health.ready("journal")
    try:
        await loop.run(stop)
    finally:
        await asyncio.to_thread(writer.close)
        await database.dispose()


async def serve(stop: asyncio.Event) -> None:
    settings = EngineSettings()
    settings.journal_dir.mkdir(parents=True, exist_ok=True)
    health = Health("journal")
    lease = Lease(
        f"{settings.table_prefix}leases",
        settings.market_group,
        own_identity(),
        seconds=settings.lease_seconds,
        is_gone=is_gone,
        journal=await asyncio.to_thread(identity, settings.journal_dir),
    )
    async with serve_health(health, port=settings.health_port, metrics_port=settings.metrics_port):
        standby = Standby(settings.journal_dir)
        if not await become_writer(lease, standby, stop):
            return
        keeping = asyncio.ensure_future(keep_lease(lease))
        writing = asyncio.ensure_future(write(settings, lease, standby, health, stop))
        try:
            await asyncio.wait({keeping, writing}, return_when=asyncio.FIRST_COMPLETED)
            await end(writing, keeping, lease)
        except (LeaseLost, JournalFailed) as fault:
            logger.critical("the writer must end", extra={"fault": str(fault)})
            os._exit(1)  # Nothing may run on, not even clean-up: the journal may be another's now.


async def end(writing: asyncio.Future[None], keeping: asyncio.Future[None], lease: Lease) -> None:
    """Raise what ended the writer; after a clean end, hand the lease on."""
    for task in (keeping, writing):
        if task.done():
            task.result()
    keeping.cancel()
    await lease.release()


def main() -> None:
    run("matching_engine", serve)


if __name__ == "__main__":
    main()
