"""What people may do with a running withdrawal: every update is checked first and written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.payment_messages import WithdrawalStep
    from activities.payment_repairs import MarkReplaced, RepairActivities
    from activities.withdrawal_view import WithdrawalView
    from activities.withdrawals import OfficerAction, OfficerWord, WithdrawalActivities
    from domain.payment import PaymentStatus
    from domain.withdrawal import CANCELLABLE, FINISHED, WithdrawalStatus
    from workflows.payment_driver import (
        DATABASE_RETRY,
        NODE_RETRY,
        STEP_TIMEOUT,
        Drive,
        PaymentDriver,
    )
    from workflows.staff import (
        StaffAction,
        StaffAnswer,
        refuse,
        require_officer,
        require_reason,
    )
    from workflows.withdrawal_details import Shown, details

LEDGER_QUEUE = "ledger"


class ReplacedBy(StaffAction):
    txid: str = ""


@dataclass
class WithdrawalInput:
    withdrawal_id: str


class WithdrawalDesk(PaymentDriver):
    """State and handlers of `WithdrawalWorkflow`; the way of the withdrawal is told there."""

    def __init__(self, withdrawal: WithdrawalInput) -> None:
        super().__init__()
        self._id = withdrawal.withdrawal_id
        self._view: WithdrawalView | None = None
        self._shown: Shown | None = None

    @workflow.signal(description="Something moved: look at the withdrawal's row. No arguments.")
    def chain_moved(self) -> None:
        self._news = True

    @workflow.query(description="Where the withdrawal stands")
    def view(self) -> WithdrawalView | None:
        return self._view

    @workflow.update(
        description='Approve it; large ones need two officers. JSON: {"reason": "10 letters ..."}'
    )
    async def approve(self, action: StaffAction) -> StaffAnswer:
        if self._status is WithdrawalStatus.HELD:
            await self._hear_of_review()
            self._require_review(action)
        return await self._word(WithdrawalActivities.approve_withdrawal, action, "Approve")

    @approve.validator
    def _may_approve(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._status is not WithdrawalStatus.HELD:  # Then the row must be asked first.
            self._require_review(action)

    async def _hear_of_review(self) -> None:
        """The row, which officers see, is in review a moment before this workflow hears of it."""
        row = await self._database(WithdrawalActivities.read_withdrawal)
        if row.status is WithdrawalStatus.HELD:
            raise refuse(
                "the withdrawal is being screened and weighed: send it again when it is in review",
                "NotInReviewYet",
            )
        await workflow.wait_condition(lambda: self._status is not WithdrawalStatus.HELD)

    def _require_review(self, action: StaffAction) -> None:
        if self._status is not WithdrawalStatus.REVIEW:
            raise refuse(f"the withdrawal is {self._status}: there is nothing to approve")
        if action.officer in {approval.officer for approval in self._current.approvals}:
            raise refuse(
                f"{action.officer} approved already: another officer is needed", "FourEyes"
            )

    @workflow.update(description='Reject it; the funds go back. JSON: {"reason": "10 letters ..."}')
    async def reject(self, action: StaffAction) -> StaffAnswer:
        return await self._word(WithdrawalActivities.reject_withdrawal, action, "Reject")

    @reject.validator
    def _may_reject(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._status not in CANCELLABLE:
            raise refuse(f"the withdrawal is {self._status}: the coins may have left")

    @workflow.update(description="The customer cancels. No arguments.")
    async def cancel_by_customer(self) -> StaffAnswer:
        return await self._word(WithdrawalActivities.cancel_withdrawal, StaffAction(), "Cancel")

    @cancel_by_customer.validator
    def _may_cancel_by_customer(self) -> None:
        if self._view is not None and self._view.payment_id:
            raise refuse("it is too late to cancel: the withdrawal is being paid")

    @workflow.update(
        description='Cancel it while coins cannot have left. JSON: {"reason": "10 letters ..."}'
    )
    async def cancel(self, action: StaffAction) -> StaffAnswer:
        view = self._current
        if workflow.patched("cancel-reads-the-row"):  # It is ahead of us by a moment.
            view = await self._database(WithdrawalActivities.read_withdrawal)
        if view.payment_status is PaymentStatus.RESERVED:
            return await self._word(
                RepairActivities.drop_withdrawal, action, "Take out", queue=view.chain
            )
        return await self._word(WithdrawalActivities.cancel_withdrawal, action, "Cancel")

    @cancel.validator
    def _may_cancel(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._current.txids and self._current.payment_status is not PaymentStatus.DEAD:
            raise refuse(f"the withdrawal is {self._status}: the coins may have left")

    @workflow.update(
        description="Another transaction took its place for good. "
        'JSON: {"reason": "10 letters ...", "txid": "of that transaction"}'
    )
    async def mark_replaced_by(self, action: ReplacedBy) -> StaffAnswer:
        view = await self._write_down("mark_replaced_by", action)
        assert view.payment_id is not None
        mark = MarkReplaced(
            withdrawal_id=self._id,
            payment_id=view.payment_id,
            txid=action.txid,
            officer=action.officer,
            reason=action.reason,
        )
        try:
            view = await workflow.execute_activity_method(
                RepairActivities.mark_replaced,
                mark,
                task_queue=view.chain,
                start_to_close_timeout=STEP_TIMEOUT,
                retry_policy=NODE_RETRY,
                summary=f"Look for proof that {action.txid} replaced it",
            )
        except ActivityError as refused:
            raise refuse(str(refused.cause or refused)) from None
        self._show(view)
        return StaffAnswer(state=view.status, message="it is dead; now `cancel` gives funds back")

    @mark_replaced_by.validator
    def _may_mark_replaced_by(self, action: ReplacedBy) -> None:
        self._require_on_its_way(action)
        if not action.txid:
            raise refuse("txid: which transaction took its place?", "BadTxid")

    @workflow.update(description='Pay a higher network fee. JSON: {"reason": "10 letters ..."}')
    async def bump_fee(self, action: StaffAction) -> StaffAnswer:
        async with self._lock:
            view = await self._write_down("bump_fee", action)
            why_not = await self._bump(drive_of(view), f"{action.officer}: {action.reason}")
            if not why_not:
                view = await self._database(WithdrawalActivities.read_withdrawal)
                await self._sign_and_broadcast(drive_of(view))
            self._news = True
        if why_not:
            raise refuse(why_not, "NotBumped")
        return StaffAnswer(state=view.status, message=f"attempt {view.attempt} is on its way")

    @bump_fee.validator
    def _may_bump(self, action: StaffAction) -> None:
        self._require_on_its_way(action)

    @workflow.update(
        description='Offer the same bytes to the node again. JSON: {"reason": "10 letters ..."}'
    )
    async def rebroadcast(self, action: StaffAction) -> StaffAnswer:
        async with self._lock:
            view = await self._write_down("rebroadcast", action)
            sent = await self._sign_and_broadcast(drive_of(view))
            self._news = True
        return StaffAnswer(state=view.status, message=f"{sent.outcome} {sent.reason}".strip())

    @rebroadcast.validator
    def _may_rebroadcast(self, action: StaffAction) -> None:
        self._require_on_its_way(action)

    @property
    def _current(self) -> WithdrawalView:
        assert self._view is not None, "handlers decide on what was read"
        return self._view

    @property
    def _status(self) -> WithdrawalStatus:
        return self._view.status if self._view else WithdrawalStatus.HELD

    def _require_on_its_way(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._view is None or not self._view.payment_id or self._status in FINISHED:
            raise refuse(f"the withdrawal is {self._status}: nothing is on its way")

    async def _database(
        self,
        step: Callable[[WithdrawalActivities, WithdrawalStep], Awaitable[WithdrawalView]],
    ) -> WithdrawalView:
        return await workflow.execute_activity_method(
            step,
            WithdrawalStep(withdrawal_id=self._id),
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=DATABASE_RETRY,
        )

    async def _word(
        self,
        step: Callable[[Any, OfficerWord], Awaitable[WithdrawalView]],
        action: StaffAction,
        summary: str,
        queue: str = LEDGER_QUEUE,
    ) -> StaffAnswer:
        word = OfficerWord(withdrawal_id=self._id, officer=action.officer, reason=action.reason)
        try:
            view = await workflow.execute_activity_method(
                step,
                word,
                task_queue=queue,
                start_to_close_timeout=STEP_TIMEOUT,
                retry_policy=DATABASE_RETRY,
                summary=f"{summary}, by {action.officer or 'the customer'}",
            )
        except ActivityError as refused:
            raise refuse(str(refused.cause or refused)) from None
        self._show(view)
        self._news = True
        return StaffAnswer(state=view.status, message=f"the withdrawal is {view.status}")

    async def _write_down(self, name: str, action: StaffAction) -> WithdrawalView:
        """The audit row comes first; the deed follows."""
        info = workflow.current_update_info()
        deed = OfficerAction(
            withdrawal_id=self._id,
            officer=action.officer,
            reason=action.reason,
            action=name,
            key=f"withdrawal/{self._id}:{info.id if info else name}",
        )
        return await workflow.execute_activity_method(
            WithdrawalActivities.write_down,
            deed,
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=DATABASE_RETRY,
            summary=f"Write down: {name} by {action.officer}",
        )

    def _show(self, view: WithdrawalView) -> WithdrawalView:
        """Put the state where staff look for it: details, and search attributes that changed."""
        self._view = view
        workflow.set_current_details(details(view, self._problem))
        wanted = Shown.of(view, self._problem)
        if wanted != self._shown:
            workflow.upsert_search_attributes(wanted.updates(self._shown, workflow.now()))
            self._shown = wanted
        return view

    def _show_progress(self, txids: list[str]) -> None:
        known = self._current.txids
        new = [txid for txid in txids if txid not in known]
        self._show(self._current.model_copy(update={"txids": [*known, *new]}))


def drive_of(view: WithdrawalView) -> Drive:
    assert view.payment_id is not None
    return Drive(view.payment_id, view.chain, view.attempt)
