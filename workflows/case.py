"""A case: what monitoring found about a customer, until officers have said what it is.

One open case a customer, `case/{customer_id}`; later alerts join it. Ends with an outcome and a
reason, both written down.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.case_messages import CaseAlert, CaseRecord
    from activities.kyc_messages import AuditAction
    from activities.monitoring import MonitoringActivities
    from compliance.cases import (
        OUTCOMES,
        approvals_needed,
        case_risk,
    )
    from compliance.staff import Role
    from workflows import search_attributes as search
    from workflows.case_details import current_details
    from workflows.kyc import COMPLIANCE_QUEUE, KycWorkflow
    from workflows.kyc_messages import FreezeRequest, KycCase
    from workflows.staff import StaffAction, StaffAnswer, refuse, require_officer, require_reason

REVIEW_TIME = timedelta(hours=48)
_NOTES_MAX = 50
_STORE: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(seconds=10)),
    "task_queue": COMPLIANCE_QUEUE,
}


class Case(BaseModel):
    """Everything the workflow knows; what continue-as-new carries on."""

    customer_id: int
    alerts: list[CaseAlert] = Field(default_factory=list)
    id: str = ""
    opened_at: datetime | None = None
    due_at: datetime | None = None
    is_escalated: bool = False
    is_frozen: bool = False
    outcome: str = ""
    reason: str = ""
    closers: list[str] = Field(default_factory=list)
    """Who said that outcome, until there are enough."""
    has_senior: bool = False
    notes: list[str] = Field(default_factory=list)

    @property
    def risk_score(self) -> int:
        return case_risk([alert.score for alert in self.alerts])


class CloseCase(StaffAction):
    outcome: str = ""


@workflow.defn(name="CaseWorkflow")
class CaseWorkflow:
    @workflow.init
    def __init__(self, case: Case) -> None:
        self._case = case
        self._unwritten: list[AuditAction] = []
        self._is_closed = False

    @workflow.run
    async def run(self, case: Case) -> str:
        if case.opened_at is None:
            case.id = f"case/{case.customer_id}/{workflow.info().run_id}"
            case.opened_at = workflow.now()
            case.due_at = workflow.now() + REVIEW_TIME
            self._unwritten.append(AuditAction(actor="monitoring", action="case.opened"))
        while not self._is_closed:
            await self._write_down()
            if workflow.info().is_continue_as_new_suggested() and not self._unwritten:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(case)
            await self._wait()
        await self._write_down()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return case.outcome

    @workflow.signal(description="Monitoring found more about this customer.")
    def alerted(self, alerts: list[CaseAlert]) -> None:
        known = {alert.id for alert in self._case.alerts}
        new = [alert for alert in alerts if alert.id not in known]
        self._case.alerts += new
        self._unwritten += [
            AuditAction(actor="monitoring", action="case.alert", details={"alert": alert.id})
            for alert in new
        ]

    # Staff -----------------------------------------------------------------------------------

    @workflow.update(
        description='End it. {"outcome": "no_concern", "reason": "at least 10 characters"}'
    )
    async def close(self, action: CloseCase) -> StaffAnswer:
        case = self._case
        if action.outcome != case.outcome:
            case.outcome, case.closers, case.has_senior = action.outcome, [], False
        case.closers.append(action.officer)
        case.has_senior |= action.role == Role.SENIOR_COMPLIANCE
        case.reason = action.reason
        needed = approvals_needed(case.outcome, case.risk_score)
        self._note(action, f"close as {action.outcome}")
        if len(case.closers) < needed:
            return await self._written("Your word counts. Another officer must say so, too.")
        self._is_closed = True
        return await self._written(f"Closed: {case.outcome}.")

    @close.validator
    def _may_close(self, action: CloseCase) -> None:
        self._check(action)
        case = self._case
        if action.outcome not in OUTCOMES:
            raise refuse(f"outcome: one of {', '.join(OUTCOMES)}", "BadOutcome")
        is_same = action.outcome == case.outcome
        if is_same and action.officer in case.closers:
            raise refuse("you said so already: a second officer is needed", "FourEyes")
        said = len(case.closers) + 1 if is_same else 1
        senior = (is_same and case.has_senior) or action.role == Role.SENIOR_COMPLIANCE
        is_last = said >= approvals_needed(action.outcome, case.risk_score)
        if case.is_escalated and is_last and not senior:
            raise refuse("this case is escalated: a senior officer must close it", "SeniorNeeded")

    @workflow.update(description='Hand to a senior officer. {"reason": "at least 10 characters"}')
    async def escalate(self, action: StaffAction) -> StaffAnswer:
        self._case.is_escalated = True
        self._note(action, "escalate")
        return await self._written("Escalated: a senior officer must close it now.")

    @escalate.validator
    def _may_escalate(self, action: StaffAction) -> None:
        self._check(action)
        if self._case.is_escalated:
            raise refuse("this case is escalated already")

    @workflow.update(description='Stop the account at once. {"reason": "at least 10 characters"}')
    async def freeze(self, action: StaffAction) -> StaffAnswer:
        await self._freeze(f"staff:{action.officer}", action.reason)
        self._case.is_frozen = True
        self._note(action, "freeze")
        return await self._written("Frozen. A senior officer can unfreeze it in the KYC case.")

    @freeze.validator
    def _may_freeze(self, action: StaffAction) -> None:
        self._check(action)
        if self._case.is_frozen:
            raise refuse("this account was frozen from this case already")

    @workflow.update(description='Keep what you learned. {"reason": "your note"}')
    async def add_note(self, action: StaffAction) -> StaffAnswer:
        self._note(action, "note")
        return await self._written("Noted.")

    @add_note.validator
    def _may_note(self, action: StaffAction) -> None:
        self._check(action)
        if len(self._case.notes) >= _NOTES_MAX:
            raise refuse("this case is full of notes", "TooManyNotes")

    @workflow.query(description="The case; it names nobody.")
    def status(self) -> Case:
        return self._case

    # Shared ----------------------------------------------------------------------------------

    def _check(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._is_closed:
            raise refuse(f"this case was closed as {self._case.outcome}")

    def _note(self, action: StaffAction, did: str) -> None:
        self._case.notes.append(
            f"{workflow.now():%Y-%m-%d %H:%M} {action.officer}, {did}: {action.reason}"
        )
        self._unwritten.append(
            AuditAction(
                actor=f"staff:{action.officer}",
                action=f"case.{did.partition(' ')[0]}",
                details={"reason": action.reason, "what": did},
            )
        )

    async def _freeze(self, actor: str, why: str) -> None:
        """Through the customer's KYC workflow, which alone freezes; it is begun if need be."""
        workflow_id = f"kyc/{self._case.customer_id}"
        request = FreezeRequest(source=actor, reason=why)
        running = workflow.get_external_workflow_handle_for(KycWorkflow.run, workflow_id)
        try:
            await running.signal(KycWorkflow.freeze_now, request)
        except ApplicationError:
            begun = await workflow.start_child_workflow(
                KycWorkflow.run,
                KycCase(customer_id=self._case.customer_id),
                id=workflow_id,
                task_queue=COMPLIANCE_QUEUE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"KYC of customer {self._case.customer_id}",
            )
            await begun.signal(KycWorkflow.freeze_now, request)

    async def _wait(self) -> None:
        """For a word or an alert; when it is due, seniors see it too."""
        case = self._case
        assert case.due_at is not None
        timeout = None if case.is_escalated else max(timedelta(0), case.due_at - workflow.now())
        try:
            await workflow.wait_condition(
                lambda: bool(self._unwritten), timeout=timeout, timeout_summary="Review is due"
            )
        except TimeoutError:
            case.is_escalated = True
            self._unwritten.append(AuditAction(actor="system", action="case.overdue"))

    async def _written(self, message: str) -> StaffAnswer:
        """Answer only when it is in the database: what the officer reads is then true."""
        await workflow.wait_condition(lambda: not self._unwritten)
        state = "closed" if self._is_closed else "open"
        return StaffAnswer(state=state, message=message)

    async def _write_down(self) -> None:
        case = self._case
        assert case.opened_at is not None
        actions = list(self._unwritten)
        references = [f"kyc/{case.customer_id}"]
        for alert in case.alerts:
            references += [f"alert/{alert.id}", *alert.references]
        record = CaseRecord(
            id=case.id,
            customer_id=case.customer_id,
            state="closed" if self._is_closed else "open",
            risk_score=case.risk_score,
            outcome=case.outcome if self._is_closed else None,
            reason=case.reason if self._is_closed else "",
            officers=case.closers,
            opened_at=case.opened_at,
            closed_at=workflow.now() if self._is_closed else None,
            at=workflow.now(),
            alert_ids=[alert.id for alert in case.alerts],
            references=list(dict.fromkeys(references)),
            actions=actions,
        )
        await workflow.execute_activity_method(MonitoringActivities.record, record, **_STORE)
        del self._unwritten[: len(actions)]
        self._show()

    def _show(self) -> None:
        case = self._case
        needs_human = not self._is_closed
        queue = "senior" if case.is_escalated else "compliance"
        assert case.due_at is not None
        workflow.set_current_details(current_details(case, is_closed=self._is_closed))
        workflow.upsert_search_attributes(
            [
                search.STATE.value_set("open" if needs_human else "closed"),
                search.CUSTOMER_ID.value_set(str(case.customer_id)),
                search.RISK_SCORE.value_set(case.risk_score),
                search.NEEDS_HUMAN.value_set(needs_human),
                search.QUEUE.value_set(queue) if needs_human else search.QUEUE.value_unset(),
                search.DUE_AT.value_set(case.due_at)
                if needs_human
                else search.DUE_AT.value_unset(),
            ]
        )
