"""Cases: alerts gather in one, officers end it with an outcome and a reason, all written down."""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.case_messages import CaseAlert, CaseRecord
from cli.demo.customer import eventually
from compliance.staff import Role
from tests.kyc.conftest import REACH_SECONDS, refused
from tests.kyc.fakes import STAFF_KEY, FakeWorld, PortalStandIn, Signature
from workers.staff_interceptor import StaffInterceptor
from workers.temporal_worker import Options, Queue, build_worker
from workflows.case import REVIEW_TIME, Case, CaseWorkflow
from workflows.kyc import COMPLIANCE_QUEUE, KycWorkflow

_customers = itertools.count(9001)
VELOCITY = CaseAlert(
    id="velocity/1/20000", rule="velocity", score=50, sentence="much", references=["deposit/d1"]
)
MIXER = CaseAlert(
    id="mixer/1/20000",
    rule="mixer_exposure",
    score=80,
    sentence="a mixer",
    references=["deposit/d2"],
)


@dataclass
class Book:
    """What was written down."""

    records: list[CaseRecord] = field(default_factory=list)

    @activity.defn(name="case_record")
    async def record(self, record: CaseRecord) -> None:
        self.records.append(record)

    @property
    def actions(self) -> list[tuple[str, str]]:
        return [(one.actor, one.action) for record in self.records for one in record.actions]


class OpenCase:
    def __init__(self, environment: WorkflowEnvironment, book: Book) -> None:
        self.environment = environment
        self.book = book
        self.customer_id = next(_customers)
        self._portal = PortalStandIn()
        config = environment.client.config()
        config["interceptors"] = [*config["interceptors"], self._portal]
        self.client = Client(**config)
        self.handle = self.client.get_workflow_handle(f"case/{self.customer_id}")

    async def open(self, *alerts: CaseAlert) -> OpenCase:
        await self.client.start_workflow(
            CaseWorkflow.run,
            Case(customer_id=self.customer_id, alerts=list(alerts)),
            id=self.handle.id,
            task_queue=COMPLIANCE_QUEUE,
        )
        await self.until(lambda record: record.state == "open")
        return self

    async def until(self, condition: Any) -> CaseRecord:
        async def reached() -> CaseRecord | None:
            newest = self.book.records[-1] if self.book.records else None
            return newest if newest is not None and condition(newest) else None

        return await eventually("the record is as expected", reached, REACH_SECONDS)

    async def staff(
        self, update: str, officer: str = "alice", role: Role = Role.COMPLIANCE, **fields: Any
    ) -> str:
        moment = await self.environment.get_current_time(self.handle)
        self._portal.signature = Signature(officer, role, moment)
        argument = {"reason": "looked at everything", **fields}
        answer = await self.handle.execute_update(
            update, argument, id=str(uuid.uuid4()), result_type=dict
        )
        return str(answer["message"])


@pytest.fixture
async def case(environment: WorkflowEnvironment) -> AsyncIterator[OpenCase]:
    opened = OpenCase(environment, Book())
    activities = [opened.book.record, *FakeWorld().activities()]
    queue = Queue(COMPLIANCE_QUEUE, activities, [CaseWorkflow, KycWorkflow])
    options = Options(interceptors=[StaffInterceptor([STAFF_KEY.public_key()])])
    async with build_worker(environment.client, queue, options):
        yield opened
        for workflow_id in (opened.handle.id, f"kyc/{opened.customer_id}"):
            with contextlib.suppress(RPCError):  # It ended by itself, or never began.
                await opened.client.get_workflow_handle(workflow_id).terminate("the test is over")


async def test_a_case_links_its_customer_and_movements_and_ends_with_outcome_and_reason(case):
    await case.open(VELOCITY)

    assert await case.staff("close", outcome="no_concern", reason="salary day") == (
        "Closed: no_concern."
    )

    assert await case.handle.result() == "no_concern"
    last = case.book.records[-1]
    assert (last.state, last.outcome, last.reason) == ("closed", "no_concern", "salary day")
    assert last.officers == ["alice"]
    assert last.references == [
        f"kyc/{case.customer_id}",
        "alert/velocity/1/20000",
        "deposit/d1",
    ]
    assert case.book.actions == [("monitoring", "case.opened"), ("staff:alice", "case.close")]


async def test_a_later_alert_joins_the_open_case_once(case):
    await case.open(VELOCITY)

    await case.handle.signal("alerted", [VELOCITY, MIXER])
    await case.handle.signal("alerted", [MIXER])

    record = await case.until(lambda record: len(record.alert_ids) == 2)
    assert record.risk_score == 85
    assert case.book.actions.count(("monitoring", "case.alert")) == 1


async def test_a_serious_case_is_waved_through_by_two_only(case):
    await case.open(MIXER)

    assert "Another officer" in await case.staff("close", outcome="no_concern")
    assert "second officer is needed" in await refused(case.staff("close", outcome="no_concern"))
    assert "Closed" in await case.staff("close", "amir", outcome="no_concern")

    assert case.book.records[-1].officers == ["alice", "amir"]


async def test_one_officer_may_report(case):
    await case.open(MIXER)

    assert await case.staff("close", outcome="reported") == "Closed: reported."


async def test_an_escalated_case_is_closed_by_a_senior(case):
    await case.open(VELOCITY)
    await case.staff("escalate")

    assert "senior officer must close" in await refused(case.staff("close", outcome="reported"))
    await case.staff("close", "sofia", Role.SENIOR_COMPLIANCE, outcome="reported")

    assert case.book.records[-1].outcome == "reported"


async def test_escalated_twice_is_escalated_once(case):
    await case.open(VELOCITY)
    await case.staff("escalate")

    assert "escalated already" in await refused(case.staff("escalate", "amir"))


async def test_a_case_nobody_looks_at_becomes_the_seniors(case):
    await case.open(VELOCITY)

    await case.environment.fast_forward(case.handle, REVIEW_TIME + timedelta(minutes=1))

    await case.until(lambda record: ("system", "case.overdue") in case.book.actions)
    assert (await case.handle.query("status", result_type=Case)).is_escalated


async def test_freezing_from_a_case_freezes_the_customer(case):
    await case.open(MIXER)

    await case.staff("freeze")

    kyc = case.client.get_workflow_handle(f"kyc/{case.customer_id}")

    async def frozen() -> bool | None:
        status = await kyc.query("status", result_type=dict)
        return True if status["state"] == "frozen" else None

    await eventually("the customer is frozen", frozen, REACH_SECONDS)
    assert "frozen from this case already" in await refused(case.staff("freeze", "amir"))


@pytest.mark.parametrize(
    ("update", "fields", "sentence"),
    [
        ("close", {"outcome": "whatever"}, "one of no_concern, reported, exited"),
        ("close", {"outcome": "reported", "reason": "ok"}, "at least 10 characters"),
        ("close", {"outcome": "reported", "role": Role.OPERATIONS}, "close is for"),
        ("freeze", {"role": Role.VIEWER}, "freeze is for"),
    ],
)
async def test_wrong_words_are_refused_with_a_sentence(case, update, fields, sentence):
    await case.open(VELOCITY)

    assert sentence in await refused(case.staff(update, **fields))
    assert case.book.records[-1].state == "open"
