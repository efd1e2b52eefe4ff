"""A server that is gone gives a clear 503, readiness names it, and all recovers by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from devstack.rented import Database, RentedStack
from streams.aws import pointed_at
from tests.api.conftest import Exchange, Person, eventually, problem
from tests.api.gate import Gate
from tests.api.test_bad_input import LIMIT, WITHDRAWAL

PARTS = {"postgres": "postgres", "valkey": "valkey", "temporal": "temporal", "order_queue": "roto"}
"""By the name that readiness gives it: the server behind the gate."""


@pytest.fixture(scope="module")
async def gates(servers: RentedStack, clients: None) -> AsyncIterator[dict[str, Gate]]:
    servers.require("temporal")
    gates = {name: Gate(servers.port(part)) for name, part in PARTS.items()}
    for gate in gates.values():
        await gate.open()
    queue = f"http://127.0.0.1:{gates['order_queue'].port}"
    with pointed_at({**servers.env, "AWS_ENDPOINT_URL_SQS": queue}):
        yield gates


@pytest.fixture(scope="module")
def more_settings(gates: dict[str, Gate], database: Database) -> dict[str, Any]:
    def through(gate: Gate, url: str) -> str:
        return url.replace(f":{urlsplit(url).port}", f":{gate.port}")

    return {
        "database_url": through(gates["postgres"], database.api),
        "valkey_url": f"valkey://127.0.0.1:{gates['valkey'].port}/0",
        "temporal_address": f"127.0.0.1:{gates['temporal'].port}",
    }


@pytest.fixture(scope="module")
async def person(exchange: Exchange) -> Person:
    return await exchange.person(USDT="100000")


@asynccontextmanager
async def gone(exchange: Exchange, gates: dict[str, Gate], name: str) -> AsyncIterator[None]:
    """The part is away inside the block; afterwards everything is ready again by itself."""
    await eventually(lambda: is_ready(exchange), seconds=60)
    await gates[name].shut()
    ready = await exchange.http.get("/readyz")
    assert ready.status_code == 503
    parts = ready.json()["parts"]
    assert [each for each in parts if not parts[each]["healthy"]] == [name]
    assert (await exchange.http.get("/healthz")).status_code == 200
    yield
    await gates[name].open()
    await eventually(lambda: is_ready(exchange), seconds=60)


async def is_ready(exchange: Exchange) -> bool:
    return (await exchange.http.get("/readyz")).status_code == 200


async def places_again(person: Person) -> None:
    async def placed() -> bool:
        return (await person.http.post("/v1/orders", json=LIMIT)).status_code == 201

    await eventually(placed, seconds=60)


async def test_without_the_database_nothing_is_promised(
    exchange: Exchange, gates: dict[str, Gate], person: Person
) -> None:
    entries = await exchange.entries()
    async with gone(exchange, gates, "postgres"):
        order = await person.http.post("/v1/orders", json=LIMIT)
        balances = await person.http.get("/v1/balances")
        markets = await exchange.http.get("/v1/markets")

        problem(order, 503, "unavailable")
        problem(balances, 503, "unavailable")
        assert order.headers["retry-after"] == "1"
        assert markets.status_code == 200

    assert await exchange.entries() == entries
    await places_again(person)


async def test_without_the_queue_nothing_new_is_held(
    exchange: Exchange, gates: dict[str, Gate], person: Person
) -> None:
    async with gone(exchange, gates, "order_queue"):
        first = await person.http.post("/v1/orders", json=LIMIT)
        entries = await exchange.entries()
        second = await person.http.post("/v1/orders", json=LIMIT)

        assert first.status_code == 202, "it was held before we knew: the relay will send it"
        assert first.json()["queued"] is False
        assert problem(second, 503, "unavailable")["part"] == "order queue"
        assert await exchange.entries() == entries

    await places_again(person)


async def test_without_valkey_trading_goes_on(
    exchange: Exchange, gates: dict[str, Gate], person: Person
) -> None:
    async with gone(exchange, gates, "valkey"):
        order = await person.http.post("/v1/orders", json=LIMIT)
        limited = await exchange.http.get("/v1/time")

        assert order.status_code == 201, order.text
        assert limited.headers["ratelimit"].startswith('"address"')


async def test_without_temporal_trading_goes_on_and_withdrawals_wait_in_the_database(
    exchange: Exchange, gates: dict[str, Gate], person: Person
) -> None:
    await exchange.set_tier(person.id, 2)
    await exchange.give(person.id, "BTC", "1")
    async with gone(exchange, gates, "temporal"):
        order = await person.http.post("/v1/orders", json=LIMIT)
        withdrawal = await person.http.post(
            "/v1/withdrawals", json=WITHDRAWAL, headers={"idempotency-key": "without-temporal"}
        )

        assert order.status_code == 201, order.text
        assert withdrawal.status_code == 202, withdrawal.text
        assert (await person.balance("BTC"))[1] != "0", "held, for the relay to start it"
