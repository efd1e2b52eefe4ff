"""All customers against the lists: every day by a schedule, and whenever a list was changed.

Whoever is found is told to their KYC workflow, which freezes or refers; nothing is decided here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.rescreening import RescreeningActivities
    from activities.rescreening_messages import RescreenHit, RescreeningDone
    from workflows.kyc import COMPLIANCE_QUEUE, KycWorkflow
    from workflows.kyc_messages import ScreeningHit

_PAGE: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=2),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(minutes=1)),
    "task_queue": COMPLIANCE_QUEUE,
}


class RescreeningInput(BaseModel):
    reason: str = "schedule"
    after_customer_id: int = 0
    names: int = 0
    hits: int = 0
    again: bool = False
    """A list changed in the middle of the round."""


class Rescreened(BaseModel):
    names: int
    hits: int


@workflow.defn(name="RescreeningWorkflow")
class RescreeningWorkflow:
    @workflow.init
    def __init__(self, begun: RescreeningInput) -> None:
        self._so_far = begun
        self._again = begun.again

    @workflow.run
    async def run(self, _: RescreeningInput) -> Rescreened:
        while True:
            if self._so_far.after_customer_id == 0:
                self._again = False  # What was loaded before a round began is in all of it.
            while await self._page():
                if workflow.info().is_continue_as_new_suggested():
                    self._so_far.again = self._again
                    workflow.continue_as_new(self._so_far)
            await self._write_down()
            if not self._again:
                return Rescreened(names=self._so_far.names, hits=self._so_far.hits)
            # A list changed meanwhile: those who were screened before the change come again.
            self._so_far = RescreeningInput(reason="lists changed")

    @workflow.signal(description="A list was loaded: screen all of them once more.")
    def lists_changed(self) -> None:
        self._again = True

    async def _page(self) -> bool:
        so_far = self._so_far
        page = await workflow.execute_activity_method(
            RescreeningActivities.page,
            so_far.after_customer_id,
            summary=f"Screen customers after {so_far.after_customer_id}",
            **_PAGE,
        )
        for hit in page.hits:
            await self._tell(hit)
        so_far.after_customer_id = page.last_customer_id
        so_far.names += page.names
        so_far.hits += len(page.hits)
        return bool(page.names > 0)

    async def _tell(self, hit: RescreenHit) -> None:
        handle = workflow.get_external_workflow_handle_for(
            KycWorkflow.run, f"kyc/{hit.customer_id}"
        )
        found = ScreeningHit(list_name=hit.list_name, score=hit.score, is_certain=hit.is_certain)
        try:
            await handle.signal(KycWorkflow.screening_hit, found)
        except ApplicationError:
            # Their case ended: refused, closed or not begun. A new one screens before it decides.
            workflow.logger.info("no running case", extra={"customer_id": hit.customer_id})

    async def _write_down(self) -> None:
        info = workflow.info()
        done = RescreeningDone(
            run=f"{info.workflow_id}:{info.run_id}:{self._so_far.reason}",
            reason=self._so_far.reason,
            names=self._so_far.names,
            hits=self._so_far.hits,
        )
        await workflow.execute_activity_method(RescreeningActivities.done, done, **_PAGE)
