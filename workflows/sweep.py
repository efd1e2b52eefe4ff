"""A sweep: from deposit addresses to the hot wallet, and what is too much there to the cold one.

Started by a schedule for each asset. It plans, drives its payments as children, and plans again
while something waited for them (a token's gas). A sweep never touches what customers were credited.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.treasury import (
        PlanSweep,
        RefillRequest,
        SweepPlan,
        TreasuryActivities,
        WalletReview,
    )
    from workflows import search_attributes as attributes
    from workflows.payment import PaymentInput, PaymentWorkflow
    from workflows.payment_driver import NODE_RETRY, STEP_TIMEOUT

BURN_PERCENT_ALARM = 25
"""So much of a hot wallet in an hour leaves half a day at most; demand seldom does."""
_STAGES_MAX = 3
"""Gas, then tokens, then whatever came in meanwhile; the next run takes the rest."""


@dataclass
class SweepInput:
    chain: str
    asset: str


@workflow.defn
class SweepWorkflow:
    @workflow.init
    def __init__(self, sweep: SweepInput) -> None:
        self._sweep = sweep
        self._lines: list[str] = []

    @workflow.run
    async def run(self, _: SweepInput) -> str:
        self._show("planning")
        for stage in range(_STAGES_MAX):
            plan = await self._plan(stage)
            if not plan.payment_ids:
                self._lines.append(f"- nothing (more) to sweep: {plan.why_not or 'all is done'}")
                break
            await self._pay(plan.payment_ids)
            if not plan.has_more:
                break
        review = await self._review()
        await self._pay(review.payment_ids)
        is_burning = review.burn_percent >= BURN_PERCENT_ALARM
        is_asked = review.refill is not None or review.warm_move is not None
        self._show("done", needs_human=is_burning or is_asked)
        return "\n".join(self._lines)

    async def _plan(self, stage: int) -> SweepPlan:
        return await workflow.execute_activity_method(
            TreasuryActivities.plan_sweep,
            self._run(f"stage{stage}"),
            task_queue=self._sweep.chain,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary="Reserve what is worth sweeping",
        )

    async def _review(self) -> WalletReview:
        review = await workflow.execute_activity_method(
            TreasuryActivities.review_wallet,
            self._run("review"),
            task_queue=self._sweep.chain,
            start_to_close_timeout=STEP_TIMEOUT,
            retry_policy=NODE_RETRY,
            summary="Compare the hot wallet with its thresholds",
        )
        self._lines.append(
            f"- hot wallet: {review.hot} {review.asset} (low {review.low}, high {review.high})"
        )
        if review.burn_percent >= BURN_PERCENT_ALARM:
            self._lines.append(
                f"- **{review.burn_percent} % of it left within an hour.** A drain looks like "
                f"demand: look before you refill; `rialto asset pause {review.asset}` stops it"
            )
        if review.refilled:
            self._lines.append(f"- {review.refilled}")
        if review.warm:
            self._lines.append(f"- warm wallet: {review.warm} {review.asset}")
        for asked in (review.refill, review.warm_move):
            if asked is not None:
                self._lines += _request(asked)
        return review

    async def _pay(self, payment_ids: list[str]) -> None:
        """Drive the payments to their end, all at once."""
        self._lines += [f"- payment `{payment_id}`" for payment_id in payment_ids]
        self._show("paying")
        await asyncio.gather(*(self._drive(payment_id) for payment_id in payment_ids))

    async def _drive(self, payment_id: str) -> None:
        await workflow.execute_child_workflow(
            PaymentWorkflow.run,
            PaymentInput(payment_id=payment_id, chain=self._sweep.chain),
            id=f"payment/{payment_id}",
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            parent_close_policy=ParentClosePolicy.ABANDON,  # Coins may be out: it must go on.
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(attributes.ASSET, self._sweep.asset),
                    SearchAttributePair(attributes.CHAIN, self._sweep.chain),
                ]
            ),
        )

    def _run(self, stage: str) -> PlanSweep:
        """The run's name is part of the payments' ids: a repeated plan finds its payments."""
        run_id = f"{workflow.info().workflow_id}-{workflow.info().run_id[:8]}-{stage}"
        return PlanSweep(run_id=run_id, chain=self._sweep.chain, asset=self._sweep.asset)

    def _show(self, state: str, *, needs_human: bool = False) -> None:
        heading = f"### Sweep of {self._sweep.asset}: {state}"
        workflow.set_current_details("\n".join([heading, "", *self._lines]))
        workflow.upsert_search_attributes(
            [
                attributes.STATE.value_set(state),
                attributes.ASSET.value_set(self._sweep.asset),
                attributes.CHAIN.value_set(self._sweep.chain),
                attributes.NEEDS_HUMAN.value_set(needs_human),
            ]
        )


def _request(asked: RefillRequest) -> list[str]:
    return [
        (
            f"- **refill request {asked.request_id}:** {asked.amount} {asked.asset} from the "
            f"{asked.source} to the {asked.target} wallet"
        ),
        "",
        (
            f"**What to do:** have the keepers of the {asked.source} wallet sign this, write down "
            f"`rialto treasury sent {asked.request_id} TXID`, then send it:"
        ),
        "",
        f"```\n{asked.unsigned}\n```",
    ]
