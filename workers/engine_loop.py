"""What the one writer of a market group does: receive, journal, match, sync, publish, delete.

The order of the steps is the promise. A command is deleted from the queue only when it is on disk,
and followers may read it only when it is on disk and the lease is held. Killed anywhere, the next
writer finds either the record, or the message still in the queue, or both; the memory of commands
makes "both" harmless.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

from engine.journal import FRAME, MARKETS, TICK
from engine.rules import Rules
from streams import tracing
from streams.aws import is_transient
from streams.frames import MalformedFrame, Section, trace_of, unpack
from streams.journal_writer import JournalWriter
from streams.lease import Lease
from streams.objectives import MATCHING
from streams.order_queue import OrderQueue, Received
from streams.pace import Pace
from streams.replica import Replica, encode_markets

logger = logging.getLogger(__name__)

COMMANDS = Counter("engine_commands", "Commands received, repeats included")
FRAMES = Counter("engine_frames", "Frames journaled")
EVENTS = Counter("engine_events", "Events, by market", ["market"])
PUT_ASIDE = Counter("engine_frames_put_aside", "Messages that were no frames")
RECORD = Gauge("engine_record", "Number of the last record that was published")
TAKE_SECONDS = Histogram(
    "engine_take_seconds",
    "From a receive's answer to its records being durable and published",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)

WAIT_SECONDS = Histogram(
    "engine_queue_wait_seconds",
    "From a frame's arrival in the queue to its receipt, by the queue's clock and ours",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 30),
)
WRITING = Gauge("engine_writing", "1 while this process holds the lease and works")

ReadMarkets = Callable[[], Awaitable[Mapping[str, Rules]]]

BUSY_SECONDS = 1.0
"""So long after the last frame this is no time to tidy up."""

_MARKETS_SECONDS = 1.0
"""Frames of markets we do not know make us look for new ones, but not more often than this."""

_COLLECT_SECONDS = 30.0
_RETRY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Polling:
    """How the queue is asked. Emulators answer long polls late; AWS bills short ones."""

    wait_seconds: int
    pace: Pace
    """An idle stack on a laptop should cost next to nothing; a busy one should not wait."""


SHORT = Polling(0, Pace(least=0.002, idle=0.02, most=0.1, idle_patience=100))
LONG = Polling(20, Pace(least=0.0, idle=0.0, most=0.0, idle_patience=100))


class EngineLoop:
    def __init__(
        self,
        queue: OrderQueue,
        writer: JournalWriter,
        replica: Replica,
        lease: Lease,
        read_markets: ReadMarkets,
        polling: Polling,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        """`now_us` is in microseconds since 1970; it may jump, the books' time never goes back."""
        self._queue = queue
        self._writer = writer
        self._replica = replica
        self._lease = lease
        self._read_markets = read_markets
        self._polling = polling
        self._now_us = now_us
        self._last_frame = 0.0
        self._markets_read = 0.0
        self._collected = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop. Raises LeaseLost or JournalFailed: then the process must end."""
        await self.list_markets()
        gc.collect()
        gc.freeze()
        WRITING.set(1)
        gc.disable()  # A full collection would stop the market for milliseconds; see `_rest`.
        while not stop.is_set():
            received = await self._receive()
            if received:
                self._last_frame = time.monotonic()
                await self.take(received)
            else:
                await self._rest()

    async def take(self, received: Sequence[Received]) -> None:
        """Do what the messages say, and delete them once that can no longer be lost."""
        began = time.perf_counter()
        if received and received[0].sent_ms:
            WAIT_SECONDS.observe(max(0.0, time.time() - received[0].sent_ms / 1_000))
        frames = await self._unpack(received)
        traces = [trace_of(body) for body, _ in frames] if tracing.is_on() else ()
        with tracing.span("match and journal", traces, frames=len(frames)):
            for body, sections in frames:
                self._do(FRAME, body, sections)
            if frames:
                await self._publish()
        if frames:
            seconds = time.perf_counter() - began
            TAKE_SECONDS.observe(seconds)
            MATCHING.note(seconds)
        await self._queue.delete(received)

    async def list_markets(self) -> None:
        """Journal the markets that are listed now, if they are news."""
        self._markets_read = time.monotonic()
        listed = await self._read_markets()
        known = {market: book.rules for market, book in self._replica.exchange.books.items()}
        news = {market: rules for market, rules in listed.items() if known.get(market) != rules}
        if news:
            self._do(MARKETS, encode_markets(news))
            await self._publish()
            logger.info("markets listed", extra={"markets": sorted(news)})

    def _do(self, kind: int, payload: bytes, sections: Sequence[Section] | None = None) -> None:
        """Journal a record, and match it while it is on its way to the disk."""
        exchange = self._replica.exchange
        time_us = max(self._now_us(), exchange.time_us)
        record = self._writer.append(kind, payload, time_us=time_us, digest=exchange.digest)
        for run in self._replica.apply(record, sections):
            EVENTS.labels(run.market).inc(len(run.events))

    async def _publish(self) -> None:
        """Let followers read what is on disk by now, if the market group is still ours.

        The lease is looked at after the sync: so long as it holds then, no successor can have read
        the journal before these records were in it.
        """
        number = self._writer.last_number
        await self._writer.until_synced(number)
        self._lease.require()
        self._writer.publish(number)
        RECORD.set(number)

    async def _unpack(self, received: Sequence[Received]) -> list[tuple[bytes, list[Section]]]:
        """The frames among the messages; what is none is put aside."""
        frames = []
        for each in received:
            body = each.body.encode()
            try:
                sections = unpack(body)
            except MalformedFrame as error:
                PUT_ASIDE.inc()
                logger.warning(
                    "not a frame", extra={"message_id": each.message_id, "fault": str(error)}
                )
                await self._queue.put_aside(each)
                continue
            FRAMES.inc()
            COMMANDS.inc(sum(len(commands) for _, commands in sections))
            frames.append((body, sections))
        await self._look_for_markets({market for _, s in frames for market, _ in s})
        return frames

    async def _look_for_markets(self, markets: set[str]) -> None:
        """Read the listings again when a frame names a market we do not know."""
        due = time.monotonic() - self._markets_read > _MARKETS_SECONDS
        if due and not markets <= self._replica.exchange.books.keys():
            await self.list_markets()

    async def _receive(self) -> list[Received]:
        try:
            return await self._queue.receive(wait_seconds=self._polling.wait_seconds)
        except Exception as error:
            if not is_transient(error):
                raise
            logger.warning("the order queue does not answer", extra={"fault": str(error)[:200]})
            await asyncio.sleep(_RETRY_SECONDS)
            return []

    async def let_time_pass(self) -> bool:
        """Journal that time has passed, if something in the books waits for it."""
        exchange = self._replica.exchange
        due = exchange.next_expiry_us()
        if not exchange.is_pending() and not 0 < due <= self._now_us():
            return False
        self._do(TICK, b"")
        await self._publish()
        return True

    async def _rest(self) -> None:
        """Nothing came: let time pass in the books if something waits for it, and tidy up."""
        self._lease.require()
        if await self.let_time_pass():
            return
        now = time.monotonic()
        since = now - self._last_frame
        if since > BUSY_SECONDS and now - self._collected > _COLLECT_SECONDS:
            self._collected = now
            gc.collect(1)  # Clients leave cycles; the books do not, and are frozen.
        await asyncio.sleep(self._polling.pace.pause_seconds(since))
