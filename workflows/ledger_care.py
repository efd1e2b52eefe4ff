"""The ledger's upkeep, on schedules: holds expire, and what was posted is sealed.

The newest seal is this workflow's result, and every run gets the result of the one before it: so
it is remembered where the database's owner does not reach. Whoever rewrites the ledger's past, with
all its hashes, meets a seal that does not fit, and every withdrawal stands still.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.ledger_care import LedgerCareActivities, SealWord
    from workflows import search_attributes as attributes
    from workflows.reconciliation import BreakInput, BreakWorkflow

LEDGER_QUEUE = "ledger"
_TIMEOUT = timedelta(minutes=5)
_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=20,  # The next scheduled run comes anyway.
)


@workflow.defn
class ExpireHoldsWorkflow:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity_method(
            LedgerCareActivities.expire_holds,
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=_TIMEOUT,
            heartbeat_timeout=timedelta(minutes=1),
            retry_policy=_RETRY,
            summary="Release holds whose time has passed",
        )


@workflow.defn
class SealLedgerWorkflow:
    @workflow.run
    async def run(self, chain: str) -> SealWord | None:
        """`chain`: whose worker stops withdrawals should the past have been rewritten."""
        remembered = workflow.get_last_completion_result(SealWord)
        sealed = await workflow.execute_activity_method(
            LedgerCareActivities.seal_ledger,
            remembered,
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=_TIMEOUT,
            retry_policy=_RETRY,
            summary="Seal what was posted since the last seal",
        )
        if sealed.is_rewritten:
            assert remembered is not None
            await self._stop_everything(chain, remembered)
        return sealed.newest

    async def _stop_everything(self, chain: str, remembered: SealWord) -> None:
        what = f"seal {remembered.number} was {remembered.hash}, and is not any more"
        workflow.set_current_details(f"### The ledger's past was rewritten\n\n- {what}")
        workflow.upsert_search_attributes([attributes.STATE.value_set("rewritten")])
        try:
            await workflow.start_child_workflow(
                BreakWorkflow.run,
                BreakInput("*", chain, [what]),
                id="break/*",
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            return  # Staff have one on their desk already.
