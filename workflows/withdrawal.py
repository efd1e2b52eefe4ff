"""A withdrawal, from its hold to the coins' arrival, told from top to bottom.

The row in Postgres says how far it is; started anew, this goes on from there. From `reserved` on
there are only forward steps: the coins may have left, so nothing is ever given back on a guess.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.payments import PaymentActivities, PaymentState, Sent, WithdrawalStep
    from activities.screening_messages import ScreenAddress, Screening
    from activities.withdrawal_view import WithdrawalView
    from activities.withdrawals import AssessWithdrawal, WithdrawalActivities
    from domain.payment import SignPayment
    from domain.withdrawal import FINISHED, WithdrawalKind, WithdrawalStatus
    from workflows import search_attributes as attributes
    from workflows.deposit import COMPLIANCE_QUEUE
    from workflows.withdrawal_desk import (
        DATABASE_RETRY,
        LEDGER_QUEUE,
        NODE_RETRY,
        STEP_TIMEOUT,
        WithdrawalDesk,
        WithdrawalInput,
    )

_REVIEW_DUE = timedelta(hours=4)
_REBROADCAST_AFTER = timedelta(seconds=30)
_BUMP_AFTER = {"bitcoin": timedelta(minutes=20), "ethereum": timedelta(minutes=2)}
_BUMPS_BY_TIMER_MAX = 6
_LOOK_AGAIN = timedelta(hours=1)
_FOLLOWER_PATIENCE = timedelta(minutes=5)
"""A batch's follower looks after the payment itself when its leader seems gone."""


@workflow.defn
class WithdrawalWorkflow(WithdrawalDesk):
    @workflow.init
    def __init__(self, withdrawal: WithdrawalInput) -> None:
        super().__init__(withdrawal)
        self._bumps_by_timer = 0

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
        """Send the payment, wait, post it if it is final; once around for all that happens."""
        if not view.is_lead and not await self._leader_is_gone(view):
            return await self._database(WithdrawalActivities.read_withdrawal)
        sent = await self._send(view)
        if sent is not None:
            hurry = await self._news_within(self._patience(view, sent), "Wait for confirmations")
            state = await self._settle(view)
            if not (state.is_posted or hurry) and sent.is_out:
                await self._bump_by_timer(view, state)
        return await self._database(WithdrawalActivities.read_withdrawal)

    async def _leader_is_gone(self, view: WithdrawalView) -> bool:
        """A batch is sent by the workflow of its first withdrawal; the others wait for news."""
        if view.status is not WithdrawalStatus.RESERVED:
            await self._news_within(_LOOK_AGAIN, "The batch's leader follows the payment")
            return False
        return not await self._news_within(_FOLLOWER_PATIENCE, "The batch's leader sends it")

    async def _send(self, view: WithdrawalView) -> Sent | None:
        """Sign the newest attempt if need be, and offer it to a node. Unknown is no failure."""
        async with self._lock:
            try:
                return await self._sign_and_broadcast(view)
            except ActivityError as refused:
                # The signer or the rows say no, for good: people must look.
                self._problem = str(refused.cause or refused)
        self._show(view)
        await self._news_within(_LOOK_AGAIN, "The signer refused: staff must look")
        return None

    async def _settle(self, view: WithdrawalView) -> PaymentState:
        assert view.payment_id is not None
        return await workflow.execute_activity_method(
            PaymentActivities.settle_payment,
            SignPayment(view.payment_id, view.attempt),
            task_queue=view.chain,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary="Post it if it is final",
        )

    def _patience(self, view: WithdrawalView, sent: Sent) -> timedelta:
        if not sent.is_out:
            return _REBROADCAST_AFTER
        if self._bumps_by_timer >= _BUMPS_BY_TIMER_MAX:
            return _LOOK_AGAIN
        return _BUMP_AFTER[view.chain]

    async def _bump_by_timer(self, view: WithdrawalView, state: PaymentState) -> None:
        if state.confirmations or self._bumps_by_timer >= _BUMPS_BY_TIMER_MAX:
            return
        self._bumps_by_timer += 1
        async with self._lock:
            self._problem = await self._bump(view, "timer")
        self._show(view)
