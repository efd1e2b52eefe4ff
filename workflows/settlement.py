"""Settling a run of one market's trades: one workflow a run, in order, exactly once.

A run that contradicts the ledger is never skipped: its events happened. It stays here, visible,
until somebody repaired the cause and sends `retry`; meanwhile the market is halted. A market that
was halted for an outage trades again when its settlement has caught up.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import (
    RetryPolicy,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    WorkflowAlreadyStartedError,
)

with workflow.unsafe.imports_passed_through():
    from activities.settlement import (
        POISONED,
        STALE_EPOCH,
        MarketRequest,
        SettlementActivities,
        SettlementResult,
    )
    from ledger.settlement import SettlementBatch
    from workflows import search_attributes as attributes
    from workflows.staff import StaffAction, StaffAnswer, refuse, require_officer, require_reason

WORKFLOWS_QUEUE = "workflows"
LEDGER_QUEUE = "ledger"

LAG_MAX = timedelta(seconds=60)
"""A market whose trades are not settled for so long is halted."""

# One database transaction; for ever, as a run must be settled.
_SETTLE_TIMEOUT = timedelta(seconds=60)
_AT_ONCE_TIMEOUT = timedelta(seconds=5)
_SETTLE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=20)
)


class RetrySettlement(StaffAction):
    reopen: bool = False
    """Also let the market trade again once the run is settled."""


@workflow.defn
class SettlementWorkflow:
    @workflow.init
    def __init__(self, batch: SettlementBatch) -> None:
        self._batch = batch
        self._problem = ""
        self._retry: RetrySettlement | None = None
        self._is_halting = False

    @workflow.run
    async def run(self, _: SettlementBatch) -> SettlementResult:
        if workflow.patched("settle-at-once"):
            settled = await self._settle_at_once()
            if settled is not None:
                return settled
        lag = asyncio.create_task(self._halt_when_late())
        while True:
            try:
                result = await self._settle()
            except ActivityError as error:
                await self._wait_for_repair(_cause(error))
            else:
                break
        await self._end_of_lag(lag)
        if self._problem:
            await self._leave_repaired()
        return result

    async def _end_of_lag(self, lag: asyncio.Task[None]) -> None:
        """Let the market trade again if it was halted for us, and nothing but time was needed."""
        if not self._is_halting:
            lag.cancel()
            return
        await lag
        if not self._problem and workflow.patched("reopen-after-lag"):
            await self._reopen("its settlement caught up")

    @workflow.update(
        description="Settle again, after the cause was repaired. "
        'JSON: {"reason": "at least 10 characters", "reopen": true}'
    )
    async def retry(self, action: RetrySettlement) -> StaffAnswer:
        self._retry = action
        return StaffAnswer(state="RETRYING", message="the run is tried again; look at its details")

    @retry.validator
    def _may_retry(self, action: RetrySettlement) -> None:
        require_officer(action)
        require_reason(action)
        if not self._problem or self._retry is not None:
            raise refuse("the run is not stuck: there is nothing to retry")

    @workflow.query(description="What is wrong with the run; empty when nothing is")
    def problem(self) -> str:
        return self._problem

    async def _settle_at_once(self) -> SettlementResult | None:
        """Within this task of ours: six events of history and as many writes of Temporal's less.

        Once and shortly. None: then as an activity, which is seen, repeated and repaired. It may
        have been settled all the same; the market's cursor tells.
        """
        try:
            return await workflow.execute_local_activity_method(
                SettlementActivities.settle_batch,
                self._batch,
                schedule_to_close_timeout=_AT_ONCE_TIMEOUT,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except FailureError:  # Of a local activity the refusal itself comes, or a time-out.
            return None

    async def _settle(self) -> SettlementResult:
        return await workflow.execute_activity_method(
            SettlementActivities.settle_batch,
            self._batch,
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=_SETTLE_TIMEOUT,
            retry_policy=_SETTLE_RETRY,
        )

    async def _wait_for_repair(self, cause: ApplicationError) -> None:
        self._problem = f"{cause.type}: {cause.message}"
        self._retry = None
        self._show("POISONED", needs_human=True)
        await workflow.wait_condition(lambda: self._retry is not None)
        self._show("RETRYING", needs_human=False)

    async def _halt_when_late(self) -> None:
        await workflow.sleep(LAG_MAX, summary="Halt the market when this run is not settled")
        self._is_halting = True
        await workflow.execute_activity_method(
            SettlementActivities.halt_market,
            MarketRequest(self._batch.market, f"run {self._batch.first_sequence} is not settled"),
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=_SETTLE_TIMEOUT,
            summary="Halt the market: its settlement lags",
        )

    async def _leave_repaired(self) -> None:
        assert self._retry is not None
        if self._retry.reopen:
            await self._reopen(self._retry.reason)
        self._problem = ""
        self._show("SETTLED", needs_human=False)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _reopen(self, cause: str) -> None:
        await workflow.execute_activity_method(
            SettlementActivities.reopen_market,
            MarketRequest(self._batch.market, cause),
            task_queue=LEDGER_QUEUE,
            start_to_close_timeout=_SETTLE_TIMEOUT,
            summary="Let the market trade again",
        )

    def _show(self, state: str, *, needs_human: bool) -> None:
        workflow.set_current_details(_details(self._batch, state, self._problem))
        workflow.upsert_search_attributes(
            [
                attributes.STATE.value_set(state),
                attributes.NEEDS_HUMAN.value_set(needs_human),
                attributes.QUEUE.value_set("operations"),
            ]
        )


def _cause(error: ActivityError) -> ApplicationError:
    """The refusal behind the error. Anything else is a fault of ours: let it suspend the run."""
    cause = error.cause
    assert isinstance(cause, ApplicationError), error
    assert cause.type in (POISONED, STALE_EPOCH), error
    return cause


def _details(batch: SettlementBatch, state: str, problem: str) -> str:
    lines = [
        f"### Settlement of {batch.market}: {state}",
        "",
        f"- events {batch.first_sequence} to {batch.last_sequence}, engine epoch {batch.epoch}",
    ]
    if problem:
        lines += [
            f"- **{problem}**",
            "",
            "Nothing of this run was settled, and later runs of the market wait for it.",
            "",
            (
                "**What to do:** find why the ledger and the engine disagree (`rialto audit`, "
                "`rialto ledger verify`), repair the cause, then send `retry`. There is no way to "
                "skip a run: its trades happened."
            ),
        ]
    return "\n".join(lines)


async def start_settlement(client: Client, batch: SettlementBatch) -> None:
    """Start the run's workflow. Safe to repeat: the id is the run's, and a completed one stays.

    One that was terminated, or failed, settled nothing for sure: it may be started again.
    """
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(attributes.STATE, "SETTLING"),
        SearchAttributePair(attributes.MARKET, batch.market),
    ]
    with suppress(WorkflowAlreadyStartedError):  # It has settled this run before.
        await client.start_workflow(
            SettlementWorkflow.run,
            batch,
            id=f"settlement/{batch.market}/{batch.first_sequence}",
            task_queue=WORKFLOWS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=TypedSearchAttributes(pairs),
        )
