"""A time-skipping Temporal, a worker with the staff interceptor, and one customer per test."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from cli.demo.customer import eventually
from compliance.staff import Role
from compliance.tiers import Tier
from domain.ids import CustomerId
from streams.envelope import DataKey, Envelope
from streams.payload_codec import EnvelopeCodec
from streams.temporal import data_converter
from tests.histories.recording import record_when_asked
from tests.kyc.fakes import STAFF_KEY, FakeWorld, PortalStandIn, Signature
from workers.staff_interceptor import StaffInterceptor
from workers.temporal_worker import Options, Queue, build_worker
from workflows import search_attributes
from workflows.kyc import COMPLIANCE_QUEUE, KycWorkflow
from workflows.kyc_messages import KycStatus
from workflows.kyc_start import kyc_workflow_id, submit_kyc

SERVER = Path(sys.executable).parent / "temporal"
DYNAMIC_SETTINGS = [
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    "--dynamic-config-value",
    "history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value",
    "history.timerProcessorMaxPollRPS=2000",
    # Else each timer of a skipped stretch is up to a second of real time late.
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
]
REACH_SECONDS = 60.0
_customers = itertools.count(5001)


class LocalKeys:
    """Data keys that need no KMS; wrapping adds a mark only."""

    async def generate(self) -> DataKey:
        plain = os.urandom(32)
        return DataKey(plain, b"wrapped" + plain)

    async def unwrap(self, wrapped: bytes) -> bytes:
        return wrapped.removeprefix(b"wrapped")


@pytest.fixture(scope="session")
def codec() -> EnvelopeCodec:
    return EnvelopeCodec(Envelope(LocalKeys(), {"namespace": "default"}))


@pytest.fixture(scope="session")
async def environment(codec: EnvelopeCodec) -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),  # Only where a test says so.
        dev_server_existing_path=str(SERVER),
        dev_server_extra_args=DYNAMIC_SETTINGS,
        dev_server_startup_timeout=timedelta(seconds=60),
        search_attributes=search_attributes.ALL,
        data_converter=data_converter(codec),
    )
    async with environment:
        yield environment
        await record_when_asked(environment.client)


class Customer:
    """One customer's case, driven as customer, vendor, staff and clock."""

    def __init__(self, environment: WorkflowEnvironment, world: FakeWorld) -> None:
        self.environment = environment
        self.world = world
        self.id = CustomerId(next(_customers))
        self._portal = PortalStandIn()
        config = environment.client.config()
        config["interceptors"] = [*config["interceptors"], self._portal]
        self.client = Client(**config)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(kyc_workflow_id(self.id))

    async def submit(self, tier: Tier = Tier.BASIC, name: str | None = None) -> KycStatus:
        self._portal.signature = None
        return await submit_kyc(self.client, self.id, tier, name=name)

    async def status(self) -> KycStatus:
        return await self.handle.query("status", result_type=KycStatus)

    async def reach(self, state: str) -> KycStatus:
        """Wait, within a bound, until the workflow is in that state and has recorded it."""
        async with asyncio.timeout(REACH_SECONDS):
            while True:
                status = await self.status()
                if status.state == state and self.world.states[-1:] == [state]:
                    return status
                await asyncio.sleep(0.02)

    async def await_vendor(self) -> None:
        """Wait, within a bound, until the vendor was asked; it is at once, and had no verdict."""
        await self.reach("vendor_pending")

        async def asked() -> bool | None:
            return bool(self.world.asked) or None

        await eventually("the vendor is asked", asked, REACH_SECONDS)

    async def wait(self, span: timedelta) -> None:
        """Let that much of the workflow's own time pass."""
        await self.environment.fast_forward(self.handle, span)

    async def signal(self, name: str, argument: Any) -> None:
        await self.handle.signal(name, argument)

    async def staff(
        self,
        update: str,
        officer: str = "alice",
        role: Role = Role.COMPLIANCE,
        *,
        reason: str = "looked at everything",
        **fields: Any,
    ) -> str:
        """Send a staff update through the portal; the sentence it answers."""
        update_id = str(uuid.uuid4())
        moment = await self.environment.get_current_time(self.handle)
        self._portal.signature = Signature(officer, role, moment)
        answer = await self.handle.execute_update(
            update, {"reason": reason, **fields}, id=update_id, result_type=dict
        )
        return str(answer["message"])

    async def bare(self, update: str, **fields: Any) -> None:
        """As somebody who reaches Temporal without the portal."""
        self._portal.signature = None
        await self.handle.execute_update(update, {"reason": "going round the portal", **fields})

    def sign_with(self, signature: Signature | None) -> None:
        self._portal.signature = signature


async def refused(sending: Awaitable[Any]) -> str:
    """The sentence with which an update was refused."""
    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await sending
    return str(failure.value.cause)


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
async def customer(environment: WorkflowEnvironment, world: FakeWorld) -> AsyncIterator[Customer]:
    customer = Customer(environment, world)
    queue = Queue(COMPLIANCE_QUEUE, world.activities(), [KycWorkflow])
    options = Options(interceptors=[StaffInterceptor([STAFF_KEY.public_key()])])
    async with build_worker(environment.client, queue, options):
        yield customer
        await _end(customer)


async def _end(customer: Customer) -> None:
    """So that the next test's worker meets no timers of this one."""
    with contextlib.suppress(RPCError):  # It ended by itself, or never began.
        await customer.handle.terminate("the test is over")


@pytest.fixture
async def in_review(customer: Customer) -> Customer:
    """A case that waits for an officer."""
    await customer.submit()
    await customer.reach("manual_review")
    return customer
