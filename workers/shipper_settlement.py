"""The settlement lane: runs of events into settlement workflows, in order, none left out.

What is settled is what the ledger's cursor says, and nothing is dropped from memory before that.
The cursor is also where a restarted shipper begins. A run that an earlier life started may end
elsewhere than ours does; then the cursor comes to stand inside one of our runs, and what lies
behind it is started again from there. Settling skips what was settled, so repeating is harmless.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from domain.market import MarketId
from engine.events import SETTLED_KINDS, NumberedEvent
from engine.exchange import Run
from ledger.settlement import SettlementBatch
from streams import tracing

EVENTS_MAX = 500
"""Events of one run; some 40 KB in the workflow's history."""

RUNS_MAX = 4
"""Runs of one market under way at once, if all are full: settling is in order, so more would only
wait. What does not fill a run waits until the one before is settled: so runs grow with the load by
themselves, and a workflow is not spent on a handful of events.
"""

START_SECONDS = 0.2
"""Between two runs of a market that are not full: a workflow costs some hundred milliseconds of
processor (Temporal's development server, measured), so a busy market has five a second at most.
"""

AGAIN_SECONDS = 10.0
"""A run that is not settled by then is started again, in case somebody ended its workflow: one that
is under way, or completed, takes no notice."""

WAITING_MAX = 20_000
"""Events of one market kept in memory; beyond it the lane stops reading the journal."""

Start = Callable[[SettlementBatch], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Started:
    first: int
    last: int


class SettlementLane:
    """One market's way into the ledger."""

    def __init__(
        self,
        market: str,
        next_sequence: int,
        start: Start,
        *,
        now: Callable[[], float] = time.monotonic,
        events_max: int = EVENTS_MAX,
    ) -> None:
        """`now` is in seconds. A run of `events_max` events is full."""
        self._events_max = events_max
        self._market = MarketId(market)
        self._start = start
        self._now = now
        self._events: deque[NumberedEvent] = deque()
        """Not yet settled, and only what settles something."""
        self._fresh = 0
        """How many of them, the newest, are in no run yet."""
        self._next = next_sequence
        self._last_seen = next_sequence - 1
        self._last_started = next_sequence - 1
        self._started: list[Started] = []
        self._started_at = -START_SECONDS
        self._moved_at = 0.0
        """When the oldest run that waits was started, last."""
        self._epochs: deque[tuple[int, int]] = deque()
        """`(first sequence, epoch)` of each writer whose events may still be started."""
        self._traces: deque[tuple[int, int, tuple[str, ...]]] = deque()
        """`(first sequence, last, traceparents)` of runs whose causes are traced."""

    def take(self, run: Run, epoch: int, traces: Sequence[str] = ()) -> None:
        """Remember events until they are settled. `traces` are the traceparents of their causes."""
        assert run.first_sequence == self._last_seen + 1, (run.first_sequence, self._last_seen)
        before = len(self._events)
        self._events.extend(event for event in run.numbered() if event[2] in SETTLED_KINDS)
        self._fresh += len(self._events) - before
        self._last_seen = run.last_sequence
        if not self._epochs or self._epochs[-1][1] != epoch:
            self._epochs.append((run.first_sequence, epoch))
        if traces:
            self._traces.append((run.first_sequence, run.last_sequence, tuple(traces)))

    def is_full(self) -> bool:
        return len(self._events) >= WAITING_MAX

    def is_waiting(self) -> bool:
        """Whether the ledger's cursor is worth a look."""
        return bool(self._started)

    def unsettled(self) -> int:
        """Events that have to settle something, and have not yet."""
        return len(self._events)

    def oldest_us(self) -> int:
        """Time of the oldest event that is not settled; 0 when all are."""
        return self._events[0][1] if self._events else 0

    async def step(self) -> None:
        """Start the next run, if there is one and room for it."""
        if not self._fresh or len(self._started) >= RUNS_MAX:
            return
        rests = self._now() - self._started_at < START_SECONDS
        if self._fresh < self._events_max and (self._started or rests):
            return
        count = min(self._fresh, self._events_max)
        newest = self._events[count - self._fresh - 1] if count < self._fresh else None
        last = newest[0] if newest is not None else self._last_seen
        await self._start_run(Started(self._last_started + 1, last))
        self._last_started = last
        self._fresh -= count

    async def settled(self, next_sequence: int) -> None:
        """Believe the ledger's cursor; start again what it shows to be missing."""
        assert next_sequence >= self._next, "the ledger's cursor never goes back"
        if next_sequence > self._next:
            self._moved_at = self._now()
        self._next = next_sequence
        while self._events and self._events[0][0] < next_sequence:
            self._events.popleft()
        self._fresh = min(self._fresh, len(self._events))
        while len(self._epochs) > 1 and self._epochs[1][0] <= next_sequence:
            self._epochs.popleft()
        while self._traces and self._traces[0][1] < next_sequence:
            self._traces.popleft()
        self._started = [run for run in self._started if run.last >= next_sequence]
        if self._started and self._started[0].first < next_sequence:
            await self._start_again(Started(next_sequence, self._started[0].last))
        elif self._started and self._now() - self._moved_at > AGAIN_SECONDS:
            await self._start_again(self._started[0])
            self._moved_at = self._now()

    async def _start_again(self, run: Started) -> None:
        """In place of the oldest that waits, which is forgotten only once this one is started."""
        await self._start_run(run)
        del self._started[0]
        self._started.sort(key=lambda each: each.first)

    async def _start_run(self, run: Started) -> None:
        events = [event for event in self._events if run.first <= event[0] <= run.last]
        text = msgspec.json.encode(events).decode()
        batch = SettlementBatch(self._market, self._epoch_at(run.last), run.first, run.last, text)
        with tracing.span("start settlement", self._causes(run), first=run.first, last=run.last):
            await self._start(batch)
        if not self._started:
            self._moved_at = self._now()
        self._started.append(run)
        self._started_at = self._now()

    def _causes(self, run: Started) -> list[str]:
        return [
            trace
            for first, last, traces in self._traces
            if first <= run.last and last >= run.first
            for trace in traces
        ]

    def _epoch_at(self, sequence: int) -> int:
        """Whoever wrote the event, not who writes now: a run that an earlier life started after
        this one says the same epoch, and would be taken for a fenced writer's if this said more.
        """
        return next(epoch for first, epoch in reversed(self._epochs) if first <= sequence)
