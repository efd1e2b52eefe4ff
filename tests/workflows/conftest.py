"""A time-skipping Temporal with workers of the ledger's queues, on the module's real database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from activities.settlement import SettlementResult
from compliance.staff import Role
from devstack.rented import Database
from ledger.settlement import SettlementBatch
from streams.temporal import data_converter
from tests.histories.recording import record_when_asked
from tests.kyc.conftest import DYNAMIC_SETTINGS, SERVER
from tests.kyc.fakes import STAFF_KEY, PortalStandIn, Signature
from tests.storage.world import World, opened
from workers.staff_interceptor import StaffInterceptor
from workers.temporal_worker import Options, Queue, build_worker
from workers.workflow_worker import MONEY_WORKFLOWS
from workflows import search_attributes
from workflows.settlement import LEDGER_QUEUE, WORKFLOWS_QUEUE

WAIT_SECONDS = 60.0


@pytest.fixture(scope="session")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),  # Only where a test says so.
        dev_server_existing_path=str(SERVER),
        dev_server_extra_args=DYNAMIC_SETTINGS,
        dev_server_startup_timeout=timedelta(seconds=60),
        search_attributes=search_attributes.ALL,
        data_converter=data_converter(None),
    )
    async with environment:
        yield environment
        await record_when_asked(environment.client)


@activity.defn(name="settle_batch")
async def not_at_once(_: SettlementBatch) -> SettlementResult:
    raise RuntimeError("the ledger does not answer here")


@dataclass
class Office:
    """The ledger's workflows at work on a real database, and staff beside them."""

    environment: WorkflowEnvironment
    world: World
    client: Client
    portal: PortalStandIn

    @classmethod
    def of(cls, environment: WorkflowEnvironment, world: World) -> Office:
        portal = PortalStandIn()
        config = environment.client.config()
        config["interceptors"] = [*config["interceptors"], portal]
        return cls(environment, world, Client(**config), portal)

    @asynccontextmanager
    async def working(
        self,
        *activities: Callable[..., Any],
        local: Callable[..., Any] | None = None,
        **others: Sequence[Callable[..., Any]],
    ) -> AsyncIterator[None]:
        """Workers for the workflows, for these activities of the ledger's queue, and others.

        `local` settles within the workflow's task; without it that fails at once.
        """
        options = Options(interceptors=[StaffInterceptor([STAFF_KEY.public_key()])])
        queues = [Queue(LEDGER_QUEUE, activities), *(Queue(*each) for each in others.items())]
        async with AsyncExitStack() as workers:
            workflows = Queue(
                WORKFLOWS_QUEUE, workflows=MONEY_WORKFLOWS, local_activities=[local or not_at_once]
            )
            for queue in (workflows, *queues):
                if queue.workflows or queue.activities:
                    worker = build_worker(self.environment.client, queue, options)
                    await workers.enter_async_context(worker)
            yield

    async def staff(self, handle: WorkflowHandle[Any, Any], update: str, **fields: Any) -> str:
        """Send an officer's update through the portal; the sentence it answers."""
        moment = await self.environment.get_current_time(handle)
        self.portal.signature = Signature("oscar", Role.OPERATIONS, moment)
        argument = {"reason": "the cause was found and mended", **fields}
        answer = await handle.execute_update(
            update, argument, id=str(uuid.uuid4()), result_type=dict
        )
        return str(answer["message"])

    async def until(self, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
        """Wait, within a bound, until `look` answers something true."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                if found := await look():
                    return found
                await asyncio.sleep(0.05)
        raise AssertionError(what)


@pytest.fixture(scope="module")
async def shared_world(database: Database) -> AsyncIterator[World]:
    async with opened(database) as world:
        yield world


@pytest.fixture
async def office(environment: WorkflowEnvironment, shared_world: World) -> AsyncIterator[Office]:
    """Conserved after each test."""
    yield Office.of(environment, shared_world)
    await shared_world.assert_conserved()
