"""The data processor: event streams into DynamoDB and the search index, for ever.

`workers.projection_lambda` does the same for one batch, with the same function; where it runs, this
process only relays and keeps the search index.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from prometheus_client import Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.projecting.custody_relay import CustodyRelay
from activities.projecting.fills_relay import FillsRelay
from activities.projecting.projector import Projector
from activities.projecting.reading import StreamRecord
from activities.projecting.refilling import reindex
from activities.projecting.store import Store
from projections.document import Kind
from projections.listings import Listings
from storage import dynamo_checkpoints as checkpoints
from storage.catalog import read_catalog
from storage.dynamo import Dynamo
from storage.dynamo_checkpoints import ShardPosition
from storage.engine import create_engine
from storage.search_index import MONTHLY, SearchUnavailable, oldest_month
from streams.aws import client
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS, KinesisProducer
from streams.kinesis_consumer import (
    KinesisConsumer,
    Position,
    Received,
    Stopped,
    Take,
    pause,
    retried,
)
from workers.health import Health, serve_health
from workers.process import run
from workers.projection_parts import Parts, ProjectionSettings, build, now_ms

STREAMS = (CHAIN_EVENTS, MARKET_EVENTS)
SEARCH_SECONDS = 1.0
RETRY_SECONDS = 1.0
WAITING_SECONDS = 10.0
"""How long documents that another process set aside may wait unseen."""

logger = logging.getLogger(__name__)

EVENTS = Counter("projection_events", "Events applied, repeats included", ["stream"])
POISONS = Counter("projection_poisons", "Events set aside as dead letters", ["stream"])
LAG = Gauge("projection_lag_seconds", "How far behind the stream's end", ["stream", "shard"])
CAUGHT_UP = Counter("projection_late_documents", "Documents that waited for the search index")
"""Counters are shown with the suffix _total."""


class Lag:
    """How far behind each shard is, for the health page."""

    def __init__(self) -> None:
        self._behind_ms: dict[tuple[str, str], int] = {}

    def saw(self, stream: str, position: Position) -> None:
        self._behind_ms[stream, position.shard] = position.behind_ms
        LAG.labels(stream, position.shard).set(position.behind_ms / 1000)

    def seconds(self) -> float:
        return max(self._behind_ms.values(), default=0) / 1000


class KeptPositions:
    """Positions of one stream in DynamoDB; the API reads the lag there too."""

    def __init__(self, dynamo: Dynamo, stream: str, lag: Lag) -> None:
        self._dynamo = dynamo
        self._stream = stream
        self._lag = lag

    def read(self) -> Mapping[str, Position]:
        kept = checkpoints.read_positions(self._dynamo, self._stream)
        return {
            shard: Position(shard, each.sequence_number, each.is_finished, each.behind_ms)
            for shard, each in kept.items()
        }

    def write(self, position: Position) -> None:
        self._lag.saw(self._stream, position)
        checkpoints.write_position(
            self._dynamo,
            ShardPosition(
                self._stream,
                position.shard,
                position.sequence_number,
                position.is_finished,
                position.behind_ms,
                now_ms(),
            ),
        )


class SearchKeeper:
    """Keeps the search index whole: makes it, fills it when it was lost, catches up, tidies."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tidied = ""
        self._looked_at = 0.0

    def keep(self) -> None:
        """One round. Raises SearchUnavailable while the server is away."""
        serving = self._parts.stores()[0]
        if not serving.search.is_filled():
            self._fill(serving)
        # Other processes set documents aside too, so all are looked through now and then.
        is_due = time.monotonic() - self._looked_at > WAITING_SECONDS
        for store in self._parts.stores():
            if store.may_wait or is_due:
                self._catch_up(store)
        if is_due:
            self._looked_at = time.monotonic()
        self._tidy(serving)

    def _fill(self, store: Store) -> None:
        logger.info("filling the search index", extra={"generation": store.generation})
        done = 0
        for done in reindex(store, self._parts.listings()):
            logger.info("filled", extra={"documents": done})
        logger.info("the search index is filled", extra={"documents": done})

    def _catch_up(self, store: Store) -> None:
        while True:
            done, refused = store.index_waiting()
            if refused:
                self._parts.dead_letters.send_documents(store.generation, refused)
            if not done:
                return
            CAUGHT_UP.inc(done)

    def _tidy(self, store: Store) -> None:
        today = datetime.now(UTC)
        oldest = oldest_month(today, self._parts.settings.search_trade_months)
        if self._tidied == today.strftime("%Y.%m.%d"):
            return
        for kind in MONTHLY:
            dropped = store.search.drop_older(Kind(kind), oldest)
            if dropped:
                logger.info("dropped old indexes", extra={"indexes": dropped})
        self._tidied = today.strftime("%Y.%m.%d")


def stream_records(stream: str, received: Sequence[Received]) -> list[StreamRecord]:
    return [
        StreamRecord(
            stream, each.shard, each.sequence_number, each.key, each.data, each.arrived_at_ms
        )
        for each in received
    ]


def taker(projector: Projector, stream: str) -> Take:
    """What applies a batch of one shard."""

    def take(received: Sequence[Received]) -> None:
        applied = projector.apply(stream_records(stream, received))
        EVENTS.labels(stream).inc(applied.events)
        POISONS.labels(stream).inc(applied.poisons)

    return take


async def keep_search(parts: Parts, stop: asyncio.Event) -> None:
    keeper = SearchKeeper(parts)
    while not stop.is_set():
        try:
            await asyncio.to_thread(keeper.keep)
        except SearchUnavailable as error:
            logger.warning("search index unavailable", extra={"error": str(error)})
        except Exception as error:  # A server is away, or a document does not fit: see the log.
            logger.warning("could not keep the search index", exc_info=error)
        await pause(stop, SEARCH_SECONDS)


async def keep_relaying(
    relay: CustodyRelay | FillsRelay, stop: asyncio.Event, every_seconds: float
) -> None:
    while not stop.is_set():
        try:
            await relay.relay()
        except Exception as error:  # The database or DynamoDB is away.
            logger.warning("could not relay", exc_info=error)
            await pause(stop, RETRY_SECONDS)
        await pause(stop, every_seconds)


async def follow(parts: Parts, lag: Lag, stop: asyncio.Event) -> None:
    """Follow the streams and keep the search index until the process is to stop."""
    kinesis = client("kinesis")

    def consumer(stream: str) -> KinesisConsumer:
        return KinesisConsumer(
            kinesis,
            stream,
            KeptPositions(parts.dynamo, stream, lag),
            lambda _: taker(parts.projector(), stream),
            idle_seconds=parts.settings.stream_idle_seconds,
        )

    streams = STREAMS if parts.settings.follows_streams else ()
    await asyncio.gather(
        keep_search(parts, stop), *(consumer(stream).run(stop) for stream in streams)
    )


async def read_listings(engine: AsyncEngine, stop: asyncio.Event) -> Listings:
    """Assets and markets, as soon as the database is there."""
    while True:
        try:
            async with engine.connect() as connection:
                catalog = await read_catalog(connection)
            return Listings.of(catalog.assets.values(), catalog.markets.values())
        except Exception as error:  # noqa: BLE001 - not there yet, or not migrated yet
            logger.info("waiting for the database", extra={"error": str(error)[:200]})
        await pause(stop, RETRY_SECONDS)
        if stop.is_set():
            raise Stopped


async def serve(stop: asyncio.Event) -> None:
    settings = ProjectionSettings()
    assert settings.database_url is not None, "RIALTO_DATABASE_URL is not set"
    engine = create_engine(settings.database_url, application="data_processor")
    lag = Lag()
    health = Health("listings")
    health.tell("lag", lag.seconds)
    async with serve_health(health, port=settings.health_port, metrics_port=settings.metrics_port):
        try:
            listings = await read_listings(engine, stop)
            parts = build(settings, listings)
            await retried(
                stop, lambda: checkpoints.write_listings(parts.dynamo, listings.as_json())
            )
            health.ready("listings")
            custody = CustodyRelay(engine, KinesisProducer())
            fills = FillsRelay(engine, parts.stores, listings.markets)
            await asyncio.gather(
                follow(parts, lag, stop),
                keep_relaying(custody, stop, settings.relay_seconds),
                keep_relaying(fills, stop, settings.relay_seconds),
            )
        except Stopped:
            pass
        finally:
            await engine.dispose()


def main() -> None:
    run("data_processor", serve)


if __name__ == "__main__":
    main()
