"""Know your customer: one workflow per customer, `kyc/{customer_id}`, for as long as it takes.

The only writer of a customer's KYC row, tier and frozen mark, so that they never disagree.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.kyc import KycActivities
    from activities.kyc_messages import (
        Assessment,
        AssessmentRequest,
        AuditAction,
        CheckAnswer,
        CheckRequest,
        ClearedMatches,
        KycRecord,
        Reminder,
    )
    from compliance.kyc import (
        ENDED,
        KycEvent,
        KycState,
        VendorOutcome,
        next_state,
    )
    from compliance.tiers import Tier
    from workflows.kyc_messages import KycCase, KycStatus
    from workflows.kyc_options import COMPLIANCE_QUEUE, STORE, VENDOR
    from workflows.kyc_updates import KycUpdates

__all__ = ["COMPLIANCE_QUEUE", "RETENTION", "KycWorkflow"]

VALIDITY = timedelta(days=365)
EXPIRY_NOTICE = timedelta(days=30)
REVIEW_TIME = timedelta(hours=24)
LAPSE_AFTER = timedelta(days=30)
RETENTION = timedelta(days=5 * 365 + 2)
"""Five years after the end, as anti-money-laundering law has it (EU 2015/849, article 40)."""
REMIND_AFTER = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
POLL_FIRST = timedelta(minutes=1)
POLL_LONGEST = timedelta(hours=1)

T = TypeVar("T")


class _InterruptedError(Exception):
    """A freeze or a closing came in the middle of a wait."""


@workflow.defn(name="KycWorkflow")
class KycWorkflow(KycUpdates):
    @workflow.init
    def __init__(self, case: KycCase) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: KycCase) -> KycStatus:
        assert case is self._case
        if case.state is KycState.NOT_STARTED:
            await self._move(KycEvent.START)
        self._show()
        while case.state not in ENDED:
            await self._advance()
            if workflow.info().is_continue_as_new_suggested() and not self._has_news():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(case)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if case.is_kept_by_law:
            await workflow.sleep(RETENTION, summary="Keep what the law requires")
            await self._store(KycActivities.erase_personal_data, case.customer_id)
        return self.status()

    async def _advance(self) -> None:
        steps: dict[KycState, Callable[[], Awaitable[None]]] = {
            KycState.STARTED: self._collect,
            KycState.NEEDS_INFO: self._collect,
            KycState.REJECTED_RETRYABLE: self._collect,
            KycState.EXPIRED: self._wait_for_renewal,
            KycState.SUBMITTED: self._start_check,
            KycState.VENDOR_PENDING: self._await_vendor,
            KycState.MANUAL_REVIEW: self._review,
            KycState.APPROVED: self._until_expiry_near,
            KycState.EXPIRING: self._until_expired,
            KycState.FROZEN: self._until_unfrozen,
        }
        try:
            await steps[self._case.state]()
        except _InterruptedError:
            await self._stop_here()

    # The customer's part ---------------------------------------------------------------------

    async def _collect(self) -> None:
        """Wait for documents; remind three times; after a month let the application go."""
        since = workflow.now()
        for number, after in enumerate(REMIND_AFTER):
            if await self._submitted_before(since + after):
                return
            await self._remind("application", f"{self._case.attempt}:{number}")
        if not await self._submitted_before(since + LAPSE_AFTER):
            await self._let_go()

    async def _let_go(self) -> None:
        """An application leaves nothing behind; the file of a customer is kept, as the law has it.

        A tier that is in force stands until it ends.
        """
        if self._case.approved_at is None or not workflow.patched("keep-the-files-of-customers"):
            await self._store(KycActivities.erase_application, self._case.customer_id)
            await self._move(KycEvent.LAPSE)
        elif self._case.tier is Tier.NONE:
            await self._move(KycEvent.EXPIRE)
        else:
            await self._move(KycEvent.STAND)

    async def _wait_for_renewal(self) -> None:
        await self._until(lambda: self._submission is not None)
        await self._take_submission()

    async def _submitted_before(self, moment: datetime) -> bool:
        if not await self._until(lambda: self._submission is not None, until=moment):
            return False
        await self._take_submission()
        return True

    async def _take_submission(self) -> None:
        assert self._submission is not None
        self._case.requested_tier = self._submission.requested_tier
        self._case.question = ""
        self._case.attempt += 1
        await self._move(KycEvent.SUBMIT, actor=f"customer:{self._case.customer_id}")
        self._submission = None  # Only now: the customer is answered when it is recorded.

    # The vendor's part -----------------------------------------------------------------------

    async def _start_check(self) -> None:
        key = f"{workflow.info().workflow_id}:check:{self._case.attempt}"
        request = CheckRequest(
            customer_id=self._case.customer_id, tier=self._case.requested_tier, key=key
        )
        self._case.check_id = await self._interruptible(
            workflow.execute_activity_method(
                KycActivities.start_check, request, summary="Send to the vendor", **VENDOR
            )
        )
        await self._move(KycEvent.CHECK_STARTED)

    async def _await_vendor(self) -> None:
        """Ask now and again; sooner when a webhook says there is news. It carries no verdict."""
        wait = POLL_FIRST
        answer = await self._ask_vendor()
        while answer.outcome is None:
            await self._until(self._news_after(self._nudges), until=workflow.now() + wait)
            wait = min(2 * wait, POLL_LONGEST)
            answer = await self._ask_vendor()
        await self._weigh(answer)

    def _news_after(self, heard: int) -> Callable[[], bool]:
        return lambda: self._nudges > heard

    async def _ask_vendor(self) -> CheckAnswer:
        assert self._case.check_id is not None
        return await self._interruptible(
            workflow.execute_activity_method(
                KycActivities.ask_check, self._case.check_id, summary="Ask the vendor", **VENDOR
            )
        )

    async def _weigh(self, answer: CheckAnswer) -> None:
        if answer.outcome is VendorOutcome.NEEDS_INFO:
            self._case.question = answer.question
            await self._move(KycEvent.ASK, actor="vendor")
            return
        assessment = await self._assess(answer)
        if assessment.straight_through:
            self._grant(self._case.requested_tier, ["policy"])
            await self._move(KycEvent.APPROVE, actor="policy")
        else:
            await self._move(KycEvent.REFER, actor="policy")

    async def _assess(self, answer: CheckAnswer) -> Assessment:
        """Screen, check documents, weigh. Earlier approvals knew less, so they no longer count."""
        request = AssessmentRequest(
            customer_id=self._case.customer_id, tier=self._case.requested_tier, answer=answer
        )
        assessment: Assessment = await self._interruptible(
            workflow.execute_activity_method(
                KycActivities.assess, request, summary="Screen and weigh the findings", **VENDOR
            )
        )
        self._case.risk_score = assessment.risk_score
        self._case.reasons = assessment.reasons
        self._case.file = None if assessment.straight_through else assessment.file
        self._case.approvals = []
        self._case.has_senior_approval = False
        return assessment

    # The officers' part ----------------------------------------------------------------------

    async def _review(self) -> None:
        if self._due_at is None:
            self._due_at = workflow.now() + REVIEW_TIME
            self._show()
        decided = await self._until(
            lambda: self._decision is not None or self._hit is not None,
            until=None if self._case.is_escalated else self._due_at,
        )
        if self._hit is not None:
            await self._review_again()
        elif decided:
            await self._apply_decision()
        else:
            self._case.is_escalated = True
            self._show()

    async def _review_again(self) -> None:
        """A list changed while officers were looking."""
        self._hit = None
        await self._assess(CheckAnswer(outcome=VendorOutcome.CLEAR))
        await self._record([AuditAction(actor="system", action="kyc.screened_again")])

    async def _apply_decision(self) -> None:
        decision, case = self._decision, self._case
        assert decision is not None
        if decision.event is KycEvent.APPROVE:
            await self._clear_matches(decision.officer, decision.reason)
            self._grant(decision.tier or case.requested_tier, list(case.approvals))
        elif decision.event is KycEvent.ASK:
            case.question = decision.question
        else:
            case.officers = [decision.officer]
            case.reasons = [decision.reason_code]
        if decision.event is KycEvent.REJECT:
            case.tier = Tier.NONE
        await self._move(decision.event, actor=f"staff:{decision.officer}", reason=decision.reason)
        self._decision, self._applied = None, decision

    async def _clear_matches(self, officer: str, reason: str) -> None:
        if self._case.file is None or not self._case.file.matches:
            return
        cleared = ClearedMatches(
            customer_id=self._case.customer_id,
            matches=self._case.file.matches,
            officer=officer,
            reason=reason,
        )
        await self._store(KycActivities.clear_matches, cleared)

    def _grant(self, tier: Tier, officers: list[str]) -> None:
        self._case.tier = tier
        self._case.officers = officers
        self._case.approved_at = workflow.now()
        self._case.expires_at = workflow.now() + VALIDITY

    # The years after -------------------------------------------------------------------------

    async def _until_expiry_near(self) -> None:
        assert self._case.expires_at is not None
        if not await self._until(self._has_news, until=self._case.expires_at - EXPIRY_NOTICE):
            await self._move(KycEvent.EXPIRY_NEAR)
            await self._remind("expiry", f"{self._case.expires_at:%Y-%m-%d}")
            return
        await self._take_news()

    async def _until_expired(self) -> None:
        assert self._case.expires_at is not None
        if not await self._until(self._has_news, until=self._case.expires_at):
            self._case.tier = Tier.NONE
            await self._move(KycEvent.EXPIRE)
            return
        await self._take_news()

    async def _take_news(self) -> None:
        if self._submission is not None:
            await self._take_submission()
            return
        self._hit = None
        assessment = await self._assess(CheckAnswer(outcome=VendorOutcome.CLEAR))
        if assessment.file.matches:
            await self._move(KycEvent.REFER, actor="screening")

    # Freezing and leaving --------------------------------------------------------------------

    async def _stop_here(self) -> None:
        interruption, case = self._interruption, self._case
        assert interruption is not None
        if interruption.event is KycEvent.CLOSE:
            case.tier = Tier.NONE
            if case.approved_at is None:  # There was no business: nothing need be kept.
                await self._store(KycActivities.erase_personal_data, case.customer_id)
        else:
            case.frozen_from = case.state
            case.frozen_by = interruption.actor
        await self._move(interruption.event, actor=interruption.actor, reason=interruption.reason)
        self._interruption = None
        self._decision = None

    async def _until_unfrozen(self) -> None:
        await workflow.wait_condition(lambda: self._decision is not None or self._is_unfrozen)
        if self._decision is not None:
            await self._apply_decision()
            return
        case, actor, reason = self._case, self._unfrozen_by, self._unfrozen_because
        assert case.frozen_from is not None
        case.state, case.frozen_from = case.frozen_from, None
        await self._record(
            [AuditAction(actor=f"staff:{actor}", action="kyc.unfreeze", details={"reason": reason})]
        )
        self._is_unfrozen = False

    # Waiting and recording -------------------------------------------------------------------

    async def _until(self, condition: Callable[[], bool], *, until: datetime | None = None) -> bool:
        """Whether `condition` came true before `until`. What is urgent raises _InterruptedError.

        A tier that ends while its renewal is looked at ends all the same.
        """
        while not condition() or self._interruption is not None:
            if self._interruption is not None:
                raise _InterruptedError
            if until is not None and workflow.now() >= until:
                return False
            ends_at = self._tier_ends_at()
            if ends_at is not None and workflow.now() >= ends_at:
                self._case.tier = Tier.NONE
                await self._record([AuditAction(actor="system", action="kyc.tier_ended")])
                continue
            await self._sleep_until(condition, [m for m in (until, ends_at) if m is not None])
        return True

    async def _sleep_until(self, condition: Callable[[], bool], moments: list[datetime]) -> None:
        timeout = min(moments) - workflow.now() if moments else None
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: condition() or self._interruption is not None, timeout=timeout
            )

    def _tier_ends_at(self) -> datetime | None:
        """When to take the tier away; approved and expiring cases watch that themselves."""
        case = self._case
        if case.tier is Tier.NONE or case.state in {KycState.APPROVED, KycState.EXPIRING}:
            return None
        return case.expires_at

    async def _interruptible(self, call: Awaitable[T]) -> T:
        """For calls that may take days. Never for those that write: a freeze would race them."""
        task = asyncio.ensure_future(call)
        try:
            await self._until(task.done)
        except _InterruptedError:
            task.cancel()
            raise
        return task.result()

    async def _remind(self, about: str, key: str) -> None:
        reminder = Reminder(customer_id=self._case.customer_id, about=about, key=key)
        await self._store(KycActivities.remind, reminder)

    async def _move(self, event: KycEvent, actor: str = "system", reason: str = "") -> None:
        before = self._case.state
        self._case.state = next_state(before, event)
        if self._case.state is not KycState.MANUAL_REVIEW:
            self._case.is_escalated = False
            self._due_at = None
        if self._case.state not in {KycState.MANUAL_REVIEW, KycState.FROZEN}:
            self._case.file = None
            self._case.approvals = []
        details = {"from": str(before), "to": str(self._case.state)}
        if reason:
            details["reason"] = reason
        await self._record([AuditAction(actor=actor, action=f"kyc.{event}", details=details)])

    async def _record(self, actions: list[AuditAction]) -> None:
        case = self._case
        frozen = case.state is KycState.FROZEN
        record = KycRecord(
            **case.model_dump(include=set(KycRecord.model_fields) - {"tier", "at", "actions"}),
            tier=Tier.NONE if frozen else case.tier,
            at=workflow.now(),
            actions=actions,
        )
        await self._store(KycActivities.record, record)
        self._show()

    async def _store(self, method: Any, argument: Any) -> None:
        await workflow.execute_activity_method(method, argument, **STORE)
