"""Deciding about withdrawals: assess, approve, reject, cancel, pay inside the house.

Each is one database transaction over the withdrawal's locked row. Repeated, it finds the deed done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Row, func
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities.payment_messages import WithdrawalStep
from activities.refusals import refusals_end_it
from activities.screening_messages import Screening
from activities.withdrawal_view import WithdrawalView, read_view, tell_customer
from domain.errors import WrongState
from domain.payment import PaymentStatus
from domain.withdrawal import (
    CANCELLABLE,
    WithdrawalEvent,
    WithdrawalKind,
    WithdrawalStatus,
)
from domain.withdrawal_risk import RiskFacts, assess
from storage import (
    custody_policy,
    payment_progress,
    payments,
    withdrawal_release,
    withdrawal_rules,
    withdrawals,
)
from storage.catalog import Catalog
from storage.ledger import Ledger
from streams.notices import Notices

_CUSTOMER = ""
"""Officer of what the customer did."""


class AssessWithdrawal(BaseModel):
    withdrawal_id: str
    screening: Screening


class OfficerWord(BaseModel):
    """What an officer, or (officer empty) the customer, wants done with a withdrawal."""

    withdrawal_id: str
    officer: str = _CUSTOMER
    reason: str = ""


class OfficerAction(OfficerWord):
    """What an officer does with a withdrawal that is on its way."""

    action: str
    key: str
    """Made in workflow code: the same deed is written down once."""


class WithdrawalActivities:
    def __init__(
        self, engine: AsyncEngine, ledger: Ledger, catalog: Catalog, notices: Notices
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._catalog = catalog
        self._notices = notices

    def all(self) -> Sequence[Callable[..., Any]]:
        return [
            self.read_withdrawal,
            self.assess_withdrawal,
            self.approve_withdrawal,
            self.reject_withdrawal,
            self.cancel_withdrawal,
            self.pay_internally,
            self.write_down,
        ]

    @activity.defn
    async def read_withdrawal(self, step: WithdrawalStep) -> WithdrawalView:
        async with self._engine.connect() as connection:
            return await read_view(connection, self._catalog, step.withdrawal_id)

    @activity.defn
    async def assess_withdrawal(self, assessed: AssessWithdrawal) -> WithdrawalView:
        """Weigh the risk once; then it is approved, or referred to so many officers."""
        async with self._engine.begin() as connection:
            row = await withdrawals.lock(connection, assessed.withdrawal_id)
            if row.status == WithdrawalStatus.HELD:
                await self._assess(connection, row, assessed.screening)
        return await self._tell(assessed.withdrawal_id)

    @activity.defn
    @refusals_end_it
    async def approve_withdrawal(self, word: OfficerWord) -> WithdrawalView:
        """Add one officer's approval; the last one needed approves. One officer counts once."""
        async with self._engine.begin() as connection:
            row = await withdrawals.lock(connection, word.withdrawal_id)
            if word.officer not in {approval["officer"] for approval in row.approvals}:
                await self._add_approval(connection, row, word)
        return await self._tell(word.withdrawal_id)

    @activity.defn
    @refusals_end_it
    async def reject_withdrawal(self, word: OfficerWord) -> WithdrawalView:
        async with self._engine.begin() as connection:
            row = await withdrawals.lock(connection, word.withdrawal_id)
            if row.status != WithdrawalStatus.REJECTED:
                await self._give_back(connection, row, WithdrawalEvent.REJECTED, word)
        return await self._tell(word.withdrawal_id)

    @activity.defn
    @refusals_end_it
    async def cancel_withdrawal(self, word: OfficerWord) -> WithdrawalView:
        """Give the funds back, if they provably have not left and cannot leave any more."""
        async with self._engine.begin() as connection:
            row = await withdrawals.lock(connection, word.withdrawal_id)
            if row.status != WithdrawalStatus.CANCELLED:
                event = await _cancelling_event(connection, row)
                await self._give_back(connection, row, event, word)
        return await self._tell(word.withdrawal_id)

    @activity.defn
    async def pay_internally(self, step: WithdrawalStep) -> WithdrawalView:
        """To another customer of ours: a transfer in the ledger."""
        async with self._engine.begin() as connection:
            row = await withdrawals.lock(connection, step.withdrawal_id)
            assert row.kind == WithdrawalKind.INTERNAL
            if row.status == WithdrawalStatus.APPROVED:
                await payment_progress.pay_internally(connection, self._ledger, row)
        return await self._tell(step.withdrawal_id)

    @activity.defn
    async def write_down(self, deed: OfficerAction) -> WithdrawalView:
        """Audit before the deed; then answer where the withdrawal stands."""
        async with self._engine.begin() as connection:
            await withdrawals.lock(connection, deed.withdrawal_id)
            await withdrawals.add_event_once(
                connection,
                deed.withdrawal_id,
                deed.action,
                {"reason": deed.reason, "key": deed.key},
                officer=deed.officer,
            )
            return await read_view(connection, self._catalog, deed.withdrawal_id)

    async def _assess(
        self, connection: AsyncConnection, row: Row[Any], screening: Screening
    ) -> None:
        policy = await custody_policy.read_asset(connection, row.asset)
        verdict = assess(
            RiskFacts(
                units=int(row.units),
                review_units=policy.review_units,
                four_eyes_units=policy.four_eyes_units,
                hourly_units=await withdrawal_rules.hourly_units(connection, row.asset),
                hourly_units_max=policy.hourly_units_max,
                customer_hourly_count=await withdrawal_rules.customer_hourly_count(
                    connection, row.customer_id
                ),
                is_known_address=await withdrawal_rules.paid_before(connection, row),
                is_clear=screening.is_clear,
                screening_score=screening.score,
                screening_reason=screening.reason,
            )
        )
        common: dict[str, Any] = {
            "screening": screening.stored(),
            "risk_score": verdict.score,
            "approvals_needed": verdict.approvals_needed,
            "reason": "; ".join(verdict.reasons),
        }
        if verdict.approvals_needed:
            await withdrawals.move(connection, row, WithdrawalEvent.REFERRED, {}, **common)
        else:
            await withdrawals.move(
                connection, row, WithdrawalEvent.APPROVED, {}, approved_at=func.now(), **common
            )

    async def _add_approval(
        self, connection: AsyncConnection, row: Row[Any], word: OfficerWord
    ) -> None:
        if row.status != WithdrawalStatus.REVIEW:
            raise WrongState(f"the withdrawal is {row.status}, not in review", status=row.status)
        approvals = [*row.approvals, {"officer": word.officer, "reason": word.reason}]
        if len(approvals) < row.approvals_needed:
            await withdrawals.note(connection, row.id, approvals=approvals)
            await withdrawals.add_event(
                connection, row.id, "approval", {"reason": word.reason}, officer=word.officer
            )
            return
        await withdrawals.move(
            connection,
            row,
            WithdrawalEvent.APPROVED,
            {"reason": word.reason},
            officer=word.officer,
            approvals=approvals,
            approved_at=func.now(),
            reason="",
            # From here on the officers answer for what screening found.
            screening={**(row.screening or {}), "is_clear": True, "cleared_by": word.officer},
        )

    async def _give_back(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        event: WithdrawalEvent,
        word: OfficerWord,
    ) -> None:
        await withdrawal_release.give_back(
            connection, self._ledger, row, event, officer=word.officer, reason=word.reason
        )

    async def _tell(self, withdrawal_id: str) -> WithdrawalView:
        async with self._engine.connect() as connection:
            view = await read_view(connection, self._catalog, withdrawal_id)
        await tell_customer(self._notices, view)
        return view


async def _cancelling_event(connection: AsyncConnection, row: Row[Any]) -> WithdrawalEvent:
    if row.status in CANCELLABLE:
        return WithdrawalEvent.CANCELLED
    if row.payment_id is not None:
        payment = await payments.read(connection, row.payment_id)
        if payment.status == PaymentStatus.DEAD:
            return WithdrawalEvent.PROVEN_DEAD
    raise WrongState(f"the withdrawal is {row.status}: the coins may have left", status=row.status)
