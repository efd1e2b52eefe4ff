"""Temporal schedules of custody: made at start if they are not there; changed by staff, kept so."""

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

from storage.catalog import Catalog
from workflows.reconciliation import ReconciliationInput, ReconciliationWorkflow
from workflows.start import WORKFLOWS_QUEUE
from workflows.sweep import SweepInput, SweepWorkflow


async def ensure_schedules(
    client: Client, catalog: Catalog, *, sweep_every: timedelta, reconcile_every: timedelta
) -> None:
    for asset, chain in sorted(catalog.chains.items()):
        sweep = ScheduleActionStartWorkflow(
            SweepWorkflow.run,
            SweepInput(chain=chain, asset=asset),
            id=f"sweep/{chain}/{asset}",
            task_queue=WORKFLOWS_QUEUE,
        )
        await _ensure(client, f"sweep-{chain}-{asset}", sweep, sweep_every)
    reconciliation = ScheduleActionStartWorkflow(
        ReconciliationWorkflow.run,
        ReconciliationInput(chains=sorted(set(catalog.chains.values()))),
        id="reconciliation/chains",
        task_queue=WORKFLOWS_QUEUE,
    )
    await _ensure(client, "reconciliation-chains", reconciliation, reconcile_every)


async def _ensure(
    client: Client, schedule_id: str, action: ScheduleActionStartWorkflow, every: timedelta
) -> None:
    interval = ScheduleIntervalSpec(every=every)
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=1))
    schedule = Schedule(
        action=action, spec=ScheduleSpec(intervals=[interval], jitter=every / 10), policy=policy
    )
    try:
        await client.create_schedule(schedule_id, schedule)
    except ScheduleAlreadyRunningError:
        return
