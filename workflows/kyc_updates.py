"""What may be sent to a KYC workflow: by the customer, by other workflows, by staff in the UI.

Handlers only put down what was asked; the run applies it. Validators answer with a sentence.
"""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from compliance.kyc import COLLECTING, ENDED, KycEvent, KycState, approvals_needed
    from compliance.staff import Role
    from compliance.tiers import Tier
    from workflows import search_attributes as search
    from workflows.kyc_details import current_details
    from workflows.kyc_messages import (
        ApproveKyc,
        Closing,
        Decision,
        FreezeRequest,
        Interruption,
        KycCase,
        KycStatus,
        RejectKyc,
        RequestInfo,
        ScreeningHit,
        Submission,
    )
    from workflows.staff import StaffAction, StaffAnswer, refuse, require_officer, require_reason

_NOTES_MAX = 50
_QUESTION_LENGTH_MIN = 10
_OVER = {KycState.REJECTED, KycState.CLOSED}
_RENEWABLE = {KycState.APPROVED, KycState.EXPIRING}


class KycUpdates:
    """The inbox of the workflow. `KycWorkflow` is the run that empties it."""

    def __init__(self, case: KycCase) -> None:
        self._case = case
        self._submission: Submission | None = None
        self._decision: Decision | None = None
        self._applied: Decision | None = None
        self._hit: ScreeningHit | None = None
        self._interruption: Interruption | None = None
        self._nudges = 0
        self._is_unfrozen = False
        self._unfrozen_by = ""
        self._unfrozen_because = ""
        self._due_at: datetime | None = None

    def _has_news(self) -> bool:
        return self._submission is not None or self._hit is not None

    # The customer ----------------------------------------------------------------------------

    @workflow.update(description="The customer handed in profile and documents.")
    async def submit(self, submission: Submission) -> KycStatus:
        self._submission = submission
        await workflow.wait_condition(
            lambda: self._submission is None or self._interruption is not None
        )
        return self.status()

    @submit.validator
    def _may_submit(self, submission: Submission) -> None:
        case = self._case
        renews = case.state in _RENEWABLE and (
            submission.requested_tier > case.tier or case.state is KycState.EXPIRING
        )
        # An update that starts the workflow is validated before the first line of the run.
        if case.state not in COLLECTING | {KycState.NOT_STARTED} and not renews:
            raise refuse(f"your application is {case.state}: there is nothing to send now")
        if self._submission is not None or self._interruption is not None:
            raise refuse("your application was sent a moment ago")
        if submission.requested_tier is Tier.NONE:
            raise refuse("ask for tier 1, 2 or 3", "BadTier")

    @workflow.update(
        description="The customer leaves; personal data goes as far as the law lets it."
    )
    async def close_account(self, closing: Closing) -> KycStatus:
        self._interruption = Interruption(
            event=KycEvent.CLOSE,
            actor=f"customer:{self._case.customer_id}",
            reason=closing.reason,
        )
        await workflow.wait_condition(lambda: self._interruption is None)
        return self.status()

    @close_account.validator
    def _may_close(self, closing: Closing) -> None:  # noqa: ARG002 - a validator has the signature of its update
        if self._case.state is KycState.FROZEN:
            raise refuse("your account is under review and cannot be closed now")
        if self._case.state in ENDED:
            raise refuse(f"your account is {self._case.state} already")
        self._refuse_when_interrupted()

    # Other parts of the exchange -------------------------------------------------------------

    @workflow.signal(description="The vendor's webhook: ask now. Carries no verdict.")
    def vendor_result(self, check_id: str) -> None:
        if check_id == self._case.check_id:
            self._nudges += 1

    @workflow.signal(description="A re-screening found this customer on a list.")
    def screening_hit(self, hit: ScreeningHit) -> None:
        if hit.is_certain:
            self.freeze_now(FreezeRequest(source="screening", reason=f"on list {hit.list_name}"))
        else:
            self._hit = hit

    @workflow.signal(description="Another workflow of ours demands a freeze.")
    def freeze_now(self, request: FreezeRequest) -> None:
        if self._case.state not in {KycState.FROZEN, *_OVER} and self._interruption is None:
            self._interruption = Interruption(
                event=KycEvent.FREEZE, actor=request.source, reason=request.reason
            )

    # Staff -----------------------------------------------------------------------------------

    @workflow.update(description='Approve. {"reason": "at least 10 characters", "tier": 1}')
    async def approve(self, action: ApproveKyc) -> StaffAnswer:
        case = self._case
        case.approvals.append(action.officer)
        case.has_senior_approval |= action.role == Role.SENIOR_COMPLIANCE
        self._note(action, "approved")
        needed = approvals_needed(self._tier(action), case.risk_score)
        if len(case.approvals) < needed:
            return self._answer("Your approval counts. Another officer must approve, too.")
        decision = self._decide(KycEvent.APPROVE, action, tier=self._tier(action))
        return await self._when_applied(decision, f"Approved: tier {int(self._tier(action))}.")

    @approve.validator
    def _may_approve(self, action: ApproveKyc) -> None:
        self._check_review(action)
        case = self._case
        if action.tier is not None and not 1 <= action.tier <= case.requested_tier:
            raise refuse(
                f"tier: the customer asked for tier {int(case.requested_tier)}; "
                f"give a number from 1 to {int(case.requested_tier)} or leave it out",
                "BadTier",
            )
        if action.officer in case.approvals:
            raise refuse("you already approved: a second officer is needed", "FourEyes")
        last = len(case.approvals) + 1 >= approvals_needed(self._tier(action), case.risk_score)
        senior = case.has_senior_approval or action.role == Role.SENIOR_COMPLIANCE
        if case.is_escalated and last and not senior:
            raise refuse("this case is escalated: a senior officer must approve it", "SeniorNeeded")

    @workflow.update(
        description='Reject. {"reason": "...", "reason_code": "document_forged", "final": false}'
    )
    async def reject(self, action: RejectKyc) -> StaffAnswer:
        event = KycEvent.REJECT if self._is_final(action) else KycEvent.REJECT_FOR_NOW
        self._note(action, "rejected")
        decision = self._decide(event, action, reason_code=action.reason_code)
        return await self._when_applied(decision, "Rejected.")

    @reject.validator
    def _may_reject(self, action: RejectKyc) -> None:
        if self._case.state is KycState.FROZEN:
            require_officer(action)
            require_reason(action)
            self._refuse_when_deciding()
        else:
            self._check_review(action)

    @workflow.update(
        description='Ask the customer. {"question": "...", "reason": "at least 10 characters"}'
    )
    async def request_info(self, action: RequestInfo) -> StaffAnswer:
        self._note(action, "asked the customer")
        decision = self._decide(KycEvent.ASK, action, question=action.question)
        return await self._when_applied(decision, "The customer sees your question.")

    @request_info.validator
    def _may_ask(self, action: RequestInfo) -> None:
        self._check_review(action)
        if len(action.question.strip()) < _QUESTION_LENGTH_MIN:
            raise refuse("question: write what the customer should send or explain", "BadQuestion")

    @workflow.update(description='Hand to a senior officer. {"reason": "at least 10 characters"}')
    async def escalate(self, action: StaffAction) -> StaffAnswer:
        self._case.is_escalated = True
        self._note(action, "escalated")
        return self._answer("Escalated: a senior officer must approve now.")

    @escalate.validator
    def _may_escalate(self, action: StaffAction) -> None:
        self._check_review(action)
        if self._case.is_escalated:
            raise refuse("this case is escalated already")

    @workflow.update(description='Stop the account at once. {"reason": "at least 10 characters"}')
    async def freeze(self, action: StaffAction) -> StaffAnswer:
        self._note(action, "froze")
        self._interruption = Interruption(
            event=KycEvent.FREEZE, actor=f"staff:{action.officer}", reason=action.reason
        )
        await workflow.wait_condition(lambda: self._interruption is None)
        return self._answer("Frozen.")

    @freeze.validator
    def _may_freeze(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._case.state is KycState.FROZEN or self._case.state in ENDED:
            raise refuse(f"this account is {self._case.state} already")
        self._refuse_when_interrupted()

    @workflow.update(
        description='Senior officers: let it go on. {"reason": "at least 10 characters"}'
    )
    async def unfreeze(self, action: StaffAction) -> StaffAnswer:
        self._note(action, "unfroze")
        self._unfrozen_by, self._unfrozen_because = action.officer, action.reason
        self._is_unfrozen = True
        await workflow.wait_condition(lambda: not self._is_unfrozen)
        return self._answer("Unfrozen.")

    @unfreeze.validator
    def _may_unfreeze(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._case.state is not KycState.FROZEN:
            raise refuse(f"this account is not frozen: it is {self._case.state}")
        if self._case.frozen_by == f"staff:{action.officer}":
            raise refuse("you froze it: another senior officer must unfreeze", "FourEyes")
        self._refuse_when_deciding()

    @workflow.update(description='Keep what you learned. {"reason": "your note"}')
    async def add_note(self, action: StaffAction) -> StaffAnswer:
        self._note(action, "noted")
        return self._answer("Noted.")

    @add_note.validator
    def _may_note(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if len(self._case.notes) >= _NOTES_MAX:
            raise refuse("this case is full of notes", "TooManyNotes")

    # Reading ---------------------------------------------------------------------------------

    @workflow.query(description="State, tier and reasons; nothing that names the customer.")
    def status(self) -> KycStatus:
        return KycStatus(**self._case.model_dump(include=set(KycStatus.model_fields)))

    def _show(self) -> None:
        """Bring the UI up to date: what staff read, and what their saved views filter on."""
        case = self._case
        needs_human = case.state in {KycState.MANUAL_REVIEW, KycState.FROZEN}
        queue = "senior" if case.is_escalated else "compliance"
        workflow.set_current_details(current_details(case, self._due_at))
        workflow.upsert_search_attributes(
            [
                search.STATE.value_set(str(case.state)),
                search.CUSTOMER_ID.value_set(str(case.customer_id)),
                search.RISK_SCORE.value_set(case.risk_score),
                search.NEEDS_HUMAN.value_set(needs_human),
                search.QUEUE.value_set(queue) if needs_human else search.QUEUE.value_unset(),
                search.DUE_AT.value_set(self._due_at)
                if self._due_at
                else search.DUE_AT.value_unset(),
            ]
        )

    # Shared ----------------------------------------------------------------------------------

    def _check_review(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._case.state is not KycState.MANUAL_REVIEW:
            raise refuse(f"this case is not waiting for a decision: it is {self._case.state}")
        self._refuse_when_deciding()

    def _refuse_when_deciding(self) -> None:
        if self._decision is not None or self._is_unfrozen:
            raise refuse("another officer's decision is being recorded; look again in a moment")
        self._refuse_when_interrupted()

    def _refuse_when_interrupted(self) -> None:
        if self._interruption is not None:
            raise refuse("this case is being frozen or closed at this moment")

    def _decide(
        self,
        event: KycEvent,
        action: StaffAction,
        *,
        tier: Tier | None = None,
        question: str = "",
        reason_code: str = "",
    ) -> Decision:
        self._decision = Decision(
            event=event,
            officer=action.officer,
            reason=action.reason,
            tier=tier,
            question=question,
            reason_code=reason_code,
        )
        return self._decision

    async def _when_applied(self, decision: Decision, message: str) -> StaffAnswer:
        """Answer only when the decision is in the database: what the officer reads is then true."""
        await workflow.wait_condition(lambda: self._decision is not decision)
        if self._applied is not decision:
            return self._answer("Not done: the account was frozen or closed at the same moment.")
        return self._answer(message)

    def _answer(self, message: str) -> StaffAnswer:
        self._show()
        return StaffAnswer(state=str(self._case.state), message=message)

    def _note(self, action: StaffAction, did: str) -> None:
        moment = f"{workflow.now():%Y-%m-%d %H:%M}"
        self._case.notes.append(f"{moment} {action.officer} {did}: {action.reason}")

    def _tier(self, action: ApproveKyc) -> Tier:
        return self._case.requested_tier if action.tier is None else Tier(action.tier)

    def _is_final(self, action: RejectKyc) -> bool:
        return action.final or self._case.state is KycState.FROZEN
