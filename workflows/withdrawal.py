"""A withdrawal, from its hold to the coins' arrival, told from top to bottom.

The row in Postgres says how far it is; started anew, this goes on from there. From `reserved` on
there are only forward steps: the coins may have left, so nothing is ever given back on a guess.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payment_messages import WithdrawalStep
    from activities.payments import PaymentActivities
    from activities.screening_messages import ScreenAddress, Screening
    from activities.withdrawal_view import WithdrawalView
    from activities.withdrawals import AssessWithdrawal, WithdrawalActivities
    from domain.withdrawal import FINISHED, WithdrawalKind, WithdrawalStatus
    from workflows import search_attributes as attributes
    from workflows.deposit import COMPLIANCE_QUEUE
    from workflows.payment_driver import DATABASE_RETRY, LOOK_AGAIN, NODE_RETRY, STEP_TIMEOUT
    from workflows.withdrawal_desk import (
        LEDGER_QUEUE,
        WithdrawalDesk,
        WithdrawalInput,
        drive_of,
    )

_REVIEW_DUE = timedelta(hours=4)
_FOLLOWER_PATIENCE = timedelta(minutes=5)
"""A batch's follower looks after the payment itself when its leader seems gone."""


@workflow.defn
class WithdrawalWorkflow(WithdrawalDesk):
    @workflow.init
    def __init__(self, withdrawal: WithdrawalInput) -> None:
        super().__init__(withdrawal)
        self._is_beneficiary_told = False

    @workflow.run
    async def run(self, withdrawal: WithdrawalInput) -> str:
        view = self._show(await self._database(WithdrawalActivities.read_withdrawal))
        while view.status not in FINISHED:
            view = self._show(await self._step(view))
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(withdrawal)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return view.status

    async def _step(self, view: WithdrawalView) -> WithdrawalView:
        match view.status:
            case WithdrawalStatus.HELD:
                return await self._assess(view)
            case WithdrawalStatus.REVIEW:
                return await self._review()
            case WithdrawalStatus.APPROVED if view.kind is WithdrawalKind.INTERNAL:
                return await self._database(WithdrawalActivities.pay_internally)
            case WithdrawalStatus.APPROVED:
                await self._tell_beneficiary(view)
                return await self._reserve(view)
            case _:
                return await self._pay(view)

    # Before the point of no return --------------------------------------------------------

    async def _assess(self, view: WithdrawalView) -> WithdrawalView:
        screening: Screening = await workflow.execute_activity(
            "screen_address",
            ScreenAddress(
                subject="withdrawal",
                customer_id=view.customer_id,
                chain=view.chain,
                addresses=[view.address],
                asset=view.asset,
                amount=view.amount,
                reference=f"withdrawal/{self._id}",
            ),
            result_type=Screening,
            task_queue=COMPLIANCE_QUEUE,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary="Screen where the coins go",
        )
        return await workflow.execute_activity_method(
            WithdrawalActivities.assess_withdrawal,
            AssessWithdrawal(withdrawal_id=self._id, screening=screening),
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=DATABASE_RETRY,
            summary="Weigh the risk",
        )

    async def _review(self) -> WithdrawalView:
        """Officers decide, by updates. Silence decides nothing: it only becomes more urgent."""
        try:
            await workflow.wait_condition(
                lambda: self._current.status is not WithdrawalStatus.REVIEW,
                timeout=_REVIEW_DUE,
                timeout_summary="Review is due",
            )
        except TimeoutError:
            workflow.upsert_search_attributes([attributes.QUEUE.value_set("senior")])
            await workflow.wait_condition(
                lambda: self._current.status is not WithdrawalStatus.REVIEW
            )
        return self._current

    async def _tell_beneficiary(self, view: WithdrawalView) -> None:
        """Travel rule: the other exchange knows who sends before the coins can leave.

        While it cannot be reached the withdrawal waits here; it can still be cancelled.
        """
        if self._is_beneficiary_told or not view.travel_rule_due:
            return
        await workflow.execute_activity(
            "send_travel_rule",
            ScreenAddress(
                subject="withdrawal",
                customer_id=view.customer_id,
                chain=view.chain,
                addresses=[view.address],
                asset=view.asset,
                amount=view.amount,
                reference=f"withdrawal/{self._id}",
            ),
            task_queue=COMPLIANCE_QUEUE,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary="Tell the beneficiary's exchange who sends",
        )
        self._is_beneficiary_told = True

    async def _reserve(self, view: WithdrawalView) -> WithdrawalView:
        return await workflow.execute_activity_method(
            PaymentActivities.reserve_withdrawal,
            WithdrawalStep(withdrawal_id=self._id),
            task_queue=view.chain,
            start_to_close_timeout=STEP_TIMEOUT,
            # While it waits for a batch, for funds or for a stop, it says itself when to ask again.
            retry_policy=NODE_RETRY,
            summary="Reserve a nonce or inputs",
        )

    # After it: only forward ---------------------------------------------------------------

    async def _pay(self, view: WithdrawalView) -> WithdrawalView:
        """Once around for all that happens to the payment, until the ledger has it."""
        if view.is_lead or await self._leader_is_gone(view):
            await self._drive_once(drive_of(view))
        return await self._database(WithdrawalActivities.read_withdrawal)

    async def _leader_is_gone(self, view: WithdrawalView) -> bool:
        """A batch is sent by the workflow of its first withdrawal; the others wait for news."""
        if view.status is not WithdrawalStatus.RESERVED:
            await self._news_within(LOOK_AGAIN, "The batch's leader follows the payment")
            return False
        return not await self._news_within(_FOLLOWER_PATIENCE, "The batch's leader sends it")
