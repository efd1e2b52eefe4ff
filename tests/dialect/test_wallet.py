"""The wallet endpoints: coins, addresses, deposits, withdrawals."""

from __future__ import annotations

from eth_account import Account

from tests.dialect.conftest import House

ADDRESS = Account.create().address


async def test_coins_and_addresses(house: House) -> None:
    customer = await house.customer(BTC="1")
    coins = {
        each["coin"]: each for each in await customer.ask("GET", "/sapi/v1/capital/config/getall")
    }
    address = await customer.ask("GET", "/sapi/v1/capital/deposit/address", coin="BTC")
    same = await customer.ask("GET", "/sapi/v1/capital/deposit/address", coin="BTC", network="BTC")

    assert coins["BTC"]["free"] == "1.00000000"
    assert coins["USDT"]["networkList"][0]["network"] == "ETH"
    assert address == same
    assert address["address"].startswith("bcrt1")
    assert await customer.ask("GET", "/sapi/v1/capital/deposit/hisrec") == []
    assert (
        await customer.refused("GET", "/sapi/v1/capital/deposit/address", coin="BTC", network="SOL")
    )[:2] == (400, -4018)


async def test_a_withdrawal_takes_its_fee_out_of_the_amount_and_is_made_once(house: House) -> None:
    customer = await house.customer(scopes=("read", "withdraw"), ETH="2")
    await house.set_tier(customer.id, 2)
    wanted = {"coin": "ETH", "address": ADDRESS, "amount": "0.5", "withdrawOrderId": "w-1"}
    first = await customer.ask("POST", "/sapi/v1/capital/withdraw/apply", **wanted)
    again = await customer.ask("POST", "/sapi/v1/capital/withdraw/apply", **wanted, recvWindow=9000)
    [row] = await customer.ask("GET", "/sapi/v1/capital/withdraw/history", coin="ETH")
    account = await customer.ask("GET", "/api/v3/account", omitZeroBalances="true")

    assert first == again == {"id": row["id"]}
    assert row["withdrawOrderId"] == "w-1"
    assert float(row["amount"]) + float(row["transactionFee"]) == 0.5
    assert row["status"] in (2, 4)
    assert account["balances"] == [{"asset": "ETH", "free": "1.50000000", "locked": "0.50000000"}]


async def test_withdrawals_are_refused_with_reasons(house: House) -> None:
    customer = await house.customer(scopes=("read", "withdraw"), ETH="2")
    path = "/sapi/v1/capital/withdraw/apply"
    wanted = {"coin": "ETH", "address": ADDRESS, "amount": "0.5"}
    await house.set_tier(customer.id, 0)
    unverified = await customer.refused("POST", path, **wanted)
    await house.set_tier(customer.id, 2)
    refusals = [
        (await customer.refused("POST", path, **{**wanted, **change}))[1]
        for change in (
            {"address": "0x12"},
            {"amount": "0.000000000000000001"},
            {"amount": "3"},
            {"coin": "DOGE"},
        )
    ]

    assert unverified[1] in (-4015, -4023)
    assert refusals == [-4007, -4022, -4026, -4018]


async def test_the_small_ones(house: House) -> None:
    customer = await house.customer()

    assert (await house.http.get("/sapi/v1/system/status")).json() == {
        "status": 0, "msg": "normal",
    }  # fmt: skip
    assert await customer.ask("GET", "/sapi/v1/asset/tradeFee", symbol="BTCUSDT") == [
        {"symbol": "BTCUSDT", "makerCommission": "0.00100000", "takerCommission": "0.00200000"}
    ]
    assert await customer.ask("GET", "/sapi/v1/account/status") == {"data": "Normal"}
    assert (await customer.ask("GET", "/sapi/v1/account/info"))["vipLevel"] == 0
    assert (await customer.ask("GET", "/sapi/v1/fiat/orders", transactionType=0))["data"] == []
    assert (await house.http.get("/fapi/v1/exchangeInfo")).json()["symbols"] == []
    restrictions = await customer.ask("GET", "/sapi/v1/account/apiRestrictions")
    assert restrictions["enableSpotAndMarginTrading"] is True
    assert restrictions["enableWithdrawals"] is False
