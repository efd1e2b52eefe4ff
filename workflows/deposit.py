"""A deposit, from the first sight of it until it may leave again.

The chain moves the deposit, not this workflow: whenever the chain did something that matters to it,
`chain_moved` comes, and one activity makes every move that is due. Screening runs meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeUpdate
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.deposits import (
        AdvanceDeposit,
        DepositActivities,
        DepositDecision,
        DepositView,
    )
    from activities.screening_messages import OriginatorCheck, ScreenAddress, Screening
    from domain.deposit import DepositEvent, DepositStatus
    from workflows import search_attributes as attributes
    from workflows.markdown import plain
    from workflows.staff import (
        StaffAction,
        StaffAnswer,
        refuse,
        require_officer,
        require_reason,
    )

CHAIN_QUEUES = {"bitcoin": "bitcoin", "ethereum": "ethereum"}
COMPLIANCE_QUEUE = "compliance"

# A step is one short database transaction: repeat it soon, and for ever.
_STEP_TIMEOUT = timedelta(seconds=20)
_STEP_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(minutes=1)
)
_SCREENING_TIMEOUT = timedelta(seconds=30)
_SCREENING_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)
)
_LOOK_AGAIN = timedelta(hours=6)
"""In case every `chain_moved` was lost; the teller repeats itself after half a minute."""
_REVIEW_DUE = timedelta(hours=24)
_ASK_ORIGINATOR, _ASK_ORIGINATOR_MAX = timedelta(seconds=5), timedelta(hours=1)
"""Exchanges that take part send the data with the coins, or within minutes."""

Answer = TypeVar("Answer")

_WAITING = frozenset(
    {
        DepositStatus.DETECTED,
        DepositStatus.CONFIRMING,
        DepositStatus.CREDITED,
        DepositStatus.HELD,
        DepositStatus.SUSPENDED,
    }
)
"""In any other status there is nothing to wait for here; the chain may start the workflow anew."""
_CLEARABLE = (DepositStatus.HELD, DepositStatus.SUSPENDED)


@dataclass
class DepositInput:
    deposit_id: str
    chain: str


class ReturnDeposit(StaffAction):
    txid: str = ""
    """The transaction that sent the coins back."""


@workflow.defn
class DepositWorkflow:
    @workflow.init
    def __init__(self, deposit: DepositInput) -> None:
        self._deposit = deposit
        self._view: DepositView | None = None
        self._screening: Screening | None = None
        self._originator: OriginatorCheck | None = None
        self._news = False
        self._asked_in_vain = 0
        self._shown: tuple[DepositStatus, bool] | None = None
        self._lock = asyncio.Lock()  # A step of ours must not pass an officer's decision midway.

    @workflow.run
    async def run(self, _: DepositInput) -> str:
        while True:
            view = await self._until_nothing_is_due()
            await workflow.wait_condition(workflow.all_handlers_finished)
            # What the chain did during that last step, the step may not have seen.
            if not (self._news and workflow.patched("news-at-the-end-counts")):
                return view.status

    async def _until_nothing_is_due(self) -> DepositView:
        view = await self._advance()
        if view.status in _WAITING and not view.is_screened:
            self._screening = await self._screen(view)
            view = await self._advance()
        while view.status in _WAITING:
            if view.status is DepositStatus.HELD and view.awaits_originator:
                await self._await_originator(view)
            else:
                await self._news_or_timeout(_LOOK_AGAIN)
            view = await self._advance()
        return view

    @workflow.signal(description="The chain moved: look at the deposit's row. No arguments.")
    def chain_moved(self) -> None:
        self._news = True

    @workflow.update(
        description='Credit a held deposit after all. JSON: {"reason": "at least 10 characters"}'
    )
    async def clear(self, action: StaffAction) -> StaffAnswer:
        await self._hear_of(*_CLEARABLE)
        return await self._decide(DepositEvent.CLEARED, action)

    @clear.validator
    def _may_clear(self, action: StaffAction) -> None:
        self._require_decision(action, *_CLEARABLE)

    @workflow.update(
        description='Keep the coins from the customer. JSON: {"reason": "at least 10 characters"}'
    )
    async def suspend(self, action: StaffAction) -> StaffAnswer:
        await self._hear_of(DepositStatus.HELD)
        return await self._decide(DepositEvent.SUSPENDED, action)

    @suspend.validator
    def _may_suspend(self, action: StaffAction) -> None:
        self._require_decision(action, DepositStatus.HELD)

    @workflow.update(description='The coins were sent back. JSON: {"reason": "...", "txid": "..."}')
    async def mark_returned(self, action: ReturnDeposit) -> StaffAnswer:
        await self._hear_of(DepositStatus.SUSPENDED)
        return await self._decide(DepositEvent.RETURNED, action, f" ({action.txid})")

    @mark_returned.validator
    def _may_mark_returned(self, action: ReturnDeposit) -> None:
        self._require_decision(action, DepositStatus.SUSPENDED)
        if not action.txid:
            raise refuse("txid: which transaction sent the coins back?", "BadTxid")

    @workflow.query(description="Where the deposit stands")
    def view(self) -> DepositView | None:
        return self._view

    async def _advance(self) -> DepositView:
        async with self._lock:
            self._news = False
            self._view = await workflow.execute_activity_method(
                DepositActivities.advance_deposit,
                AdvanceDeposit(
                    deposit_id=self._deposit.deposit_id,
                    screening=self._screening,
                    originator=self._originator,
                ),
                task_queue=CHAIN_QUEUES[self._deposit.chain],
                start_to_close_timeout=_STEP_TIMEOUT,
                retry_policy=_STEP_RETRY,
                summary="Make every move that is due",
            )
        self._show(self._view)
        return self._view

    async def _screen(self, view: DepositView) -> Screening:
        screening: Screening = await workflow.execute_activity(
            "screen_address",
            _asked_of(view),
            result_type=Screening,
            task_queue=COMPLIANCE_QUEUE,
            start_to_close_timeout=_SCREENING_TIMEOUT,
            retry_policy=_SCREENING_RETRY,
            summary="Screen where the coins come from",
        )
        return screening

    async def _await_originator(self, view: DepositView) -> None:
        """Travel rule: in quarantine until the sender's exchange says who sent it.

        Asked less and less often; an officer may decide meanwhile.
        """
        self._asked_in_vain += 1
        await self._news_or_timeout(
            min(_ASK_ORIGINATOR_MAX, _ASK_ORIGINATOR * 2 ** min(self._asked_in_vain, 10))
        )
        if workflow.patched("originators-are-screened"):
            self._originator = await self._unless_news(
                self._ask("screen_originator", view, OriginatorCheck)
            )
            is_clear = self._originator is not None and self._originator.is_clear
        else:
            is_clear = await self._has_originator(view)
        if is_clear and self._view is not None and self._view.awaits_originator:
            word = StaffAction(officer="policy", reason="the originator's data arrived")
            await self._decide(DepositEvent.CLEARED, word)

    async def _has_originator(self, view: DepositView) -> bool:
        """As histories have it from before the names of senders were weighed."""
        asking = self._ask("has_originator", view, bool)
        if workflow.patched("what-happens-meanwhile-counts"):
            return bool(await self._unless_news(asking))
        return await asking

    def _ask(
        self, activity: str, view: DepositView, answer: type[Answer]
    ) -> workflow.ActivityHandle[Answer]:
        return workflow.start_activity(
            activity,
            _asked_of(view),
            result_type=answer,
            task_queue=COMPLIANCE_QUEUE,
            start_to_close_timeout=_SCREENING_TIMEOUT,
            retry_policy=_SCREENING_RETRY,
            summary="Ask who sent it",
        )

    async def _unless_news(self, asking: workflow.ActivityHandle[Answer]) -> Answer | None:
        """The network may be away for days: the chain and officers do not wait for it."""
        await workflow.wait_condition(lambda: asking.done() or self._news)
        if asking.done():
            return await asking
        asking.cancel()
        with contextlib.suppress(ActivityError):
            await asking
        return None

    async def _news_or_timeout(self, patience: timedelta) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._news, timeout=patience, timeout_summary="Look again anyway"
            )
        except TimeoutError:
            return

    async def _decide(
        self, event: DepositEvent, action: StaffAction, evidence: str = ""
    ) -> StaffAnswer:
        async with self._lock:
            self._view = await workflow.execute_activity_method(
                DepositActivities.decide_deposit,
                DepositDecision(
                    deposit_id=self._deposit.deposit_id,
                    event=event,
                    officer=action.officer,
                    reason=action.reason + evidence,
                ),
                task_queue=CHAIN_QUEUES[self._deposit.chain],
                start_to_close_timeout=_STEP_TIMEOUT,
                retry_policy=_STEP_RETRY,
                summary=f"Write down: {event} by {action.officer}",
            )
            self._news = True
        self._show(self._view)
        return StaffAnswer(state=self._view.status, message=f"the deposit is {self._view.status}")

    def _require_decision(self, action: StaffAction, *statuses: DepositStatus) -> None:
        require_officer(action)
        require_reason(action)
        if self._view is not None and not self._lock.locked():  # Else a step may be making it so.
            self._require(*statuses)

    async def _hear_of(self, *statuses: DepositStatus) -> None:
        """The row, which officers see, is held a moment before this workflow hears of it."""
        if self._status not in statuses:
            await workflow.wait_condition(lambda: self._view is not None)
            async with self._lock:
                self._require(*statuses)

    def _require(self, *statuses: DepositStatus) -> None:
        if self._status not in statuses:
            raise refuse(f"the deposit is {self._status}: there is nothing to decide")

    @property
    def _status(self) -> DepositStatus:
        return self._view.status if self._view else DepositStatus.DETECTED

    @property
    def _for_officers(self) -> list[str]:
        """Whom the sender's name is like, as far as this run of the workflow was told."""
        checks = (self._screening, self._originator)
        return [line for check in checks if check is not None for line in check.for_officers]

    def _show(self, view: DepositView) -> None:
        workflow.set_current_details(_details(view, self._for_officers))
        needs_human = view.status is DepositStatus.HELD
        if self._shown == (view.status, needs_human):
            return
        self._shown = (view.status, needs_human)
        updates: list[SearchAttributeUpdate[Any]] = [
            attributes.STATE.value_set(view.status),
            attributes.NEEDS_HUMAN.value_set(needs_human),
        ]
        if needs_human:
            updates += [
                attributes.RISK_SCORE.value_set(view.risk_score),
                attributes.DUE_AT.value_set(workflow.now() + _REVIEW_DUE),
                attributes.QUEUE.value_set("compliance"),
            ]
        workflow.upsert_search_attributes(updates)


def _asked_of(view: DepositView) -> ScreenAddress:
    return ScreenAddress(
        subject="deposit",
        customer_id=view.customer_id,
        chain=view.chain,
        addresses=view.sources,
        asset=view.asset,
        amount=view.amount,
        reference=f"deposit/{view.deposit_id}",
        txid=view.txid,
    )


def _details(view: DepositView, for_officers: list[str]) -> str:
    lines = [
        f"### Deposit: {view.status}",
        "",
        f"- **{view.amount} {view.asset}** for customer `{view.customer_id}`",
        f"- to `{view.address}` on {view.chain}",
        f"- transaction `{view.txid}`",
        f"- block {view.height if view.height is not None else 'none yet'}",
        (
            f"- {view.confirmations} confirmations; credited at {view.credit_confirmations}, "
            f"withdrawable at {view.withdrawable_confirmations}"
        ),
        f"- risk score {view.risk_score}; {view.reason or 'nothing found'}",
        *(f"- sender: {plain(line)}" for line in for_officers),
    ]
    if view.status is DepositStatus.HELD:
        lines += [
            "",
            (
                "**What to do:** screening held it. Look at the customer's file, then send "
                "`clear` (it is credited) or `suspend` (it is kept apart)."
            ),
        ]
    if view.status is DepositStatus.SUSPENDED:
        lines += [
            "",
            "**What to do:** return the coins, then send `mark_returned`; or send `clear`.",
        ]
    return "\n".join(lines)
