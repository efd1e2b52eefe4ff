"""Deposits move here: each step is one database transaction over the deposit's locked row.

Running one twice is safe: what to do is read from the row, and every ledger entry's id is made from
the deposit's id and the number of times it was reversed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities.refusals import refusals_end_it
from activities.screening_messages import OriginatorCheck, Screening
from domain.deposit import DepositEvent, DepositFacts, DepositStatus, next_deposit_event
from domain.errors import WrongState
from domain.money import format_units
from storage import custody_policy, deposit_credits, deposits
from storage.catalog import Catalog
from storage.custody_policy import AssetPolicy
from storage.ledger import Ledger
from streams.notices import BalanceNotice, DepositNotice, Notices

_MOVES_MONEY = frozenset({DepositEvent.CREDITED, DepositEvent.REVERSED, DepositEvent.RELEASED})
_DECIDED_BY_STAFF = frozenset({DepositEvent.CLEARED, DepositEvent.SUSPENDED, DepositEvent.RETURNED})


class AdvanceDeposit(BaseModel):
    deposit_id: str
    screening: Screening | None = None
    """Stored with the row the first time; a row that has one keeps it."""
    originator: OriginatorCheck | None = None
    """A hit that came while the sender's data was awaited: officers decide from then on."""


class DepositDecision(BaseModel):
    """An officer's word on a deposit that screening held."""

    deposit_id: str
    event: DepositEvent
    officer: str
    reason: str


class DepositView(BaseModel):
    """The deposit after a step, as the workflow and staff see it."""

    deposit_id: str
    status: DepositStatus
    asset: str
    amount: str
    customer_id: int
    chain: str
    txid: str
    address: str
    height: int | None
    confirmations: int
    credit_confirmations: int
    withdrawable_confirmations: int
    reason: str
    is_screened: bool
    risk_score: int
    awaits_originator: bool = False
    """Held for nothing but the sender's data; no officer has said anything yet."""
    sources: list[str] = []
    """Addresses that the coins come from; filled in while the deposit waits for screening."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What a database transaction works with."""

    connection: AsyncConnection
    row: Row[Any]
    """Locked."""
    scanned_height: int
    policy: AssetPolicy

    @property
    def confirmations(self) -> int:
        return deposits.confirmations(self.row.height, self.scanned_height)


class Sources(Protocol):
    """Who paid, as far as the chain tells."""

    async def sources(self, txid: str) -> list[str]: ...


class DepositActivities:
    def __init__(
        self,
        engine: AsyncEngine,
        ledger: Ledger,
        catalog: Catalog,
        notices: Notices,
        sources: Sources,
    ) -> None:
        self._sources = sources
        self._engine = engine
        self._ledger = ledger
        self._catalog = catalog
        self._notices = notices

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.advance_deposit, self.decide_deposit]

    @activity.defn
    async def advance_deposit(self, advance: AdvanceDeposit) -> DepositView:
        """Make every move that is due now, one database transaction each.

        A refusal here (the house cannot cover a reversal, say) is retried until staff mended it.
        """
        while True:
            async with self._engine.begin() as connection:
                step = await self._lock(connection, advance.deposit_id)
                screening = _screened(step.row.screening, advance)
                if screening is not None and screening != step.row.screening:
                    await deposits.store_screening(connection, advance.deposit_id, screening)
                event = next_deposit_event(await self._facts(step, screening))
                if event is not None:
                    await self._apply(step, event)
            if event is None:
                view = self._view(step, screening)
                if not view.is_screened:
                    view.sources = await self._sources.sources(view.txid)
                return view
            await self._tell(advance.deposit_id, event)

    @activity.defn
    @refusals_end_it
    async def decide_deposit(self, decision: DepositDecision) -> DepositView:
        """Write down what an officer decided; repeated, it finds the deed done."""
        if decision.event not in _DECIDED_BY_STAFF:
            raise WrongState(f"staff do not decide {decision.event}")
        word = {"officer": decision.officer, "reason": decision.reason}
        async with self._engine.begin() as connection:
            step = await self._lock(connection, decision.deposit_id)
            screening = dict(step.row.screening or {})
            if screening.get(decision.event) != word:
                screening[decision.event] = word
                screening["is_clear"] = decision.event is DepositEvent.CLEARED
                await deposits.move(
                    connection,
                    step.row,
                    decision.event,
                    word,
                    screening=screening,
                    reason=decision.reason,
                )
        await self._tell(decision.deposit_id, decision.event)
        async with self._engine.begin() as connection:
            step = await self._lock(connection, decision.deposit_id)
            return self._view(step, step.row.screening)

    async def _lock(self, connection: AsyncConnection, deposit_id: str) -> _Step:
        row = await deposits.lock(connection, deposit_id)
        # Read after the lock: a height from before it could be from before a reorg.
        scanned_height = await deposits.scanned_height(connection, row.chain)
        policy = await custody_policy.read_asset(connection, row.asset)
        return _Step(connection, row, scanned_height, policy)

    async def _facts(self, step: _Step, screening: dict[str, Any] | None) -> DepositFacts:
        row = step.row
        may_credit = step.policy.deposit_enabled and await custody_policy.is_on(
            step.connection, "credits"
        )
        return DepositFacts(
            status=DepositStatus(row.status),
            confirmations=step.confirmations,
            credit_confirmations=row.credit_confirmations,
            withdrawable_confirmations=row.withdrawable_confirmations,
            is_screened=screening is not None,
            is_clear=bool(screening and screening["is_clear"]),
            reaches_minimum=await deposit_credits.reaches_minimum(
                step.connection, row, step.policy.deposit_min_units
            ),
            may_credit=may_credit,
        )

    async def _apply(self, step: _Step, event: DepositEvent) -> None:
        match event:
            case DepositEvent.CREDITED:
                await deposit_credits.credit(
                    step.connection, self._ledger, step.row, step.policy.deposit_min_units
                )
            case DepositEvent.REVERSED:
                await deposit_credits.reverse(step.connection, self._ledger, step.row)
            case DepositEvent.RELEASED:
                await deposits.release(step.connection, step.row)
            case _:
                await deposits.move(step.connection, step.row, event)

    async def _tell(self, deposit_id: str, event: DepositEvent) -> None:
        async with self._engine.connect() as connection:
            row, scanned = await deposits.read(connection, deposit_id)
        notice = DepositNotice(
            deposit_id=deposit_id,
            asset=row.asset,
            amount=self._amount(row),
            status=row.status,
            confirmations=deposits.confirmations(row.height, scanned),
            credit_confirmations=row.credit_confirmations,
            withdrawable_confirmations=row.withdrawable_confirmations,
            txid=row.txid,
        )
        balances = [BalanceNotice([row.asset])] if event in _MOVES_MONEY else []
        await self._notices.send(row.customer_id, notice, *balances)

    def _view(self, step: _Step, screening: dict[str, Any] | None) -> DepositView:
        row = step.row
        return DepositView(
            deposit_id=row.id,
            status=DepositStatus(row.status),
            asset=row.asset,
            amount=self._amount(row),
            customer_id=row.customer_id,
            chain=row.chain,
            txid=row.txid,
            address=row.address,
            height=row.height,
            confirmations=step.confirmations,
            credit_confirmations=row.credit_confirmations,
            withdrawable_confirmations=row.withdrawable_confirmations,
            reason=row.reason or (screening or {}).get("reason", ""),
            is_screened=screening is not None,
            risk_score=(screening or {}).get("score", 0),
            awaits_originator=_awaits_originator(screening or {}),
        )

    def _amount(self, row: Row[Any]) -> str:
        return format_units(int(row.units), self._catalog.asset(row.asset).scale)


def _screened(stored: dict[str, Any] | None, advance: AdvanceDeposit) -> dict[str, Any] | None:
    """What the row should say of the screening by now."""
    if stored is None:
        return None if advance.screening is None else advance.screening.stored()
    found = advance.originator
    if found is None or not found.reason or not _awaits_originator(stored):
        return stored
    score = max(int(stored["score"]), found.score)
    return {**stored, "awaits_originator": False, "score": score, "reason": found.reason}


def _awaits_originator(screening: dict[str, Any]) -> bool:
    decided = any(event in screening for event in _DECIDED_BY_STAFF)
    return bool(screening.get("awaits_originator")) and not decided
