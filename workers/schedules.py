"""Temporal schedules of custody and ledger: made when missing; kept as staff change them."""

from __future__ import annotations

from dataclasses import dataclass
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
from workflows.ledger_care import ExpireHoldsWorkflow, SealLedgerWorkflow
from workflows.reconciliation import ReconciliationInput, ReconciliationWorkflow
from workflows.reserves import ReservesInput, ReservesWorkflow
from workflows.start import WORKFLOWS_QUEUE
from workflows.sweep import SweepInput, SweepWorkflow


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often each of them comes."""

    sweep: timedelta
    reconcile: timedelta
    expire: timedelta
    seal: timedelta
    reserves: timedelta


async def ensure_schedules(client: Client, catalog: Catalog, every: Intervals) -> None:
    for asset, chain in sorted(catalog.chains.items()):
        sweep = ScheduleActionStartWorkflow(
            SweepWorkflow.run,
            SweepInput(chain=chain, asset=asset),
            id=f"sweep/{chain}/{asset}",
            task_queue=WORKFLOWS_QUEUE,
        )
        await _ensure(client, f"sweep-{chain}-{asset}", sweep, every.sweep)
    reconciliation = ScheduleActionStartWorkflow(
        ReconciliationWorkflow.run,
        ReconciliationInput(chains=sorted(set(catalog.chains.values())), engine=True),
        id="reconciliation/chains",
        task_queue=WORKFLOWS_QUEUE,
    )
    await _ensure(client, "reconciliation-chains", reconciliation, every.reconcile)
    expiry = ScheduleActionStartWorkflow(
        ExpireHoldsWorkflow.run, id="ledger/expire-holds", task_queue=WORKFLOWS_QUEUE
    )
    await _ensure(client, "ledger-expire-holds", expiry, every.expire)
    sealing = ScheduleActionStartWorkflow(
        SealLedgerWorkflow.run,
        min(catalog.chains.values()),
        id="ledger/seal",
        task_queue=WORKFLOWS_QUEUE,
    )
    await _ensure(client, "ledger-seal", sealing, every.seal)
    proving = ScheduleActionStartWorkflow(
        ReservesWorkflow.run,
        ReservesInput(
            tip_chains=["bitcoin"], other_chains=sorted({*catalog.chains.values()} - {"bitcoin"})
        ),
        id="reserves/daily",
        task_queue=WORKFLOWS_QUEUE,
    )
    await _ensure(client, "proof-of-reserves", proving, every.reserves)


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
