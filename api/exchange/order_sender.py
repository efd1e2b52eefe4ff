"""Sends committed commands to the engine's queue: many in a frame, one send at a time.

While one send is under way the next commands gather, so frames grow with the load by themselves.
What cannot be sent stays in the outbox, from where the relay sends it; new orders are refused
before anything is held for as long as the queue is away.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Histogram

from domain.errors import Unavailable
from engine.commands import Command
from streams import tracing
from streams.frames import Frame, pack

logger = logging.getLogger(__name__)

STAGE_SECONDS = Histogram(
    "order_stage_seconds",
    "One order's way through the API: commit (hold, row, outbox), queue (until SQS has it)",
    ["stage"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

_COMMANDS_AT_ONCE_MAX = 2_000
_WAITING_MAX = 20_000
"""More than the queue takes in seconds: better to refuse than to promise."""
_REST_SECONDS = 1.0
_MARK_SECONDS = 0.05


class FrameQueue(Protocol):
    async def send(self, frames: Sequence[Frame]) -> None:
        """All frames are durably queued when this returns."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    market: str
    command_id: int
    command: Command
    queued: asyncio.Future[bool]
    trace: str
    """Traceparent of the request that it came with; empty while nothing is traced."""


class OrderSender:
    def __init__(
        self,
        queue: FrameQueue,
        *,
        group_of: Callable[[str], str],
        mark_sent: Callable[[Sequence[int]], Awaitable[None]],
    ) -> None:
        self._queue = queue
        self._group_of = group_of
        self._mark_sent = mark_sent
        self._waiting: list[_Waiting] = []
        self._sent: list[int] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._resting_until = 0.0

    def require_queue(self) -> None:
        """Raises Unavailable while the queue does not take what was sent."""
        if time.monotonic() < self._resting_until or len(self._waiting) > _WAITING_MAX:
            raise Unavailable(
                "the order queue cannot be reached; nothing was held", part="order queue"
            )

    async def send(self, commands: Iterable[tuple[str, int, Command]]) -> bool:
        """Whether all of `(market, command id, command)` are durably queued; if not, the relay's.

        Commands of one caller keep their order.
        """
        loop = asyncio.get_running_loop()
        futures = []
        trace = tracing.current()
        for market, command_id, command in commands:
            queued: asyncio.Future[bool] = loop.create_future()
            self._waiting.append(_Waiting(market, command_id, command, queued, trace))
            futures.append(queued)
        if not futures:
            return True
        self._idle.clear()
        self._wake.set()
        with STAGE_SECONDS.labels("queue").time():
            return all([await each for each in futures])

    async def run(self) -> None:
        """Send for ever."""
        while True:
            await self._wake.wait()
            batch = self._waiting[:_COMMANDS_AT_ONCE_MAX]
            self._waiting = self._waiting[_COMMANDS_AT_ONCE_MAX:]
            if not self._waiting:
                self._wake.clear()
            if batch:
                await self._send(batch)
            if not self._waiting:
                self._idle.set()

    async def run_marking(self) -> None:
        """Report what was sent to the outbox, for ever; unreported commands are only sent again."""
        while True:
            await asyncio.sleep(_MARK_SECONDS)
            await self.mark()

    async def mark(self) -> None:
        done, self._sent = self._sent, []
        if not done:
            return
        try:
            await self._mark_sent(done)
        except Exception as fault:  # noqa: BLE001 - the relay sends them again, which is harmless
            logger.warning("sent commands are not marked", extra={"fault": repr(fault)[:200]})

    async def drained(self) -> None:
        """Until everything waiting was sent or given up; for shutting down."""
        await self._idle.wait()
        await self.mark()

    async def _send(self, batch: list[_Waiting]) -> None:
        traces = list(dict.fromkeys(each.trace for each in batch if each.trace))
        try:
            with tracing.span("queue frames", traces, commands=len(batch)):
                await self._queue.send(_frames(batch, self._group_of, tracing.current()))
        except Exception as fault:  # noqa: BLE001 - whatever it was, the outbox has the commands
            self._resting_until = time.monotonic() + _REST_SECONDS
            logger.warning(
                "frames are left to the relay",
                extra={"commands": len(batch), "fault": repr(fault)[:200]},
            )
            _answer(batch, queued=False)
        else:
            self._sent.extend(waiting.command_id for waiting in batch)
            _answer(batch, queued=True)


def _frames(batch: list[_Waiting], group_of: Callable[[str], str], trace: str) -> list[Frame]:
    groups: dict[str, list[tuple[str, Command]]] = {}
    for waiting in batch:
        groups.setdefault(group_of(waiting.market), []).append((waiting.market, waiting.command))
    return [
        frame for group, pairs in groups.items() for frame in pack(pairs, group=group, trace=trace)
    ]


def _answer(batch: list[_Waiting], *, queued: bool) -> None:
    for waiting in batch:
        if not waiting.queued.done():
            waiting.queued.set_result(queued)
