"""Watches what customers move, minute by minute, and opens cases for what the rules find."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import (
    RetryPolicy,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.case_messages import CustomerAlerts
    from activities.monitoring import MonitoringActivities
    from workflows import search_attributes as search
    from workflows.case import Case, CaseWorkflow
    from workflows.kyc import COMPLIANCE_QUEUE

WORKFLOW_ID = "monitoring/movements"
_FIRST_LOOK = timedelta(days=1)
_WATCH: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=5),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(minutes=1)),
    "task_queue": COMPLIANCE_QUEUE,
}


class Watch(BaseModel):
    every_seconds: float = 60.0
    since: datetime | None = None
    """Carried on, so that an outage of any length leaves no gap."""


@workflow.defn(name="MonitoringWorkflow")
class MonitoringWorkflow:
    @workflow.run
    async def run(self, watch: Watch) -> None:
        since = watch.since or workflow.now() - _FIRST_LOOK
        while not workflow.info().is_continue_as_new_suggested():
            watched = await workflow.execute_activity_method(
                MonitoringActivities.watch, since, summary="Weigh who moved coins", **_WATCH
            )
            for found in watched.found:
                await self._open(found)
            since = watched.until
            await workflow.sleep(watch.every_seconds)
        workflow.continue_as_new(Watch(every_seconds=watch.every_seconds, since=since))

    async def _open(self, found: CustomerAlerts) -> None:
        """A new case, or more for the one that is open; one that ends just now is seen next time:
        its alerts stay without a case until then.
        """
        case_id = f"case/{found.customer_id}"
        try:
            await workflow.start_child_workflow(
                CaseWorkflow.run,
                Case(customer_id=found.customer_id, alerts=found.alerts),
                id=case_id,
                task_queue=COMPLIANCE_QUEUE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                static_summary=f"Case about customer {found.customer_id}",
                search_attributes=TypedSearchAttributes(
                    [SearchAttributePair(search.CUSTOMER_ID, str(found.customer_id))]
                ),
            )
        except WorkflowAlreadyStartedError:
            handle = workflow.get_external_workflow_handle_for(CaseWorkflow.run, case_id)
            try:
                await handle.signal(CaseWorkflow.alerted, found.alerts)
            except ApplicationError:
                workflow.logger.info("the case ended meanwhile", extra={"case_id": case_id})


async def ensure_monitoring(client: Client, every_seconds: float) -> None:
    await client.start_workflow(
        MonitoringWorkflow.run,
        Watch(every_seconds=every_seconds),
        id=WORKFLOW_ID,
        task_queue=COMPLIANCE_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="Watches what customers move",
    )
