"""The simulated vendor's scenarios as we meet them, and its webhooks as they reach a case."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import text

from activities.kyc_messages import CheckAnswer
from api.kyc_webhook import KycWebhook
from cli.demo.customer import eventually
from compliance.kyc import VendorOutcome
from compliance.webhooks import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WebhookForged,
    WebhookStale,
    check_webhook,
    sign_webhook,
)
from devstack.kyc_vendor import SimulatedVendor, VendorSettings
from devstack.kyc_vendor_scenarios import BEHAVIOURS, Scenario
from devstack.rented import Database
from domain.errors import InvalidInput
from storage.engine import create_engine
from storage.kyc import KycStore
from streams.kyc_vendor import KycVendor, VendorAnswer

SECRET, KEY = "between us", "an api key"
PERSON = {"given_names": "Anna Maria", "family_name": "Eriksson"}
OUTCOMES = {
    Scenario.APPROVE: "clear",
    Scenario.REJECT: "rejected",
    Scenario.CONSIDER: "consider",
    Scenario.NEEDS_INFO: "needs_info",
    Scenario.LATE: "clear",
    Scenario.DUPLICATE: "clear",
    Scenario.WRONG_SIGNATURE: "clear",
    Scenario.SILENT: "clear",
}


@dataclass
class Ear:
    """Where the vendor's webhooks arrive."""

    calls: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        headers = request.headers
        call = (headers[TIMESTAMP_HEADER], headers[SIGNATURE_HEADER], await request.read())
        self.calls.append(call)
        return web.Response(status=403 if self.is_forged(call) else 204)

    @staticmethod
    def is_forged(call: tuple[str, str, bytes]) -> bool:
        try:
            check_webhook([SECRET.encode()], *call, time.time())
        except WebhookForged:
            return True
        return False


@asynccontextmanager
async def playing(scenario: Scenario) -> AsyncIterator[tuple[KycVendor, Ear]]:
    ear = Ear()
    receiver = web.Application()
    receiver.router.add_post("/webhook", ear.hear)
    async with TestServer(receiver) as listening:
        settings = VendorSettings(
            webhook_url=str(listening.make_url("/webhook")),
            webhook_secret=SECRET,
            api_key=KEY,
            delay_seconds=0.05,
            default=scenario,
        )
        async with TestServer(SimulatedVendor(settings).app()) as serving:
            vendor = KycVendor(str(serving.make_url("/")), KEY)
            yield vendor, ear
            await vendor.close()


async def answer_of(vendor: KycVendor, check_id: str) -> VendorAnswer:
    async def finished() -> VendorAnswer | None:
        answer = await vendor.check(check_id)
        return answer if answer.outcome else None

    return await eventually("the check is finished", finished, 30)


@pytest.mark.parametrize("scenario", list(Scenario))
async def test_each_scenario_plays_as_it_says(scenario: Scenario):
    behaviour = BEHAVIOURS[scenario]
    async with playing(scenario) as (vendor, ear):
        check_id = await vendor.start_check("kyc/1:check:1", PERSON, [])
        assert await vendor.start_check("kyc/1:check:1", PERSON, []) == check_id
        answer = await answer_of(vendor, check_id)

        async def told() -> bool | None:
            return True if len(ear.calls) >= behaviour.webhooks else None

        await eventually("its webhooks came", told, 30)

    assert answer.outcome == OUTCOMES[scenario]
    assert (tuple(answer.reasons), answer.question) == (behaviour.reasons, behaviour.question)
    assert len(ear.calls) == {Scenario.DUPLICATE: 3, Scenario.SILENT: 0}.get(scenario, 1)
    assert {ear.is_forged(call) for call in ear.calls} <= {scenario is Scenario.WRONG_SIGNATURE}
    assert all(json.loads(body).keys() == _NO_VERDICT for _, _, body in ear.calls)


_NO_VERDICT = {"event_id", "check_id", "type"}


async def test_a_late_check_is_not_finished_at_first():
    async with playing(Scenario.LATE) as (vendor, _):
        check_id = await vendor.start_check("kyc/1:check:1", PERSON, [])

        assert (await vendor.check(check_id)).outcome is None
        assert (await answer_of(vendor, check_id)).outcome == "clear"


@dataclass
class Door:
    """Where webhooks reach us, on a real database and a real workflow."""

    webhook: KycWebhook
    check_id: str

    async def knock(
        self, event_id: str, *, secret: str = SECRET, age: int = 0, check_id: str = ""
    ) -> bool:
        body = json.dumps({"event_id": event_id, "check_id": check_id or self.check_id}).encode()
        moment = int(time.time()) - age
        signature = sign_webhook(secret.encode(), moment, body)
        return await self.webhook.receive(str(moment), signature, body)


@pytest.fixture
async def door(customer, world, database: Database) -> AsyncIterator[Door]:
    """A case that waits for the vendor."""
    world.answer = CheckAnswer()
    await customer.submit()
    await customer.await_vendor()
    owner, api = create_engine(database.owner), create_engine(database.api)
    async with owner.begin() as connection:
        who = {"id": customer.id, "email": f"{customer.id}@example.com"}
        await connection.execute(
            text("INSERT INTO customers (id, email) OVERRIDING SYSTEM VALUE VALUES (:id, :email)"),
            who,
        )
        await connection.execute(
            text(
                "INSERT INTO vendor_checks (id, customer_id, key) VALUES ('chk-1', :id, 'k')"
                " ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id"
            ),
            {"id": customer.id},
        )
    store = KycStore(api)
    yield Door(KycWebhook(customer.client, store, [SECRET.encode()]), "chk-1")
    await owner.dispose()
    await api.dispose()


@pytest.mark.stack
async def test_a_webhook_counts_once_and_the_verdict_is_fetched(customer, world, door: Door):
    world.answer = CheckAnswer(outcome=VendorOutcome.CLEAR)

    heard = [await door.knock("evt-1") for _ in range(3)]
    await customer.reach("manual_review")

    assert heard == [True, False, False]
    assert world.states.count("manual_review") == 1


@pytest.mark.stack
async def test_forged_stale_and_strange_webhooks_are_refused(customer, world, door: Door):
    asked = world.asked

    with pytest.raises(WebhookForged):
        await door.knock("evt-2", secret="not the secret")
    with pytest.raises(WebhookStale):
        await door.knock("evt-3", age=600)
    with pytest.raises(InvalidInput):
        await door.knock("evt-4", check_id="chk-of-nobody")

    assert (await customer.status()).state == "vendor_pending"
    assert world.asked == asked
