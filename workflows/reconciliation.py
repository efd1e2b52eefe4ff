"""Engine, ledger and chains compared every few minutes. Broken twice in a row halts withdrawals.

A break is a workflow of its own, `break/{asset}`, that stays open until staff clear it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.engine_tie import EngineDifference, EngineTieActivities
    from activities.reconciliation import (
        Broken,
        Reconcile,
        Reconciled,
        ReconciliationActivities,
        ResumeAsset,
        StopAsset,
    )
    from workflows import search_attributes as attributes
    from workflows.staff import StaffAction, StaffAnswer, refuse, require_officer, require_reason

ENGINE_QUEUE = "engine"
_TIMEOUT = timedelta(minutes=2)
_WHAT_MAX = 50
"""Differences told to staff; a broken journal could have a hundred thousand."""
# Tips move and nodes restart; the next scheduled run comes anyway.
_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=2),
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=8,
)
_STOP_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)
)
_BREAK_DUE = timedelta(hours=1)


@dataclass
class ReconciliationInput:
    chains: list[str]
    engine: bool = False
    """Also compare the matching engine's open orders with the ledger's."""
    second_look_seconds: int = 20
    """Time for what is under way to settle; a true break is still there afterwards."""

    @property
    def second_look(self) -> timedelta:
        return timedelta(seconds=self.second_look_seconds)


@dataclass
class BreakInput:
    asset: str
    chain: str
    what: list[str]


@workflow.defn
class ReconciliationWorkflow:
    @workflow.run
    async def run(self, reconciliation: ReconciliationInput) -> str:
        lines: list[str] = []
        broken: list[Broken] = []
        for chain in reconciliation.chains:
            found = await self._reconcile(chain, "first")
            if found.broken:
                await workflow.sleep(reconciliation.second_look, summary="Look a second time")
                found = await self._reconcile(chain, "second")
            lines += found.lines
            for asset in sorted({each.asset for each in found.broken}):
                what = [each.what for each in found.broken if each.asset == asset]
                await self._open_break(BreakInput(asset, chain, what))
            lines += [f"**broken:** {each.what}" for each in found.broken]
            broken += found.broken
            self._show(lines, is_broken=bool(broken))
        if reconciliation.engine:
            differences = await self._compare_engine(lines, reconciliation.second_look)
            self._show(lines, is_broken=bool(broken or differences))
        return "\n".join(lines)

    async def _compare_engine(
        self, lines: list[str], second_look: timedelta
    ) -> list[EngineDifference]:
        """Open a break for each asset that orders hold differently; tell in `lines`."""
        differences = await self._tie_engine()
        if differences:
            await workflow.sleep(second_look, summary="Look at the engine a second time")
            differences = await self._tie_engine()
        if differences is None:
            lines.append("engine: nobody answered beside its journal; the next run looks again")
            return []
        by_asset: dict[tuple[str, str], list[str]] = {}
        for each in differences:
            by_asset.setdefault((each.asset, each.chain), []).append(each.what)
        for (asset, chain), what in sorted(by_asset.items()):
            await self._open_break(BreakInput(asset, chain, what[:_WHAT_MAX]))
        lines += [f"**broken:** {each.what}" for each in differences[:_WHAT_MAX]]
        if not differences:
            lines.append("engine: the same open orders as the ledger, with the same sizes")
        return differences

    async def _tie_engine(self) -> list[EngineDifference] | None:
        """None when it could not be compared: the next scheduled run comes anyway."""
        try:
            return await workflow.execute_activity_method(
                EngineTieActivities.tie_engine,
                task_queue=ENGINE_QUEUE,
                start_to_close_timeout=_TIMEOUT,
                schedule_to_close_timeout=_TIMEOUT * 2,
                retry_policy=_RETRY,
                summary="Compare the engine with the ledger",
            )
        except ActivityError:
            return None

    async def _reconcile(self, chain: str, look: str) -> Reconciled:
        info = workflow.info()
        return await workflow.execute_activity_method(
            ReconciliationActivities.reconcile,
            Reconcile(run_id=f"{info.workflow_id}/{info.run_id}/{look}", chain=chain),
            task_queue=chain,
            start_to_close_timeout=_TIMEOUT,
            retry_policy=_RETRY,
            summary=f"Compare {chain} with the books",
        )

    async def _open_break(self, broken: BreakInput) -> None:
        try:
            await workflow.start_child_workflow(
                BreakWorkflow.run,
                broken,
                id=f"break/{broken.asset}",
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            return  # Staff have it on their desk already.

    def _show(self, lines: list[str], *, is_broken: bool) -> None:
        heading = "### Reconciliation: " + ("BROKEN" if is_broken else "clean")
        workflow.set_current_details("\n".join([heading, "", *(f"- {line}" for line in lines)]))
        workflow.upsert_search_attributes(
            [attributes.STATE.value_set("broken" if is_broken else "clean")]
        )


@workflow.defn
class BreakWorkflow:
    """Withdrawals of the asset stand still until staff found out why the books do not tie."""

    @workflow.init
    def __init__(self, broken: BreakInput) -> None:
        self._broken = broken
        self._cleared: StaffAction | None = None

    @workflow.run
    async def run(self, broken: BreakInput) -> str:
        reason = "the books do not agree with the chain"
        await workflow.execute_activity_method(
            ReconciliationActivities.stop_withdrawals,
            StopAsset(asset=broken.asset, reason=reason),
            task_queue=broken.chain,
            start_to_close_timeout=_TIMEOUT,
            retry_policy=_STOP_RETRY,
            summary=f"Stop withdrawals of {broken.asset}",
        )
        self._show("open", needs_human=True)
        await workflow.wait_condition(lambda: self._cleared is not None)
        assert self._cleared is not None
        await workflow.execute_activity_method(
            ReconciliationActivities.resume_withdrawals,
            ResumeAsset(
                asset=broken.asset, reason=self._cleared.reason, officer=self._cleared.officer
            ),
            task_queue=broken.chain,
            start_to_close_timeout=_TIMEOUT,
            retry_policy=_STOP_RETRY,
            summary=f"Resume withdrawals of {broken.asset}",
        )
        self._show("cleared", needs_human=False)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return f"cleared by {self._cleared.officer}: {self._cleared.reason}"

    @workflow.update(
        description="The cause was found and mended: let withdrawals go on. "
        'JSON: {"reason": "10 letters ..."}'
    )
    async def clear(self, action: StaffAction) -> StaffAnswer:
        self._cleared = action
        return StaffAnswer(state="cleared", message=f"withdrawals of {self._broken.asset} go on")

    @clear.validator
    def _may_clear(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)
        if self._cleared is not None:
            raise refuse("the break is cleared already")

    @workflow.update(description='Call a senior. JSON: {"reason": "10 letters ..."}')
    async def escalate(self, action: StaffAction) -> StaffAnswer:
        workflow.upsert_search_attributes([attributes.QUEUE.value_set("senior")])
        return StaffAnswer(state="escalated", message=f"escalated by {action.officer}")

    @escalate.validator
    def _may_escalate(self, action: StaffAction) -> None:
        require_officer(action)
        require_reason(action)

    def _show(self, state: str, *, needs_human: bool) -> None:
        lines = [
            f"### Break in {self._broken.asset}: {state}",
            "",
            *(f"- {what}" for what in self._broken.what),
            "",
            (
                "**What to do:** withdrawals are stopped. Find the cause (a coin nobody booked, "
                "a payment nobody made), mend it by a journal entry of two officers, then `clear`."
            ),
        ]
        workflow.set_current_details("\n".join(lines))
        workflow.upsert_search_attributes(
            [
                attributes.STATE.value_set(f"break_{state}"),
                attributes.ASSET.value_set(self._broken.asset),
                attributes.CHAIN.value_set(self._broken.chain),
                attributes.QUEUE.value_set("operations"),
                attributes.NEEDS_HUMAN.value_set(needs_human),
                attributes.DUE_AT.value_set(workflow.now() + _BREAK_DUE),
            ]
        )
