"""When all customers are screened anew: on a schedule, and on news of a list."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from workflows.kyc import COMPLIANCE_QUEUE
from workflows.rescreening import RescreeningInput, RescreeningWorkflow

LISTS_CHANGED = "rescreening/lists-changed"
SCHEDULE_ID = "rescreening"


async def rescreen_now(client: Client, reason: str) -> None:
    """Start, or have the run that is under way go round once more."""
    await client.start_workflow(
        RescreeningWorkflow.run,
        RescreeningInput(reason=reason),
        id=LISTS_CHANGED,
        task_queue=COMPLIANCE_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="lists_changed",
        static_summary="All customers against the lists",
    )


async def ensure_rescreening(client: Client, every: timedelta) -> None:
    """The schedule, if there is none: staff may have changed it, and that stays."""
    action = ScheduleActionStartWorkflow(
        RescreeningWorkflow.run,
        RescreeningInput(),
        id="rescreening/scheduled",
        task_queue=COMPLIANCE_QUEUE,
    )
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=12))
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)], jitter=every / 10)
    try:
        await client.create_schedule(SCHEDULE_ID, Schedule(action=action, spec=spec, policy=policy))
    except ScheduleAlreadyRunningError:
        return
