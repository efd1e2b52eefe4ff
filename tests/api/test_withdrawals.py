"""Withdrawals over HTTP: quoted, shown with an estimate, cancelled, paged without a gap."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client

from activities.withdrawals import WithdrawalActivities
from devstack.rented import Database, RentedStack
from storage.engine import create_engine
from streams.notices import NoNotices
from streams.temporal import connect
from tests.api.answer_examples import like_example
from tests.api.conftest import Exchange, Person, eventually, problem
from tests.chains.house import plant
from workers.temporal_worker import Queue, build_worker
from workflows.withdrawal import WithdrawalWorkflow

pytestmark = pytest.mark.stack

PAYEE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
_keys = itertools.count()


async def rich(exchange: Exchange) -> Person:
    person = await exchange.person(BTC="1")
    await exchange.set_tier(person.id, 3)
    return person


async def asked(person: Person, amount: str = "0.001", address: str = PAYEE) -> dict[str, Any]:
    answer = await person.http.post(
        "/v1/withdrawals",
        json={"asset": "BTC", "amount": amount, "address": address},
        headers={"Idempotency-Key": f"w{next(_keys)}"},
    )
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


@pytest.fixture(scope="module")
async def workflows(servers: RentedStack, exchange: Exchange) -> AsyncIterator[Client]:
    """Withdrawals' workflows run, nobody screens: so they stay held."""
    servers.require("temporal")
    client = await connect(exchange.services.settings)
    parts: Any = (exchange.ledger.engine, exchange.ledger, exchange.services.catalog, NoNotices())
    queues = (
        Queue("workflows", workflows=[WithdrawalWorkflow]),
        Queue("ledger", WithdrawalActivities(*parts).all()),
    )
    async with build_worker(client, queues[0]), build_worker(client, queues[1]):
        yield client


@pytest.fixture(scope="module")
async def xpubs(exchange: Exchange, database: Database) -> None:
    """Deposit addresses can be given out."""
    owner = create_engine(database.owner)
    await plant(owner)
    await owner.dispose()


async def test_a_quote_says_fee_total_and_kind(exchange: Exchange, xpubs: None):
    person, friend = await rich(exchange), await exchange.person()
    address = (await friend.http.post("/v1/deposit-addresses/BTC")).json()["address"]
    query = {"asset": "BTC", "amount": "0.5"}

    outside = (await person.http.get("/v1/withdrawals/quote", params=query)).json()
    inside = (
        await person.http.get("/v1/withdrawals/quote", params={**query, "address": address})
    ).json()

    assert (outside["kind"], outside["fee"], outside["total"]) == ("chain", "0.0001", "0.5001")
    assert (inside["kind"], inside["fee"], inside["total"]) == ("internal", "0", "0.5")
    assert outside["estimate"]["waits_for"] == "hot_funds"  # This house has no coins at all.
    assert outside["estimate"]["expected_at"] is not None


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"asset": "DOGE"}, 404, "unknown_asset"),
        ({"amount": "-1"}, 422, "invalid_amount"),
        ({"amount": "0.000000001"}, 422, "invalid_amount"),
        ({"address": "nonsense"}, 422, "invalid_address"),
    ],
)
async def test_bad_quotes_are_refused(
    exchange: Exchange, change: dict[str, str], status: int, code: str
):
    person = await exchange.person()
    query = {"asset": "BTC", "amount": "0.5", **change}

    problem(await person.http.get("/v1/withdrawals/quote", params=query), status, code)


async def test_the_fee_held_is_the_fee_quoted(exchange: Exchange):
    person = await rich(exchange)
    query = {"asset": "BTC", "amount": "0.25", "address": PAYEE}
    quoted = (await person.http.get("/v1/withdrawals/quote", params=query)).json()

    await asked(person, "0.25")

    _, held = await person.balance("BTC")
    assert held == quoted["total"]


async def test_pages_show_every_withdrawal_once_even_of_one_moment(exchange: Exchange):
    person = await rich(exchange)
    ids = {(await asked(person))["id"] for _ in range(7)}
    async with exchange.ledger.pool.acquire() as connection:
        await connection.execute(
            "UPDATE withdrawals SET created_at = now() WHERE customer_id = $1", person.id
        )

    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await person.http.get("/v1/withdrawals", params={"limit": 2, **cursor})).json()
        seen += [each["id"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert len(seen) == 7
    assert set(seen) == ids


@pytest.mark.parametrize("cursor", ["nonsense", "djE6MTI", "djI6eDp5", "djI6MQ"])
async def test_a_cursor_of_nobodys_is_refused(exchange: Exchange, cursor: str):
    person = await exchange.person()

    for path in ("/v1/withdrawals", "/v1/deposits"):
        problem(await person.http.get(path, params={"cursor": cursor}), 400, "invalid_input")


async def test_an_open_withdrawal_shows_what_it_waits_for(exchange: Exchange):
    person = await rich(exchange)
    withdrawal = await asked(person)

    shown = (await person.http.get(f"/v1/withdrawals/{withdrawal['id']}")).json()

    assert withdrawal["estimate"]["waits_for"] == "checks"
    assert shown["estimate"]["waits_for"] == "checks"
    assert [entry["event"] for entry in shown["timeline"]] == ["requested"]


async def test_a_cancelled_withdrawal_gives_amount_and_fee_back(
    exchange: Exchange, workflows: Client
):
    person = await rich(exchange)
    before = await person.balance("BTC")
    withdrawal = await asked(person)

    cancelled = await person.http.delete(f"/v1/withdrawals/{withdrawal['id']}")
    again = await person.http.delete(f"/v1/withdrawals/{withdrawal['id']}")

    assert cancelled.status_code == 200, cancelled.text
    like_example("cancel_withdrawal", cancelled)
    assert (cancelled.json()["status"], cancelled.json()["estimate"]) == ("cancelled", None)
    assert again.json() == cancelled.json()
    assert await person.balance("BTC") == before


async def test_what_is_being_paid_cannot_be_cancelled(exchange: Exchange, workflows: Client):
    person = await rich(exchange)
    withdrawal = await asked(person)
    async with exchange.ledger.pool.acquire() as connection:
        await connection.execute(
            "UPDATE withdrawals SET status = 'reserved' WHERE id = $1", withdrawal["id"]
        )
    before = await person.balance("BTC")

    refused = await person.http.delete(f"/v1/withdrawals/{withdrawal['id']}")

    problem(refused, 409, "wrong_state")
    assert await person.balance("BTC") == before


async def test_nobody_cancels_what_is_not_theirs(exchange: Exchange):
    owner, other = await rich(exchange), await exchange.person()
    withdrawal = await asked(owner)

    refused = await other.http.delete(f"/v1/withdrawals/{withdrawal['id']}")

    problem(refused, 404, "unknown_withdrawal")


async def test_cancelling_at_once_from_many_sides_releases_once(
    exchange: Exchange, workflows: Client
):
    person = await rich(exchange)
    before = await person.balance("BTC")
    withdrawal = await asked(person)

    answers = await asyncio.gather(
        *(person.http.delete(f"/v1/withdrawals/{withdrawal['id']}") for _ in range(5))
    )

    assert {answer.status_code for answer in answers} <= {200, 409}

    async def is_back() -> bool:
        return await person.balance("BTC") == before

    await eventually(is_back)
