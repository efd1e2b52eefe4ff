"""Where the shipper's lanes get events from: the journal, replayed through the same core.

Each lane has a source of its own, so that one that waits for its server holds up no other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from engine.exchange import Exchange, Run
from engine.journal import FRAME, Record
from streams import tracing
from streams.frames import trace_of
from streams.journal import Follower
from streams.pace import Pace
from streams.replica import Replica, restore

RECORDS_MAX = 50
"""Records replayed before other tasks get their turn: some milliseconds' work."""

_PACE = Pace(least=0.001, idle=0.005, most=0.02, idle_patience=400)
"""Of looking at the journal."""
_EPOCH_SECONDS = 0.25
"""How often we look whether a new writer has started."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """What a few records caused."""

    epoch: int
    runs: list[Run]
    written_us: int
    """When the last of the records was written."""
    traces: tuple[str, ...] = ()
    """Traceparents of the frames among the records, where they are traced."""


class Source:
    """The events of every market from the wanted sequence on, as they become durable."""

    def __init__(self, directory: Path, wanted: Mapping[str, int], *, trim: bool = True) -> None:
        """`wanted` is the first sequence of each market to deliver; 1 for those not named.

        Without `trim`, some events before it are delivered too: all since the snapshot begun with.
        """
        self._trim = trim
        self._wanted = dict(wanted)
        self.replica: Replica = restore(directory, is_early_enough=self._is_early_enough)
        self._follower = Follower(directory, self.replica.exchange.number)
        self._read: list[Record] = []
        """And not yet replayed."""

    def close(self) -> None:
        self._follower.close()

    def lag_records(self) -> int:
        return self._follower.lag() + len(self._read)

    def lag_seconds(self) -> float:
        """How old the newest record is that was not yet delivered."""
        if not self.lag_records():
            return 0.0
        return max(0.0, time.time() - self.replica.exchange.time_us / 1e6)

    async def shipments(self) -> AsyncIterator[Shipment]:
        """For ever; ask for the next only when the last was dealt with."""
        found = looked = 0.0
        while True:
            now = time.monotonic()
            if now - looked > _EPOCH_SECONDS:
                self.look_for_writer()
                looked = now
            shipment = self.poll()
            if shipment is None:
                await asyncio.sleep(_PACE.pause_seconds(now - found))
                continue
            found = now
            if shipment.runs:
                yield shipment
            await asyncio.sleep(0)

    def look_for_writer(self) -> None:
        """Turn to a newer writer of the journal, if there is one."""
        self._follower.look_for_epoch()

    def poll(self) -> Shipment | None:
        """What became durable since the last call, of one writer; None if nothing did."""
        if not self._read:
            self._read = self._follower.poll(RECORDS_MAX)
        if not self._read:
            return None
        epoch = self._read[0].epoch
        records = list(takewhile(lambda record: record.epoch == epoch, self._read))
        self._read = self._read[len(records) :]
        runs = [run for record in records for run in self.replica.apply(record)]
        kept = [part for run in runs if (part := self._not_before_wanted(run)) is not None]
        return Shipment(epoch, kept, records[-1].time_us, _traces(records))

    def _not_before_wanted(self, run: Run) -> Run | None:
        """The part of a run that was not delivered in a former life."""
        wanted = self._wanted.get(run.market, 1)
        if run.first_sequence >= wanted or not self._trim:
            return run
        if run.last_sequence < wanted:
            return None
        return run._replace(first_sequence=wanted, events=run.events[wanted - run.first_sequence :])

    def _is_early_enough(self, exchange: Exchange) -> bool:
        return all(
            book.sequence < self._wanted.get(market, 1) for market, book in exchange.books.items()
        )


def _traces(records: list[Record]) -> tuple[str, ...]:
    if not tracing.is_on():
        return ()
    found = (trace_of(record.payload) for record in records if record.kind == FRAME)
    return tuple(dict.fromkeys(trace for trace in found if trace))
