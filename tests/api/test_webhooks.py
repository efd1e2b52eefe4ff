"""Webhook messages: written by the database, signed, sent, tried again, given up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.webhooks import WebhookActivities, WebhookStep
from devstack.rented import Database, RentedStack
from domain.webhook import sign
from storage.catalog import read_catalog
from storage.engine import create_engine
from storage.webhook_sending import OPEN_MAX, WebhookSendings
from streams import aws
from streams.envelope import webhook_envelope
from streams.temporal import connect
from streams.webhook_http import WebhookHttp
from tests.api.answer_examples import like_example
from tests.api.conftest import Exchange, Person, eventually
from tests.api.receiver import EVENTS, Receiver, deliveries, pinged, registered
from tests.histories.recording import record_when_asked
from workers.temporal_worker import Queue, build_worker
from workers.webhook_worker import WebhookRelay
from workflows.webhook import WEBHOOKS_QUEUE, WebhookWorkflow

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def more_settings(servers: RentedStack) -> dict[str, Any]:
    servers.require("temporal")
    return {"webhook_allow_loopback": True}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver.running() as found:
        yield found


@dataclass
class Office:
    """What the webhook worker has, in this process."""

    engine: AsyncEngine
    sendings: WebhookSendings
    steps: WebhookActivities
    client: Client

    async def attempt_all(self) -> None:
        """One attempt of everything that waits, without Temporal."""
        for delivery_id in await self.sendings.due():
            await self.sendings.begun([delivery_id])
            await asyncio.gather(
                self.steps.attempt(WebhookStep(delivery_id=delivery_id)), return_exceptions=True
            )


@pytest.fixture(scope="module")
async def office(exchange: Exchange, database: Database) -> AsyncIterator[Office]:
    engine = create_engine(database.webhooks, pool_size=3)
    async with engine.connect() as connection:
        catalog = await read_catalog(connection)
    sendings = WebhookSendings(engine)
    http = WebhookHttp(allow_loopback=True)
    steps = WebhookActivities(sendings, http, webhook_envelope(aws.client("kms")), catalog)
    client = await connect(exchange.services.settings)
    yield Office(engine, sendings, steps, client)
    await record_when_asked(client)
    await engine.dispose()


async def test_a_message_is_signed_and_its_delivery_is_logged(
    exchange: Exchange, office: Office, receiver: Receiver
) -> None:
    person = await exchange.person()
    hook = await registered(person, f"{receiver.url}/in?x=1", ["deposit"])
    delivery_id = await pinged(person, hook)

    await office.attempt_all()

    [(headers, body)] = receiver.got
    assert headers["webhook-signature"] == sign(
        [hook["secret"]], headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    said = json.loads(body)
    assert said["type"] == "ping"
    assert said["id"] == headers["webhook-id"]
    assert said["data"] == {"webhook_id": hook["id"]}
    path = f"/v1/webhooks/{hook['id']}/deliveries/{delivery_id}"
    answer = await person.http.get(path)
    like_example("read_delivery", answer)
    found = answer.json()
    assert (found["status"], found["attempts"]) == ("delivered", 1)
    assert [(each["number"], each["status_code"], each["problem"]) for each in found["log"]] == [
        (1, 204, "")
    ]


async def test_a_replaced_secret_signs_beside_the_new_one(
    exchange: Exchange, office: Office, receiver: Receiver
) -> None:
    person = await exchange.person()
    old = await registered(person, receiver.url)
    new = (await person.http.post(f"/v1/webhooks/{old['id']}:rotate-secret")).json()
    await pinged(person, old)

    await office.attempt_all()

    [(headers, body)] = receiver.got
    moment = int(headers["webhook-timestamp"])
    secrets = [new["secret"], old["secret"]]
    assert new["secret"] != old["secret"]
    assert headers["webhook-signature"] == sign(secrets, headers["webhook-id"], moment, body)


CHANGES = {
    "deposit": (
        """
        INSERT INTO deposits (id, chain, txid, index, asset, units, address, customer_id, status,
            credit_confirmations, withdrawable_confirmations)
        VALUES (:id, 'bitcoin', :id, 0, 'BTC', 150000000, 'bcrt1qxyz', :owner, 'detected', 1, 2)
        """,
        {"asset": "BTC", "amount": "1.5", "status": "detected", "chain": "bitcoin"},
    ),
    "withdrawal": (
        """
        INSERT INTO withdrawals (id, customer_id, idempotency_key, fingerprint, asset, chain,
            units, fee_units, address, status)
        VALUES (:id, :owner, 'k', 'f', 'USDT', 'ethereum', 2500000, 1000000,
            '0xabc', 'held')
        """,
        {"asset": "USDT", "amount": "2.5", "fee": "1", "status": "held", "txid": None},
    ),
    "kyc": (
        """
        INSERT INTO kyc_cases (customer_id, state, tier, requested_tier, risk_score, changed_at)
        VALUES (:owner, 'approved', 1, 1, 77, now())
        """,
        {"state": "approved", "tier": 1, "requested_tier": 1},
    ),
}


def change_of(customer: Person) -> dict[str, Any]:
    return {"owner": customer.id, "id": f"of {customer.id}"}


@pytest.mark.parametrize("event", CHANGES)
async def test_the_database_tells_what_changes(
    exchange: Exchange, office: Office, receiver: Receiver, event: str
) -> None:
    person, silent = await exchange.person(), await exchange.person()
    await registered(person, receiver.url, [event])
    await registered(silent, receiver.url, [each for each in EVENTS if each != event])
    statement, expected = CHANGES[event]

    async with exchange.ledger.engine.begin() as connection:
        for customer in (person, silent):
            await connection.execute(text(statement), change_of(customer))
    await office.attempt_all()

    [(_, body)] = receiver.got
    said = json.loads(body)
    assert said["type"] == event
    assert {name: said["data"][name] for name in expected} == expected


async def test_a_filled_order_is_told(
    exchange: Exchange, office: Office, receiver: Receiver
) -> None:
    person = await exchange.person(USDT="1000")
    await registered(person, receiver.url, ["order.filled"])
    order = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "size": "0.01"}
    placed = (await person.http.post("/v1/orders", json={**order, "client_order_id": "c1"})).json()

    async with exchange.ledger.engine.begin() as connection:
        # What a settlement writes, put back at once: no ledger entry belongs to this fill.
        await connection.execute(
            text(
                "UPDATE orders SET status = 'filled', filled_lots = lots, closed_at = now(),"
                " filled_quote_units = 200000000, fee_units = 1000 WHERE id = :id"
            ),
            {"id": int(placed["id"])},
        )
        await connection.execute(
            text(
                "UPDATE orders SET status = 'placed', filled_lots = 0, closed_at = NULL,"
                " filled_quote_units = 0, fee_units = 0 WHERE id = :id"
            ),
            {"id": int(placed["id"])},
        )
    await office.attempt_all()

    [(_, body)] = receiver.got
    assert json.loads(body)["data"] == {
        "id": placed["id"],
        "client_order_id": "c1",
        "market": "BTC-USDT",
        "side": "buy",
        "status": "filled",
        "filled_size": "0.01",
        "filled_value": "200",
        "fee": "0.00001",
        "fee_asset": "BTC",
    }


async def test_what_is_rolled_back_is_not_told(exchange: Exchange, receiver: Receiver) -> None:
    person = await exchange.person()
    hook = await registered(person, receiver.url, ["kyc"])

    async with exchange.ledger.engine.connect() as connection:
        await connection.execute(text(CHANGES["kyc"][0]), change_of(person))
        await connection.rollback()

    assert await deliveries(person, hook) == []


async def test_temporal_tries_again_until_it_is_taken(
    exchange: Exchange, office: Office, receiver: Receiver
) -> None:
    person = await exchange.person()
    hook = await registered(person, receiver.url)
    receiver.answers = [500]
    await pinged(person, hook)
    relay = WebhookRelay(office.sendings, office.client)
    queue = Queue(WEBHOOKS_QUEUE, office.steps.all(), [WebhookWorkflow])

    async with build_worker(office.client, queue):
        assert await relay.begin() == 1
        assert await relay.begin() == 0

        async def is_taken() -> bool:
            return [each["status"] for each in await deliveries(person, hook)] == ["delivered"]

        await eventually(is_taken, seconds=60)

    (first, body), (second, again) = receiver.got
    assert body == again
    assert first["webhook-id"] == second["webhook-id"]
    shown = (await person.http.get(f"/v1/webhooks/{hook['id']}")).json()
    assert shown["failing_since"] is None


async def test_a_message_is_sent_again_on_request(
    exchange: Exchange, office: Office, receiver: Receiver
) -> None:
    person = await exchange.person()
    hook = await registered(person, receiver.url)
    delivery_id = await pinged(person, hook)
    await office.attempt_all()

    path = f"/v1/webhooks/{hook['id']}/deliveries/{delivery_id}:redeliver"
    assert (await person.http.post(path)).status_code == 202
    await office.attempt_all()

    first, second = receiver.got
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert [each["status"] for each in await deliveries(person, hook)] == ["delivered"] * 2


async def test_an_endpoint_that_takes_nothing_for_days_is_disabled(
    exchange: Exchange, office: Office, database: Database, receiver: Receiver
) -> None:
    person = await exchange.person()
    hook = await registered(person, receiver.url)
    receiver.answers = [503, 503]
    young, old = await pinged(person, hook), await pinged(person, hook)
    await office.attempt_all()
    await office.steps.give_up(WebhookStep(delivery_id=int(young)))
    path = f"/v1/webhooks/{hook['id']}"
    assert (await person.http.get(path)).json()["is_enabled"] is True

    await exchange.as_api(
        "UPDATE webhook_endpoints SET failing_since = now() - interval '3 days' WHERE id = :id",
        id=hook["id"],
    )
    await office.steps.give_up(WebhookStep(delivery_id=int(old)))

    shown = (await person.http.get(path)).json()
    assert (shown["is_enabled"], shown["disabled_reason"]) == (False, "it took nothing for days")
    assert [each["status"] for each in await deliveries(person, hook)] == ["failed"] * 2
    actions = (await person.http.get("/v1/account/actions")).json()["data"]
    assert "webhook_disabled" in {each["action"] for each in actions}
    waiting = await pinged(person, hook)
    assert await office.sendings.drop_unwanted() == 1
    found = (await person.http.get(f"{path}/deliveries/{waiting}")).json()
    assert found["status"] == "failed"


async def test_410_gone_disables_at_once(
    exchange: Exchange, office: Office, receiver: Receiver
) -> None:
    person = await exchange.person()
    hook = await registered(person, receiver.url)
    receiver.answers = [410]
    await pinged(person, hook)

    await office.attempt_all()

    shown = (await person.http.get(f"/v1/webhooks/{hook['id']}")).json()
    assert (shown["is_enabled"], shown["disabled_reason"]) == (False, "it answered 410 Gone")


async def test_one_endpoint_does_not_take_up_the_worker(
    exchange: Exchange, office: Office, receiver: Receiver
) -> None:
    busy, other = await exchange.person(), await exchange.person()
    hook = await registered(busy, receiver.url)
    for _ in range(OPEN_MAX + 2):
        await pinged(busy, hook)
    theirs = await pinged(other, await registered(other, receiver.url))

    due = await office.sendings.due()
    await office.sendings.begun(due)

    assert len(due) == OPEN_MAX + 1
    assert int(theirs) in due
    assert await office.sendings.due() == []
    for delivery_id in due:
        await office.steps.attempt(WebhookStep(delivery_id=delivery_id))
    await office.attempt_all()
    assert len(receiver.got) == OPEN_MAX + 3


async def test_the_senders_role_reads_webhooks_and_nothing_of_money(office: Office) -> None:
    for statement in (
        "SELECT count(*) FROM accounts",
        "SELECT count(*) FROM customers",
        "SELECT count(*) FROM api_keys",
        "SELECT count(*) FROM deposits",
        (
            "INSERT INTO webhook_endpoints (id, customer_id, url, events, secret_sealed)"
            " VALUES ('x', 1001, 'https://x.com', '{}', '')"
        ),
        "UPDATE webhook_endpoints SET url = 'https://x.com'",
        "SELECT tell_webhooks(1001, 'deposit', '{}')",
    ):
        async with office.engine.connect() as connection:
            with pytest.raises(ProgrammingError, match="permission denied"):
                await connection.execute(text(statement))
