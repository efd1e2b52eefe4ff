"""Gauges that only the database knows: ages of what waits, the ledger's tie, hot-wallet levels.

Measured by one process (the workflow worker), with a handful of indexed reads every few seconds.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any, Final

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio.api.enums.v1 import DescribeTaskQueueMode, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from storage import reconciliations
from streams.objectives import WITHDRAWALS

logger = logging.getLogger(__name__)

QUEUES: Final = ("workflows", "ledger", "bitcoin", "ethereum", "signer", "engine", "compliance")
"""Task queues of Temporal that somebody's money waits in."""

_KINDS: Final = (
    TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
)
EVERY_SECONDS: Final = 15.0

OLDEST_WITHDRAWAL = Gauge(
    "withdrawal_oldest_seconds", "Age of the oldest unfinished withdrawal", ["chain"]
)
WITHDRAWALS_OPEN = Gauge("withdrawals_open", "Unfinished withdrawals", ["status"])
REVIEWS = Gauge("withdrawal_oldest_review_seconds", "Longest that one has waited for staff")
UNTIED = Gauge("ledger_untied_assets", "Assets whose last reconciliation found a difference")
TIE_AGE = Gauge("ledger_tie_age_seconds", "Since the asset that was not reconciled for longest was")
HOT_WALLET = Gauge("hot_wallet_units", "Coins in the hot wallet by the ledger", ["asset"])
RESERVES_AGE = Gauge("reserves_age_seconds", "Since the last proof of reserves was published")
UNSENT_AGE = Gauge("order_outbox_oldest_seconds", "Age of the oldest command not yet queued")

QUEUE_LAG = Gauge("temporal_queue_lag_seconds", "Age of a task queue's oldest task", ["queue"])
SIGNATURES = Gauge("signatures_without_attempt", "Payments with more or fewer signatures than due")

_WITHDRAWALS = text("""
    SELECT chain, status, count(*) AS count,
        coalesce(extract(epoch FROM now() - min(changed_at)), 0)::float AS waits
    FROM withdrawals WHERE status NOT IN ('done', 'cancelled', 'rejected')
    GROUP BY chain, status
""")
_TIES = text("""
    SELECT count(*) FILTER (WHERE difference_units <> 0) AS untied,
        coalesce(extract(epoch FROM now() - min(at)), 0)::float AS age
    FROM (SELECT DISTINCT ON (asset) asset, at, difference_units
          FROM reconciliations ORDER BY asset, at DESC, id DESC) AS newest
""")
_HOT = text("SELECT asset, -balance AS units FROM accounts WHERE kind = 'hot_wallet'")
_OUTBOX = text("""
    SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS age
    FROM order_commands WHERE sent_at IS NULL
""")
# Before the first was ever published, since one was first tried.
_RESERVES = text("""
    SELECT coalesce(extract(epoch FROM now() - coalesce(max(published_at), min(opened_at))), 0)
        ::float AS age FROM reserve_bundles
""")
_CHAINS = text("SELECT DISTINCT chain FROM assets")


async def measure(engine: AsyncEngine, client: Client, stop: asyncio.Event) -> None:
    """Until `stop`. What cannot be read keeps its last value; the age of the tie then rises."""
    while not stop.is_set():
        try:
            async with engine.connect() as connection:
                await look(connection)
            await look_at_queues(client)
        except (DBAPIError, OSError, RPCError) as fault:
            logger.warning("gauges are not measured", extra={"fault": str(fault)[:200]})
        try:
            await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
        except TimeoutError:
            continue


async def look(connection: AsyncConnection) -> None:
    """Measure once."""
    chains = (await connection.execute(_CHAINS)).scalars().all()
    _note_withdrawals(chains, (await connection.execute(_WITHDRAWALS)).all())
    ties = (await connection.execute(_TIES)).one()
    UNTIED.set(ties.untied)
    TIE_AGE.set(ties.age)
    for row in (await connection.execute(_HOT)).all():
        HOT_WALLET.labels(row.asset).set(int(row.units))
    UNSENT_AGE.set((await connection.execute(_OUTBOX)).scalar_one())
    RESERVES_AGE.set((await connection.execute(_RESERVES)).scalar_one())
    faults = [await reconciliations.signature_faults(connection, chain) for chain in chains]
    SIGNATURES.set(sum(map(len, faults)))


async def look_at_queues(client: Client) -> None:
    """How long the oldest task has waited for a worker."""
    for queue in QUEUES:
        answer = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=client.namespace,
                task_queue=TaskQueue(name=queue),
                api_mode=DescribeTaskQueueMode.DESCRIBE_TASK_QUEUE_MODE_ENHANCED,
                task_queue_types=_KINDS,
                report_stats=True,
            ),
            timeout=timedelta(seconds=5),
        )
        ages = [
            each.stats.approximate_backlog_age.ToTimedelta().total_seconds()
            for version in answer.versions_info.values()
            for each in version.types_info.values()
        ]
        QUEUE_LAG.labels(queue).set(max(ages, default=0.0))


def _note_withdrawals(chains: Any, rows: Any) -> None:
    """Waiting for staff is not ours to hurry: it has a gauge of its own."""
    WITHDRAWALS_OPEN.clear()
    oldest = dict.fromkeys(chains, 0.0)
    review = 0.0
    for row in rows:
        WITHDRAWALS_OPEN.labels(row.status).inc(row.count)
        if row.status == "review":
            review = max(review, row.waits)
        else:
            oldest[row.chain] = max(oldest.get(row.chain, 0.0), row.waits)
    REVIEWS.set(review)
    for chain, waits in oldest.items():
        OLDEST_WITHDRAWAL.labels(chain).set(waits)
    WITHDRAWALS.note(max(oldest.values(), default=0.0))
