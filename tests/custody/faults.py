"""Faults at chosen arrows of the state machines: the process dies, a commit or a reply is lost.

Production code knows nothing of this: the faults sit in the engine and the node that are handed to
the activities.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities.payments import PaymentChain
from chains.node import Broadcast, BroadcastOutcome, NodeFault


class Harm(StrEnum):
    """What happens at an arrow."""

    DIE_BEFORE_COMMIT = "die_before_commit"
    DIE_AFTER_COMMIT = "die_after_commit"
    LOSE_COMMIT = "lose_commit"
    """The database never got it."""
    LOSE_COMMIT_REPLY = "lose_commit_reply"
    """The database did it; the answer was lost."""
    DIE_BEFORE_SENDING = "die_before_sending"
    DIE_AFTER_SENDING = "die_after_sending"
    LOSE_SENDING = "lose_sending"
    """The node was not reached: a time-out."""
    LOSE_SENDING_REPLY = "lose_sending_reply"
    """The node took the transaction; the answer was lost."""


class LostConnection(Exception):
    """What a driver raises when the connection breaks."""


@dataclass
class Fault:
    """Once: at the `number`-th commit (or sending) inside activity `step`."""

    step: str
    harm: Harm
    number: int = 1
    seen: int = 0
    is_done: bool = False

    def strikes(self, *harms: Harm) -> bool:
        """Whether it happens at this arrow; counts only arrows of its kind and step."""
        if self.is_done or self.harm not in harms or not _in(self.step):
            return False
        self.seen += 1
        self.is_done = self.seen == self.number
        return self.is_done


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class FaultyEngine:
    """An engine whose transactions may end badly."""

    engine: AsyncEngine
    fault: Fault

    def connect(self) -> Any:
        return self.engine.connect()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self.engine.begin() as connection:
            yield connection
            if self.fault.strikes(Harm.DIE_BEFORE_COMMIT, Harm.LOSE_COMMIT):
                if self.fault.harm is Harm.DIE_BEFORE_COMMIT:
                    die()
                raise LostConnection("before the commit")
        if self.fault.strikes(Harm.DIE_AFTER_COMMIT, Harm.LOSE_COMMIT_REPLY):
            if self.fault.harm is Harm.DIE_AFTER_COMMIT:
                die()
            raise LostConnection("after the commit")


@dataclass
class FaultyChain:
    """A chain whose node may be reached or not, and may be heard or not."""

    chain: PaymentChain
    fault: Fault
    sent: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chain, name)

    async def broadcast(self, raw: bytes, txid: str) -> Broadcast:
        if self.fault.strikes(Harm.DIE_BEFORE_SENDING, Harm.LOSE_SENDING):
            if self.fault.harm is Harm.DIE_BEFORE_SENDING:
                die()
            return Broadcast(BroadcastOutcome.UNKNOWN, str(NodeFault("time-out")))
        self.sent.append(txid)
        answer = await self.chain.broadcast(raw, txid)
        if self.fault.strikes(Harm.DIE_AFTER_SENDING, Harm.LOSE_SENDING_REPLY):
            if self.fault.harm is Harm.DIE_AFTER_SENDING:
                die()
            return Broadcast(BroadcastOutcome.UNKNOWN, str(NodeFault("time-out")))
        return answer


def _in(step: str) -> bool:
    return activity.in_activity() and activity.info().activity_type == step
