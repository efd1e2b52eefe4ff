"""A payment of the house to itself: a sweep, its gas, a filled gap, coins for the cold wallet."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payment_messages import PaymentStep, PaymentView
    from activities.payments import PaymentActivities
    from domain.payment import PaymentStatus
    from workflows import search_attributes as attributes
    from workflows.payment_driver import NODE_RETRY, STEP_TIMEOUT, Drive, PaymentDriver
    from workflows.staff import StaffAction, StaffAnswer, refuse, require_officer, require_reason


@dataclass
class PaymentInput:
    payment_id: str
    chain: str


@workflow.defn
class PaymentWorkflow(PaymentDriver):
    @workflow.init
    def __init__(self, payment: PaymentInput) -> None:
        super().__init__()
        self._payment = payment
        self._view: PaymentView | None = None

    @workflow.run
    async def run(self, payment: PaymentInput) -> str:
        view = await self._read()
        while not view.is_posted and view.status is not PaymentStatus.DEAD:
            await self._drive_once(Drive(view.payment_id, view.chain, view.attempt))
            view = await self._read()
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(payment)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return view.status

    @workflow.signal(description="The chain moved: look at the payment's row. No arguments.")
    def chain_moved(self) -> None:
        self._news = True

    @workflow.query(description="Where the payment stands")
    def view(self) -> PaymentView | None:
        return self._view

    @workflow.update(description='Pay a higher network fee. JSON: {"reason": "10 letters ..."}')
    async def bump_fee(self, action: StaffAction) -> StaffAnswer:
        async with self._lock:
            view = await self._read()
            drive = Drive(view.payment_id, view.chain, view.attempt)
            why_not = await self._bump(drive, f"{action.officer}: {action.reason}")
            self._news = True
        if why_not:
            raise refuse(why_not, "NotBumped")
        return StaffAnswer(state=view.status, message="a higher fee is on its way")

    @bump_fee.validator
    def _may_bump(self, action: StaffAction) -> None:
        self._require_open(action)

    @workflow.update(
        description='Offer the same bytes to the node again. JSON: {"reason": "10 letters ..."}'
    )
    async def rebroadcast(self, action: StaffAction) -> StaffAnswer:
        self._news = True
        status = self._view.status if self._view else PaymentStatus.RESERVED
        return StaffAnswer(state=status, message=f"sent again, by {action.officer}")

    @rebroadcast.validator
    def _may_rebroadcast(self, action: StaffAction) -> None:
        self._require_open(action)

    def _require_open(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._view is None or self._view.is_posted:
            raise refuse("the payment is not on its way")

    async def _read(self) -> PaymentView:
        self._view = await workflow.execute_activity_method(
            PaymentActivities.read_payment,
            PaymentStep(payment_id=self._payment.payment_id),
            task_queue=self._payment.chain,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
        )
        self._show_progress([])
        return self._view

    def _show_progress(self, txids: list[str]) -> None:
        view = self._view
        assert view is not None, "shown after it was read"
        needs_human = bool(self._problem) or view.status is PaymentStatus.DEAD
        workflow.set_current_details(_details(view, self._problem))
        workflow.upsert_search_attributes(
            [
                attributes.STATE.value_set(view.status),
                attributes.NEEDS_HUMAN.value_set(needs_human),
                attributes.TX_IDS.value_set([*view.txids, *txids]),
            ]
        )


def _details(view: PaymentView, problem: str) -> str:
    lines = [
        f"### {view.kind}: {view.status}",
        "",
        f"- **{view.amount} {view.asset}** on {view.chain}",
        f"- payment `{view.payment_id}`, attempt {view.attempt}",
        *[f"- transaction `{txid}`" for txid in view.txids],
    ]
    if problem:
        lines += [f"- **problem:** {problem}", "", "**What to do:** `rebroadcast` or `bump_fee`."]
    return "\n".join(lines)
