"""The shipper: follows the engine's journal and hands on what happened, in order, at least once.

Three lanes, each with its own replay of the journal: settlement workflows, the Kinesis stream, and
market data on Valkey. A lane whose server is away waits without holding up the others, and goes on
from its own durable cursor. It may repeat, and never skips.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict
from valkey.asyncio import Valkey

from activities.engine_tie import EngineTieActivities
from storage.engine import create_engine, for_looking
from storage.settlement_cursors import read_cursors
from streams.journal import durable_number
from streams.kinesis import KinesisProducer
from streams.metrics import TemporalMetrics
from streams.temporal import connect
from workers.engine_tie import compare_elsewhere
from workers.health import Health, serve_health
from workers.process import run
from workers.shipper_lanes import SettlementLanes, StreamLane
from workers.shipper_market_data import MarketDataLane
from workers.temporal_worker import Queue, serve_queues
from workflows.reconciliation import ENGINE_QUEUE
from workflows.settlement import start_settlement

logger = logging.getLogger(__name__)


class ShipperSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    valkey_url: str
    journal_dir: Path
    snapshot_seconds: float = 60.0
    """Between two snapshots, and between two looks at which segments may be archived."""
    health_port: int | None = None
    metrics_port: int | None = None


_HOUSEKEEPING_SECONDS_MAX = 900.0


async def housekeeping(settings: ShipperSettings) -> None:
    """Have snapshots made and segments archived, by a process that may take its time.

    Where nothing was journaled since the last round there is nothing to do, except now and then:
    lanes may have let go of segments meanwhile.
    """
    kept, kept_at = -1, 0.0
    while True:
        began = time.monotonic()
        number = durable_number(settings.journal_dir)
        is_due = number != kept or began - kept_at > _HOUSEKEEPING_SECONDS_MAX
        if is_due and await _keep_house():
            kept, kept_at = number, began
        await asyncio.sleep(max(1.0, settings.snapshot_seconds - (time.monotonic() - began)))


async def _keep_house() -> bool:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers.engine_housekeeping"
    )
    try:
        status = await child.wait()
    except asyncio.CancelledError:
        child.terminate()
        raise
    if status:
        logger.warning("housekeeping failed", extra={"status": status})
    return status == 0


def _engine_queue() -> Queue:
    """Only beside the journal can engine and ledger be compared."""
    return Queue(ENGINE_QUEUE, EngineTieActivities(compare_elsewhere).all())


async def serve(stop: asyncio.Event) -> None:
    settings = ShipperSettings()
    settings.journal_dir.mkdir(parents=True, exist_ok=True)
    health, metrics = Health("temporal"), TemporalMetrics()
    database = create_engine(settings.database_url, application="shipper", pool_size=2)
    valkey = Valkey.from_url(settings.valkey_url)

    looking = for_looking(database)

    async def cursors() -> Mapping[str, int]:
        return {str(market): each for market, each in (await read_cursors(looking)).items()}

    async with serve_health(
        health, port=settings.health_port, metrics_port=settings.metrics_port, temporal=metrics
    ):
        client = await connect(settings, runtime=metrics.runtime)
        health.ready("temporal")
        settlement = SettlementLanes(
            settings.journal_dir, partial(start_settlement, client), cursors
        )
        health.tell("lag", settlement.lag_seconds)
        lanes = [
            settlement.run(),
            StreamLane(settings.journal_dir, KinesisProducer()).run(),
            MarketDataLane(settings.journal_dir, valkey, cursors).run(),
            housekeeping(settings),
            serve_queues(client, [_engine_queue()], stop),
        ]
        tasks = [asyncio.ensure_future(lane) for lane in lanes]
        stopping = asyncio.ensure_future(stop.wait())
        try:
            done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # A lane ends only by failing, and then the process does.
        finally:
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)
            await valkey.aclose()
            await database.dispose()


def main() -> None:
    run("shipper", serve)


if __name__ == "__main__":
    main()
