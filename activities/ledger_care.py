"""The ledger's own upkeep: holds whose time has passed, and seals over its chain of hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio import activity

from storage.hold_expiry import expire_holds
from storage.ledger import Ledger
from storage.seals import find_seal, newest_seal, seal

_BATCH = 500


@dataclass
class SealWord:
    """A seal as somebody outside the database remembers it."""

    number: int
    hash: str
    """Hex."""


@dataclass
class SealResult:
    newest: SealWord | None
    """None: nothing was ever posted."""
    is_rewritten: bool
    """The seal that was remembered is not there any more as it was."""


class LedgerCareActivities:
    """Activities of task queue `ledger`. Each may be repeated."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.expire_holds, self.seal_ledger]

    @activity.defn
    async def expire_holds(self) -> int:
        """Release every hold whose time has passed; answers how many."""
        released = 0
        while holds := await expire_holds(self._ledger, _BATCH):
            released += len(holds)
            activity.heartbeat(released)
        return released

    @activity.defn
    async def seal_ledger(self, remembered: SealWord | None) -> SealResult:
        """Seal what moved, after a look whether the seal remembered from last time still stands."""
        engine = self._ledger.engine
        if remembered is not None:
            found = await find_seal(engine, remembered.number)
            if found is None or found.hash != remembered.hash:
                return SealResult(remembered, is_rewritten=True)
        await seal(engine)
        newest = await newest_seal(engine)
        word = None if newest is None else SealWord(newest.number, newest.hash)
        return SealResult(word, is_rewritten=False)
