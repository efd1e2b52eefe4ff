"""What everybody may know without an account: the fees, and whether the books tie."""

from __future__ import annotations

from tests.api.conftest import Exchange


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
