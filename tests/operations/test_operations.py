"""The gauges that are read from the database and from Temporal."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from prometheus_client import REGISTRY
from sqlalchemy import text
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from devstack.rented import Database, RentedStack
from storage.engine import create_engine
from workers import operations

pytestmark = pytest.mark.stack


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_a_difference_shows_until_the_next_reconciliation_finds_none(database: Database):
    engine = create_engine(database.worker)
    insert = text("""
        INSERT INTO reconciliations (run_id, asset, ledger_units, chain_units, difference_units,
            details) VALUES (:run, 'BTC', 5, :chain, :difference, '{}')
    """)
    seen = []
    for chain_units in (6, 5):
        async with engine.begin() as connection:
            values = {"chain": chain_units, "difference": chain_units - 5}
            await connection.execute(insert, {"run": uuid.uuid4().hex, **values})
        async with engine.connect() as connection:
            await operations.look(connection)
        seen.append(value("ledger_untied_assets"))
    await engine.dispose()

    assert seen == [1, 0]
    assert value("withdrawal_oldest_seconds", chain="bitcoin") == 0
    assert value("order_outbox_oldest_seconds") == 0


async def namespace_of_its_own(client: Client) -> Client:
    """A client of a new namespace: no other test has left tasks in its queues."""
    name = f"waits-{uuid.uuid4().hex}"
    retention = Duration(seconds=86_400)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=retention)
    )
    return Client(client.service_client, namespace=name)


async def started(client: Client) -> WorkflowHandle[Any, Any]:
    """The server's parts learn of a new namespace one after the other, within seconds."""
    while True:
        try:
            return await client.start_workflow(
                "Waits", id=f"waits/{uuid.uuid4()}", task_queue="engine",
                execution_timeout=timedelta(minutes=5),
            )  # fmt: skip
        except RPCError as fault:
            if fault.status is not RPCStatusCode.NOT_FOUND:
                raise


async def test_a_queue_without_a_worker_shows_how_long_its_task_waits(stack: RentedStack):
    stack.require("temporal")
    env = stack.env
    shared = await Client.connect(
        env["RIALTO_TEMPORAL_ADDRESS"], namespace=env["RIALTO_TEMPORAL_NAMESPACE"]
    )
    client = await namespace_of_its_own(shared)
    handle = await asyncio.wait_for(started(client), 60)

    waited = 0.0
    for _ in range(300):
        await operations.look_at_queues(client)
        waited = value("temporal_queue_lag_seconds", queue="engine") or 0.0
        if waited:
            break
    await handle.terminate()

    assert waited > 0
    assert value("temporal_queue_lag_seconds", queue="signer") == 0
