"""The dead-man switch: it fires when nobody renews it, whoever is alive to fire it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.ids import CustomerId
from tests.api.conftest import Exchange, Person, eventually, problem
from tests.api.test_bad_input import LIMIT
from tests.api.test_socket import has_cancel_all

MARKET = "BTC-USDT"
PATH = "/v1/dead-man-switch"


async def let_time_pass(exchange: Exchange, customer_id: CustomerId) -> None:
    """As if the switch had been put long ago."""
    await exchange.as_api(
        "UPDATE dead_man_switches SET fires_at = now() WHERE customer_id = :id", id=customer_id
    )


@pytest.fixture
async def trader(exchange: Exchange) -> Person:
    person = await exchange.person(USDT="1000")
    await person.http.post("/v1/orders", json=LIMIT)
    return person


async def test_it_cancels_everything_when_its_time_has_come(
    exchange: Exchange, trader: Person
) -> None:
    put = (await trader.http.put(PATH, json={"seconds": 60})).json()
    assert datetime.fromisoformat(put["fires_at"]) > datetime.now(UTC)
    assert MARKET in put["markets"]
    assert not await has_cancel_all(exchange, trader)

    await let_time_pass(exchange, trader.id)

    await eventually(lambda: has_cancel_all(exchange, trader))

    async def is_off() -> bool:
        return not (await trader.http.get(PATH)).json()["is_set"]

    await eventually(is_off)


async def test_renewing_it_moves_its_time(exchange: Exchange, trader: Person) -> None:
    first = (await trader.http.put(PATH, json={"seconds": 60, "markets": [MARKET]})).json()
    again = (await trader.http.put(PATH, json={"seconds": 600, "markets": [MARKET]})).json()

    assert again["fires_at"] > first["fires_at"]
    assert (await trader.http.get(PATH)).json() == again


async def test_switched_off_it_does_not_fire(exchange: Exchange, trader: Person) -> None:
    await trader.http.put(PATH, json={"seconds": 5})

    assert (await trader.http.delete(PATH)).status_code == 204
    assert (await trader.http.get(PATH)).json()["is_set"] is False


async def test_it_can_be_set_over_the_socket(exchange: Exchange, trader: Person) -> None:
    async with exchange.socket(trader) as socket:
        put = await socket.ask("dead_man_switch", seconds=60, markets=[MARKET])
        assert (await trader.http.get(PATH)).json()["fires_at"] == put["result"]["fires_at"]
        await socket.ask("dead_man_switch", seconds=0)

    assert (await trader.http.get(PATH)).json()["is_set"] is False


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"seconds": 4}, 400, "invalid_input"),
        ({"seconds": 86_401}, 400, "invalid_input"),
        ({"seconds": 60, "markets": ["BTC-EUR"]}, 404, "unknown_market"),
    ],
)
async def test_nonsense_is_refused(
    exchange: Exchange, trader: Person, body: dict[str, object], status: int, code: str
) -> None:
    problem(await trader.http.put(PATH, json=body), status, code)
