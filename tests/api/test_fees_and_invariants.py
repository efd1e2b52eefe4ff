"""What everybody may know without an account: the fees, and whether the books tie."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from devstack.rented import Database
from ledger.fees import FeeRates
from storage.engine import create_engine
from tests.api.conftest import Exchange, Person

MARKET_RATES, PROMOTION, USUAL = FeeRates(500, 900), FeeRates(0, 100), FeeRates(1_000, 2_000)


@pytest.fixture
async def schedule(exchange: Exchange, database: Database) -> AsyncIterator[AsyncEngine]:
    """Where tests put rates; gone afterwards."""
    owner = create_engine(database.owner)
    yield owner
    async with owner.begin() as connection:
        await connection.execute(text("DELETE FROM fee_rates WHERE volume_min_units = 0"))
    exchange.services.trading.fees.forget()
    await owner.dispose()


async def _add(owner: AsyncEngine, rates: FeeRates, **where: object) -> None:
    values = {"market": None, "customer": None, **where}
    async with owner.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO fee_rates (market, customer_id, volume_min_units, maker_fee_ppm,"
                " taker_fee_ppm) VALUES (:market, :customer, 0, :maker, :taker)"
            ),
            {**values, "maker": rates.maker_ppm, "taker": rates.taker_ppm},
        )


async def test_everybody_sees_what_trading_and_withdrawing_costs(exchange: Exchange) -> None:
    answer = (await exchange.client().get("/v1/fees")).json()

    [rule] = [each for each in answer["trading"] if each["market"] is None]
    assert (rule["volume_min"], rule["maker_percent"], rule["taker_percent"]) == ("0", "0.1", "0.2")
    by_asset = {each["asset"]: each for each in answer["assets"]}
    assert by_asset["BTC"]["chain"] == "bitcoin"
    assert by_asset["USDT"]["chain"] == "ethereum"


async def test_everybody_sees_the_newest_comparison_of_each_asset(exchange: Exchange) -> None:
    async with exchange.ledger.pool.acquire() as connection:
        for difference in (7, 0):
            await connection.execute(
                "INSERT INTO reconciliations (run_id, asset, ledger_units, chain_units,"
                " difference_units) VALUES ($3, 'BTC', 100, $1, $2)",
                100 + difference,
                difference,
                f"run-{difference}",
            )

    answer = (await exchange.client().get("/v1/status/invariants")).json()

    assert [(each["asset"], each["holds"]) for each in answer["data"]] == [("BTC", True)]


async def test_an_order_gets_the_rates_of_its_market_and_of_its_customer(
    exchange: Exchange, schedule: AsyncEngine
) -> None:
    """A promotion before the market's rates, these before the default, by every way to place. The
    fee is taken from what is received, so no rate is too high for the hold.
    """
    promoted, other = [await exchange.person(USDT="20000", BTC="1") for _ in range(2)]
    await _add(schedule, MARKET_RATES, market="BTC-USDT")
    await _add(schedule, PROMOTION, customer=promoted.id)
    exchange.services.trading.fees.forget()
    for person in (promoted, other):
        await _place_everywhere(person)
        # Sizes, and prices times sizes; not a unit for fees.
        assert (await person.balance("USDT"))[1] == str(3 * 480 + 20)
        assert (await person.balance("BTC"))[1] == "0.01"

    async with schedule.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT customer_id, market, maker_fee_ppm, taker_fee_ppm, count(*) FROM orders"
                " WHERE customer_id IN (:one, :two) GROUP BY 1, 2, 3, 4"
            ),
            {"one": promoted.id, "two": other.id},
        )
        found = {(row[0], row[1]): (FeeRates(row[2], row[3]), row[4]) for row in rows}
    assert found == {
        (promoted.id, "BTC-USDT"): (PROMOTION, 5),
        (promoted.id, "ETH-USDT"): (PROMOTION, 1),
        (other.id, "BTC-USDT"): (MARKET_RATES, 5),
        (other.id, "ETH-USDT"): (USUAL, 1),
    }


async def _place_everywhere(person: Person) -> None:
    bitcoin = {"market": "BTC-USDT", "side": "buy", "price": "48000", "size": "0.01"}
    ether = {"market": "ETH-USDT", "side": "buy", "price": "2000", "size": "0.01"}
    await _post(person, "/v1/orders", bitcoin)
    await _post(person, "/v1/orders:batch", {"orders": [bitcoin, ether, bitcoin]})
    limit = {**bitcoin, "side": "sell", "price": "60000"}
    stop = {"type": "stop_limit", "stop_price": "45000", "price": "44000"}
    await _post(person, "/v1/orders:pair", {"limit": limit, "stop": {**limit, **stop}})


async def _post(person: Person, path: str, body: object) -> None:
    answer = await person.http.post(path, json=body)
    assert answer.status_code < 300, answer.text
