"""The market data lane: feeds, snapshots of books and order reports onto Valkey."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from streams.market_data import (
    OrderReport,
    OrderReports,
    book_key,
    customer_channel,
    encode,
    market_channel,
    orders_key,
)
from streams.market_feed import MarketFeed
from streams.order_reports import reports_of
from workers.shipper_cursor import FileCursor
from workers.shipper_lanes import SHIPPED
from workers.shipper_source import Shipment, Source

logger = logging.getLogger(__name__)

BOOK_SECONDS = 0.1
"""Between two snapshots of a book that changes."""

ORDERS_SECONDS = 2.0

REFRESH_SECONDS = 5.0
"""A snapshot is written again after this time even if nothing changed: Valkey may have restarted.
"""

ORDERS_MAX = 20_000
"""A market with more orders has no snapshot of all of them; one of its levels it has always."""

_RETRY_SECONDS = 0.5

ReadCursors = Callable[[], Awaitable[Mapping[str, int]]]


class MarketDataLane:
    def __init__(self, directory: Path, valkey: Valkey, read_cursors: ReadCursors) -> None:
        self._cursor = FileCursor(directory / "market_data.cursor")
        self._directory = directory
        self._valkey = valkey
        self._read_cursors = read_cursors
        self._feeds: dict[str, MarketFeed] = {}
        self._epoch = 0
        self._written: dict[str, tuple[int, float]] = {}
        """By key: which sequence was written, and when."""

    async def run(self) -> None:
        """Publish for ever. What Valkey does not take now is published when it is back."""
        if self._cursor.was_lost:  # What is settled was published, or nobody waits for it any more.
            self._cursor.next.update(await self._settled())
        source = Source(self._directory, self._cursor.next, trim=False)
        for market, book in source.replica.exchange.books.items():
            self._feeds[market] = MarketFeed(market, book)
        writing = asyncio.ensure_future(self._write_snapshots(source))
        try:
            async for shipment in source.shipments():
                await self._deliver(shipment)
        finally:
            writing.cancel()
            source.close()

    async def _deliver(self, shipment: Shipment) -> None:
        messages = self._messages(shipment)
        while messages and not await self._publish(messages):  # noqa: ASYNC110 - it is tried again
            await asyncio.sleep(_RETRY_SECONDS)
        for run in shipment.runs:
            self._cursor.delivered(run.market, run.last_sequence)
            SHIPPED.labels("market_data", run.market).inc(len(run.events))
        self._cursor.write()

    def _messages(self, shipment: Shipment) -> list[tuple[str, bytes]]:
        """Follow the shipment, and say what of it is news: `(channel, message)`."""
        self._epoch = shipment.epoch
        messages: list[tuple[str, bytes]] = []
        reports: defaultdict[int, list[OrderReport]] = defaultdict(list)
        for run in shipment.runs:
            feed = self._feeds.get(run.market)
            if feed is None:
                feed = self._feeds[run.market] = MarketFeed(run.market)
            update = feed.apply(run, shipment.epoch)
            wanted = self._cursor.next.get(run.market, 1)
            if run.last_sequence < wanted:
                continue
            messages.append((market_channel(run.market), encode(update)))
            for event in run.numbered():
                if event[0] >= wanted:
                    for customer_id, report in reports_of(run.market, event):
                        reports[customer_id].append(report)
        for customer_id, told in reports.items():
            message = encode(OrderReports(customer_id, told))
            messages.append((customer_channel(customer_id), message))
        return messages

    async def _publish(self, messages: list[tuple[str, bytes]]) -> bool:
        try:
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for channel, message in messages:
                    pipeline.publish(channel, message)
                await pipeline.execute()
        except (ValkeyError, OSError) as fault:
            logger.warning("market data waits", extra={"fault": str(fault)[:200]})
            return False
        return True

    async def _write_snapshots(self, source: Source) -> None:
        while True:
            await asyncio.sleep(BOOK_SECONDS / 2)
            try:
                for market, book in source.replica.exchange.books.items():
                    feed = self._feeds.setdefault(market, MarketFeed(market))
                    if self._is_due(book_key(market), feed.sequence, BOOK_SECONDS):
                        await self._set(book_key(market), encode(feed.snapshot(self._epoch)))
                    key = orders_key(market)
                    small = feed.orders_count <= ORDERS_MAX
                    if small and self._is_due(key, feed.sequence, ORDERS_SECONDS):
                        await self._set(key, encode(feed.orders_snapshot(self._epoch, book)))
            except (ValkeyError, OSError) as fault:
                logger.warning("snapshots wait", extra={"fault": str(fault)[:200]})
                self._written.clear()
                await asyncio.sleep(_RETRY_SECONDS)

    def _is_due(self, key: str, sequence: int, seconds: float) -> bool:
        """Whether to write `key` now; then it counts as written."""
        now = time.monotonic()
        written, at = self._written.get(key, (-1, 0.0))
        age = now - at
        if (written != sequence and age > seconds) or age > REFRESH_SECONDS:
            self._written[key] = (sequence, now)
            return True
        return False

    async def _set(self, key: str, value: bytes) -> None:
        await self._valkey.set(key, value)

    async def _settled(self) -> Mapping[str, int]:
        while True:
            try:
                return await self._read_cursors()
            except Exception as error:  # noqa: BLE001 - not there yet, or not migrated yet
                logger.info("waiting for the ledger", extra={"fault": str(error)[:200]})
                await asyncio.sleep(_RETRY_SECONDS)
