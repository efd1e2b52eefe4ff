"""KYC cases a second: handed in, checked by the simulated vendor, screened, approved by an officer.

`rialto bench kyc`: real PostgreSQL, Temporal and KMS; the processes of production; the officer acts
through the staff portal's signature, as workers demand it.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import uvloop
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateInput,
    WorkflowUpdateHandle,
)

from activities.kyc import about_customer
from api.staff.signing import StaffSigner
from bench.processors import busy_seconds, processor_seconds
from bench.report import BenchResult, percentile
from bench.trading_stack import share_of
from compliance.staff import Role
from compliance.tiers import Requirement, Tier
from devstack.rented import RentedStack, elsewhere
from domain.ids import CustomerId
from storage.engine import create_engine
from storage.tables_compliance import kyc_documents, kyc_profiles
from storage.tables_customers import customers
from streams import aws
from streams.envelope import personal_envelope
from streams.temporal import connect
from workflows.kyc_start import kyc_workflow_id, submit_kyc
from workflows.staff import STAFF_HEADER

CASES = 150
AT_ONCE = 16
"""More does not help one Temporal server on two cores; it only queues."""
PARTS = ("compliance_worker", "kyc_vendor", "temporal", "postgres", "ministack")
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 240.0
_numbers = count(800_000)
_STATES = text("SELECT customer_id, state FROM kyc_cases WHERE customer_id = ANY(:ids)")


class Officer(Interceptor):
    """Puts the portal's signature on staff updates."""

    def __init__(self, signer: StaffSigner) -> None:
        self.signer = signer

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        return _Signing(next, self.signer)


class _Signing(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, signer: StaffSigner) -> None:
        super().__init__(following)
        self._signer = signer

    async def start_workflow_update(
        self,
        input: StartWorkflowUpdateInput,  # noqa: A002 - the SDK's name
    ) -> WorkflowUpdateHandle[Any]:
        if input.update == "approve":
            token = await self._signer.token(
                "alice",
                Role.COMPLIANCE,
                workflow_id=input.id,
                update=input.update,
                update_id=input.update_id or "",
            )
            payload = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(token).encode())
            input.headers = {**input.headers, STAFF_HEADER: payload}
        return await super().start_workflow_update(input)


class Applicants:
    """Customers who handed everything in, and where their cases stand."""

    def __init__(self, client: Client, engine: AsyncEngine, rented: RentedStack) -> None:
        self._client = client
        self._engine = engine
        self._rented = rented
        self.seconds: list[float] = []
        """Of each case: from handing in until approved, without the wait for an officer's turn."""

    async def arrive(self, number: int) -> list[CustomerId]:
        ids = [CustomerId(next(_numbers)) for _ in range(number)]
        envelope = personal_envelope(aws.client("kms"))
        profile = {
            "given_names": "Bench",
            "family_name": "Mark",
            "birth_date": "1990-01-31",
            "nationality": "SE",
            "country": "SE",
            "address": "Storgatan 1",
        }
        plain = json.dumps(profile).encode()
        sealed = [await envelope.seal_packed(plain, about_customer(each)) for each in ids]
        people = [{"id": each, "email": f"bench{each}@example.test"} for each in ids]
        async with self._engine.begin() as connection:
            await connection.execute(insert(customers), people)
            await connection.execute(
                insert(kyc_profiles),
                [
                    {"customer_id": each, "sealed": seal}
                    for each, seal in zip(ids, sealed, strict=True)
                ],
            )
            await connection.execute(insert(kyc_documents), [_document(each) for each in ids])
        return ids

    async def pass_kyc(self, customer_id: CustomerId) -> None:
        began = time.perf_counter()
        await submit_kyc(self._client, customer_id, Tier.BASIC)
        await self._reach(customer_id, "manual_review")
        handle = self._client.get_workflow_handle(kyc_workflow_id(customer_id))
        await handle.execute_update(
            "approve", {"reason": "a benchmark's applicant"}, id=str(uuid.uuid4())
        )
        self.seconds.append(time.perf_counter() - began)

    def processor_seconds(self) -> dict[str, float]:
        return processor_seconds(self._rented, PARTS)

    async def approved(self, ids: list[CustomerId]) -> int:
        async with self._engine.connect() as connection:
            rows = await connection.execute(_STATES, {"ids": ids})
            return sum(row.state == "approved" for row in rows)

    async def _reach(self, customer_id: CustomerId, state: str) -> None:
        until = time.perf_counter() + _PATIENCE_SECONDS
        while await self._state(customer_id) != state:
            assert time.perf_counter() < until, f"case {customer_id} is not {state}"
            await asyncio.sleep(_LOOK_SECONDS)

    async def _state(self, customer_id: CustomerId) -> str | None:
        async with self._engine.connect() as connection:
            rows = await connection.execute(_STATES, {"ids": [customer_id]})
            row = rows.one_or_none()
            return None if row is None else str(row.state)


def _document(customer_id: CustomerId) -> dict[str, object]:
    return {
        "id": str(uuid.uuid4()),
        "customer_id": customer_id,
        "kind": Requirement.IDENTITY_DOCUMENT,
        "content_type": "image/png",
        "size_bytes": 1,
        "sha256": bytes(32),
        "object_key": f"kyc/{customer_id}/bench",
    }


@asynccontextmanager
async def _applicants() -> AsyncIterator[Applicants]:
    rented = RentedStack(RIALTO_DURABLE="yes")
    try:
        await asyncio.to_thread(rented.require, "compliance_worker", "kyc_vendor")
        engine = create_engine(rented.env["RIALTO_DATABASE_URL"], application="bench")
        settings = _Temporal(rented.env)
        with aws.pointed_at(rented.env):
            client = await connect(settings, interceptors=[Officer(StaffSigner(aws.client("kms")))])
            yield Applicants(client, engine, rented)
        await engine.dispose()
    finally:
        elsewhere(rented.close)


class _Temporal:
    def __init__(self, variables: dict[str, str]) -> None:
        self.temporal_address = variables["RIALTO_TEMPORAL_ADDRESS"]
        self.temporal_namespace = variables["RIALTO_TEMPORAL_NAMESPACE"]


async def run(cases: int = CASES) -> BenchResult:
    async with _applicants() as applicants:
        ids = await applicants.arrive(cases)
        room = asyncio.Semaphore(AT_ONCE)

        async def one(customer_id: CustomerId) -> None:
            async with room:
                await applicants.pass_kyc(customer_id)

        before, busy, began = applicants.processor_seconds(), busy_seconds(), time.perf_counter()
        await asyncio.gather(*(one(each) for each in ids))
        seconds = time.perf_counter() - began
        shares = share_of(applicants.processor_seconds(), before, seconds)
        machine = 100 * (busy_seconds() - busy) / seconds
        approved = await applicants.approved(ids)
    assert approved == cases, f"{approved} of {cases} cases were approved"
    latencies = sorted(1000 * each for each in applicants.seconds)
    return BenchResult(
        "kyc",
        cases / seconds,
        percentile(latencies, 0.5),
        percentile(latencies, 0.99),
        percentile(latencies, 0.999),
        "every step in Temporal's and PostgreSQL's database, with fsync, before the next",
        "not applicable",
        {},
        [
            f"{cases} cases, {AT_ONCE} at once: handed in, vendor's check (0.3 s), approved",
            "one officer who never sleeps; each approval signed in KMS and written down",
            f"of one core: {shares}; the machine {machine:.0f} %",
        ],
    )


def main() -> None:
    print(json.dumps(uvloop.run(run()).as_json()))


if __name__ == "__main__":
    main()
