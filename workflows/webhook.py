"""One webhook delivery: tried for three days, then given up."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import WebhookActivities, WebhookStep

WEBHOOKS_QUEUE = "webhooks"
TRIED_FOR = timedelta(days=3)
_ATTEMPT_TIMEOUT = timedelta(minutes=1)
_AGAIN = RetryPolicy(
    initial_interval=timedelta(seconds=5),
    backoff_coefficient=3.0,
    maximum_interval=timedelta(hours=1),
)
"""5 s, 15 s, 45 s, 2 min, 7 min, 20 min, then every hour: who was away for a night gets all of it
within the hour in which they are back.
"""


@workflow.defn
class WebhookWorkflow:
    @workflow.run
    async def run(self, step: WebhookStep) -> str:
        try:
            return await workflow.execute_activity_method(
                WebhookActivities.attempt,
                step,
                start_to_close_timeout=_ATTEMPT_TIMEOUT,
                schedule_to_close_timeout=TRIED_FOR,
                retry_policy=_AGAIN,
            )
        except ActivityError:
            await workflow.execute_activity_method(
                WebhookActivities.give_up, step, start_to_close_timeout=_ATTEMPT_TIMEOUT
            )
            return "given up"


async def start_webhook(client: Client, delivery_id: int) -> None:
    """Start its workflow; started before, it stays as it is."""
    await client.start_workflow(
        WebhookWorkflow.run,
        WebhookStep(delivery_id=delivery_id),
        id=f"webhook/{delivery_id}",
        task_queue=WEBHOOKS_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Webhook delivery {delivery_id}",
    )
