"""Simulated servers: the order queue, the lease table and Temporal, as unkind as real ones may be.

A coroutine of the code under test stops at every `checkpoint`, where the world decides what happens
next: it goes on, sleeps while others work, or is never heard of again.
"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ledger.settlement import SettlementBatch
from streams.frames import Frame
from streams.lease import LeaseLost
from streams.order_queue import MESSAGES_MAX, Received


@types.coroutine
def checkpoint() -> Generator[None, None, None]:
    """Let the world decide how to go on."""
    yield


class ReplyLost(Exception):
    """The server did what was asked, or did not; the caller cannot know."""


@dataclass(slots=True)
class _Message:
    body: str
    receipt: int = 0
    """0 while it may be received."""


class SimulatedQueue:
    """SQS FIFO on a bad day: it delivers again, in another order, and loses its answers."""

    def __init__(self) -> None:
        self._messages: list[_Message] = []
        self._receipts = 0
        self.send_fate = ""
        """What becomes of the next call of `send`: "", "refused" or "reply lost"."""
        self.dead: list[str] = []

    def __len__(self) -> int:
        return len(self._messages)

    async def receive(self, *, wait_seconds: int) -> list[Received]:  # noqa: ARG002 - as SQS
        await checkpoint()
        received: list[Received] = []
        for message in self._messages:
            if not message.receipt and len(received) < MESSAGES_MAX:
                self._receipts += 1
                message.receipt = self._receipts
                received.append(Received(message.body, str(message.receipt), message.body))
        return received

    async def delete(self, received: Sequence[Received]) -> None:
        await checkpoint()
        gone = {int(each.receipt) for each in received}
        self._messages = [each for each in self._messages if each.receipt not in gone]

    async def send(self, frames: Sequence[Frame]) -> None:
        fate, self.send_fate = self.send_fate, ""
        if fate == "refused":
            raise ReplyLost
        self._messages += [_Message(frame.body) for frame in frames]
        if fate == "reply lost":
            raise ReplyLost

    async def put_aside(self, received: Received) -> None:
        self.dead.append(received.body)
        await self.delete([received])

    def deliver_again(self, chance: Random, *, everything: bool = False) -> None:
        """Visibility ends: what was received and not deleted may be received again."""
        for message in self._messages:
            if everything or chance.random() < 0.7:
                message.receipt = 0

    def repeat(self, chance: Random) -> None:
        """A copy of a message, now."""
        if self._messages:
            copied = chance.choice(self._messages)
            self._messages.insert(chance.randrange(len(self._messages) + 1), _Message(copied.body))

    def shuffle(self, chance: Random) -> None:
        chance.shuffle(self._messages)


@dataclass
class LeaseTable:
    epoch: int = 0
    is_held: bool = False


class SimulatedLease:
    """One holder's view; the table is the truth, as fencing by time makes it in the real one."""

    def __init__(self, table: LeaseTable) -> None:
        self._table = table
        self.epoch = 0

    def try_acquire(self, *, above_epoch: int) -> bool:
        if self._table.is_held:
            return False
        self._table.epoch = self.epoch = max(self._table.epoch, above_epoch) + 1
        self._table.is_held = True
        return True

    def require(self) -> None:
        if self._table.epoch != self.epoch or not self._table.is_held:
            raise LeaseLost(f"epoch {self.epoch} ended")


class SimulatedTemporal:
    """Settlement workflows: each runs its activity, in any order and any number of times."""

    def __init__(self) -> None:
        self.running: dict[tuple[str, int], SettlementBatch] = {}
        self.completed: dict[tuple[str, int], SettlementBatch] = {}
        self.start_fate = ""
        """What becomes of the next start: "", "refused", "reply lost"."""

    async def start(self, batch: SettlementBatch) -> None:
        """As `workflows.settlement.start_settlement`: an id that runs or completed is left be."""
        fate, self.start_fate = self.start_fate, ""
        if fate == "refused":
            raise ReplyLost
        key = (batch.market, batch.first_sequence)
        if key not in self.completed:
            self.running.setdefault(key, batch)
        if fate == "reply lost":
            raise ReplyLost

    def complete(self, batch: SettlementBatch) -> None:
        key = (batch.market, batch.first_sequence)
        self.completed[key] = self.running.pop(key)


def drive(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine that only passes checkpoints to its end."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return
