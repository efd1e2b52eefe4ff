"""Runs the workflows of money, and the activities that only need the database.

Queues `workflows` and `ledger`. KYC and its staff work run beside their activities, in the
compliance worker.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.ledger_care import LedgerCareActivities
from activities.reserves import ReserveActivities
from activities.settlement import SettlementActivities
from activities.withdrawals import WithdrawalActivities
from storage.settlement import Settlements
from streams import aws
from streams.metrics import TemporalMetrics
from streams.temporal import connect
from workers import operations
from workers.chain_worker import Books, open_books
from workers.health import Health, serve_health
from workers.process import run
from workers.schedules import Intervals, ensure_schedules
from workers.staff_interceptor import StaffInterceptor
from workers.temporal_worker import Options, Queue, serve_queues, temporal_answers
from workers.withdrawal_relay import WithdrawalRelay
from workflows.deposit import DepositWorkflow
from workflows.ledger_care import ExpireHoldsWorkflow, SealLedgerWorkflow
from workflows.payment import PaymentWorkflow
from workflows.reconciliation import BreakWorkflow, ReconciliationWorkflow
from workflows.reserves import ReservesWorkflow
from workflows.settlement import SettlementWorkflow
from workflows.start import WORKFLOWS_QUEUE
from workflows.sweep import SweepWorkflow
from workflows.withdrawal import WithdrawalWorkflow
from workflows.withdrawal_desk import LEDGER_QUEUE

MONEY_WORKFLOWS = [
    DepositWorkflow,
    WithdrawalWorkflow,
    PaymentWorkflow,
    SweepWorkflow,
    ReconciliationWorkflow,
    BreakWorkflow,
    SettlementWorkflow,
    ExpireHoldsWorkflow,
    SealLedgerWorkflow,
    ReservesWorkflow,
]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    valkey_url: str
    sweep_seconds: float = 900.0
    reconcile_seconds: float = 300.0
    expire_seconds: float = 60.0
    seal_seconds: float = 600.0
    reserves_seconds: float = 86_400.0
    health_port: int | None = None
    metrics_port: int | None = None


def queues(books: Books) -> list[Queue]:
    """Workflows of money, and what they ask of the ledger."""
    parts = (books.engine, books.ledger, books.catalog, books.notices)
    settlement = SettlementActivities(
        Settlements(books.ledger, books.catalog.markets), books.notices
    )
    workflows = Queue(
        WORKFLOWS_QUEUE, workflows=MONEY_WORKFLOWS, local_activities=[settlement.settle_batch]
    )
    ledger = Queue(
        LEDGER_QUEUE,
        activities=[
            *WithdrawalActivities(*parts).all(),
            *settlement.all(),
            *LedgerCareActivities(books.ledger).all(),
            *ReserveActivities(books.engine).all(),
        ],
    )
    return [workflows, ledger]


async def serve(stop: asyncio.Event) -> None:
    settings = Settings()
    health, metrics = Health("worker"), TemporalMetrics()
    async with AsyncExitStack() as closing:
        await closing.enter_async_context(
            serve_health(
                health,
                port=settings.health_port,
                metrics_port=settings.metrics_port,
                temporal=metrics,
            )
        )
        books = await open_books(settings.database_url, settings.valkey_url, closing)
        client = await connect(settings, runtime=metrics.runtime)
        health.check("temporal", partial(temporal_answers, client))
        await ensure_schedules(
            client,
            books.catalog,
            Intervals(
                sweep=timedelta(seconds=settings.sweep_seconds),
                reconcile=timedelta(seconds=settings.reconcile_seconds),
                expire=timedelta(seconds=settings.expire_seconds),
                seal=timedelta(seconds=settings.seal_seconds),
                reserves=timedelta(seconds=settings.reserves_seconds),
            ),
        )
        relay = WithdrawalRelay(books.engine, client, books.catalog)
        relaying = asyncio.create_task(relay.run(stop))
        closing.callback(relaying.cancel)
        measuring = asyncio.create_task(operations.measure(books.engine, client, stop))
        closing.callback(measuring.cancel)
        staff = await asyncio.to_thread(StaffInterceptor.from_kms, aws.client("kms"))
        await serve_queues(
            client,
            queues(books),
            stop,
            options=Options(interceptors=[staff]),
            on_running=partial(health.ready, "worker"),
        )


def main() -> None:
    run("workflow_worker", serve)


if __name__ == "__main__":
    main()
