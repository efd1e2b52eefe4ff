"""The shipper's lanes into the ledger and onto the event stream. Each goes at its own pace."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from prometheus_client import Counter, Gauge

from engine.exchange import Run
from streams import market_events
from streams.kinesis import KinesisProducer
from streams.kinesis import Record as KinesisRecord
from streams.market_events import MarketEvents
from streams.objectives import SETTLEMENT
from workers.shipper_cursor import FileCursor
from workers.shipper_settlement import SettlementLane, Start
from workers.shipper_source import Source

logger = logging.getLogger(__name__)

SHIPPED = Counter("shipper_events", "Events delivered, repeats included", ["lane", "market"])
UNSETTLED = Gauge("shipper_unsettled_events", "Events waiting for settlement", ["market"])

LAG = Gauge("settlement_lag_seconds", "Age of the oldest event that is not settled")

ReadCursors = Callable[[], Awaitable[Mapping[str, int]]]

_ROUND_SECONDS = 0.01
_CURSOR_SECONDS = 0.05
"""How often the ledger is asked how far it is, while runs are under way."""
_IDLE_CURSOR_SECONDS = 0.5
_RETRY_SECONDS = 0.5


class SettlementLanes:
    """All markets' way into the ledger."""

    def __init__(self, directory: Path, start: Start, read_cursors: ReadCursors) -> None:
        self._directory = directory
        self._start = start
        self._read_cursors = read_cursors
        self._lanes: dict[str, SettlementLane] = {}
        self._cursor = FileCursor(directory / "settlement.cursor")
        """For housekeeping; where to begin is asked of the ledger itself."""
        self._came = asyncio.Event()
        """Set when there is something to settle."""
        self._asked = 0.0
        self._measured = 0.0

    async def run(self) -> None:
        """Ship for ever."""
        cursors = await self._patient_cursors()
        self._lanes = {
            market: SettlementLane(market, next_sequence, self._start)
            for market, next_sequence in cursors.items()
        }
        source = Source(self._directory, cursors)
        feeding = asyncio.ensure_future(self._feed(source))
        try:
            while not feeding.done():
                await self._round()
                await self._pause()
            feeding.result()
        finally:
            feeding.cancel()
            source.close()

    async def _pause(self) -> None:
        """A moment while something is under way, else until something comes."""
        if any(lane.unsettled() or lane.is_waiting() for lane in self._lanes.values()):
            await asyncio.sleep(_ROUND_SECONDS)
            return
        self._came.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_IDLE_CURSOR_SECONDS):
                await self._came.wait()

    def lag_seconds(self) -> float:
        """Age of the oldest event that is not settled."""
        oldest = min((us for lane in self._lanes.values() if (us := lane.oldest_us())), default=0)
        return max(0.0, time.time() - oldest / 1e6) if oldest else 0.0

    def _measure(self) -> None:
        """Once a second, whether or not anything waits."""
        if time.monotonic() - self._measured < 1.0:
            return
        self._measured = time.monotonic()
        lag = self.lag_seconds()
        LAG.set(lag)
        SETTLEMENT.note(lag)

    async def _feed(self, source: Source) -> None:
        async for shipment in source.shipments():
            for run in shipment.runs:
                lane = self._lanes.get(run.market)
                if lane is None:  # Nobody listed it, so no order of it was ever held for.
                    logger.error(
                        "events of a market without a ledger", extra={"market": run.market}
                    )
                    continue
                while lane.is_full():  # noqa: ASYNC110 - settled by the other task, seen here
                    await asyncio.sleep(_CURSOR_SECONDS)
                lane.take(run, shipment.epoch, shipment.traces)
                self._came.set()
                SHIPPED.labels("settlement", run.market).inc(len(run.events))

    async def _round(self) -> None:
        """Start what is due, and look how far the ledger is."""
        try:
            for lane in self._lanes.values():
                await lane.step()
            waiting = any(lane.is_waiting() for lane in self._lanes.values())
            pause = _CURSOR_SECONDS if waiting else _IDLE_CURSOR_SECONDS
            if time.monotonic() - self._asked > pause:
                self._asked = time.monotonic()
                for market, next_sequence in (await self._read_cursors()).items():
                    if market in self._lanes:
                        await self._lanes[market].settled(next_sequence)
                        UNSETTLED.labels(market).set(self._lanes[market].unsettled())
                        self._cursor.delivered(market, next_sequence - 1)
                self._cursor.write()
            self._measure()
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001 - a server is away; every step may be repeated
            logger.warning("settlement waits", extra={"fault": str(error)[:200]})
            await asyncio.sleep(_RETRY_SECONDS)

    async def _patient_cursors(self) -> Mapping[str, int]:
        while True:
            try:
                return await self._read_cursors()
            except Exception as error:  # noqa: BLE001 - not there yet, or not migrated yet
                logger.info("waiting for the ledger", extra={"fault": str(error)[:200]})
                await asyncio.sleep(_RETRY_SECONDS)


class StreamLane:
    """Every event onto Kinesis."""

    def __init__(self, directory: Path, producer: KinesisProducer) -> None:
        self._directory = directory
        self._producer = producer

    async def run(self) -> None:
        cursor = FileCursor(self._directory / "kinesis.cursor")
        source = Source(self._directory, cursor.next)
        async for shipment in source.shipments():
            records = [
                KinesisRecord(run.market, market_events.encode(events))
                for run in shipment.runs
                for events in _records(run, shipment.epoch)
            ]
            await self._producer.put(market_events.STREAM, records)
            for run in shipment.runs:
                cursor.delivered(run.market, run.last_sequence)
                SHIPPED.labels("stream", run.market).inc(len(run.events))
            cursor.write()


def _records(run: Run, epoch: int) -> Iterator[MarketEvents]:
    numbered = run.numbered()
    for start in range(0, len(numbered), market_events.EVENTS_MAX):
        part = numbered[start : start + market_events.EVENTS_MAX]
        yield MarketEvents(run.market, epoch, part[0][0], part[-1][0], part)
