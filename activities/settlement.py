"""Settling a run of trades, and halting a market whose settlement is stuck.

Running `settle_batch` twice is safe: the market's cursor row tells a run that was settled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.market import MarketId
from ledger.settlement import Poisoned, SettlementBatch
from storage.settlement import NotItsTurn, Settled, Settlements, StaleEpoch
from streams.notices import BalanceNotice, Notices

POISONED = "Poisoned"
STALE_EPOCH = "StaleEpoch"

_TURN_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.0)
"""Runs start together and settle in order: most turns come within milliseconds."""

_BEHIND_A_STUCK_RUN = timedelta(seconds=10)


@dataclass
class SettlementResult:
    """What settling did; the same for a run that had been settled before, but with no numbers."""

    market: str
    next_sequence: int
    trades: int
    entries: int
    replayed: bool


@dataclass
class MarketRequest:
    market: str
    cause: str


class SettlementActivities:
    """Activities of task queue `ledger`."""

    def __init__(self, settlements: Settlements, notices: Notices | None = None) -> None:
        self._settlements = settlements
        self._notices = notices

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.settle_batch, self.halt_market, self.reopen_market]

    @activity.defn
    async def settle_batch(self, batch: SettlementBatch) -> SettlementResult:
        """Settle when it is the run's turn. Safe to repeat: the cursor row tells what was done."""
        try:
            settled = await self._when_its_turn(batch)
        except NotItsTurn as early:
            raise ApplicationError(
                str(early), type="NotItsTurn", next_retry_delay=_BEHIND_A_STUCK_RUN
            ) from early
        except Poisoned as poisoned:
            raise ApplicationError(str(poisoned), type=POISONED, non_retryable=True) from poisoned
        except StaleEpoch as stale:
            raise ApplicationError(str(stale), type=STALE_EPOCH, non_retryable=True) from stale
        await self._tell(settled)
        return SettlementResult(
            settled.market,
            settled.next_sequence,
            settled.trades,
            settled.entries,
            settled.replayed,
        )

    @activity.defn
    async def halt_market(self, request: MarketRequest) -> bool:
        """Queue a halt, once for each time the settlement is stuck. True if this call did it."""
        return await self._settlements.halt(MarketId(request.market))

    @activity.defn
    async def reopen_market(self, request: MarketRequest) -> bool:
        """Queue trading again, if the market was halted for its settlement's sake."""
        return await self._settlements.reopen(MarketId(request.market))

    async def _when_its_turn(self, batch: SettlementBatch) -> Settled:
        for seconds in _TURN_SECONDS:
            try:
                return await self._settlements.settle(batch)
            except NotItsTurn:
                await asyncio.sleep(seconds)
        return await self._settlements.settle(batch)

    async def _tell(self, settled: Settled) -> None:
        """Tell the customers' connections to look at their balances. Lost ones do no harm."""
        if self._notices is None or not settled.customers:
            return
        notice = BalanceNotice(settled.market.split("-"))
        for customer_id in settled.customers:
            await self._notices.send(customer_id, notice)
