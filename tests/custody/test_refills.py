"""Refills from the offline wallet: asked for once, signed offline, booked when nodes prove them."""

from typing import Any

import pytest

from chains.bitcoin.fees import satoshi
from ledger.account import AccountKind
from ledger.account import house as house_account
from storage import refills
from storage.custody_keys import wallet_address
from storage.custody_policy import read_asset
from storage.refills import Way
from storage.treasury import hot_units, warm_units
from tests.custody.house import BTC, COIN, House
from tests.custody.test_treasury import swept

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


async def own_coins(house: House, kind: AccountKind, units: int) -> None:
    """Coins that came to a wallet of the house, booked as its capital."""
    await house._transfer(
        house_account(kind, BTC), house_account(AccountKind.HOUSE_CAPITAL, BTC), units
    )


async def fill_cold_wallet(house: House, satoshi: int) -> None:
    async with house.engine.connect() as connection:
        cold = await wallet_address(connection, "cold-bitcoin")
    assert cold is not None
    await house.miner.pay(cold, f"{satoshi // COIN}.{satoshi % COIN:08d}")
    await house.mine("bitcoin")
    await own_coins(house, AccountKind.COLD_WALLET, satoshi)


async def pending(house: House, target: str = "hot") -> Any:
    async with house.engine.begin() as connection:
        found = await refills.pending(connection, "BTC")
    [request] = [each for each in found if refills.way_of(each).target == target]
    return request


async def all_swept(house: House) -> None:
    """Until the hot wallet's coins are as the treasury wants them: splitting them costs fees."""
    for number in range(5):
        told = await swept(house, "bitcoin", "BTC", f"refill-before-{number}")
        if "below the threshold" in told:
            return
    raise AssertionError(told)


async def signed_offline(house: House, request: Any) -> str:
    """By the keepers: a wallet of the node stands for theirs."""
    keepers = house.miner.node.wallet(refills.way_of(request).source)
    signed = await keepers.call("walletprocesspsbt", request.unsigned)
    final = await house.miner.node.call("finalizepsbt", signed["psbt"])
    return str(await house.miner.node.call("sendrawtransaction", final["hex"]))


async def hot(house: House) -> int:
    async with house.engine.connect() as connection:
        return await hot_units(connection, "BTC")


async def test_a_refill_is_asked_for_signed_offline_and_booked_once_it_is_final(house: House):
    await fill_cold_wallet(house, 3 * COIN)
    await house.set(
        "UPDATE custody_assets SET warm_low_units = 0, hot_low_units = 0, hot_high_units = :high"
        " WHERE asset = 'BTC'",
        high=10**12,
    )
    await all_swept(house)
    before = await hot(house)
    await house.set(
        "UPDATE custody_assets SET hot_low_units = :low, hot_target_units = :target,"
        " hot_high_units = :high WHERE asset = 'BTC'",
        low=before + 1,
        target=before + COIN,
        high=10**12,
    )
    asked = await swept(house, "bitcoin", "BTC", "refill-asked")
    request = await pending(house)
    again = await swept(house, "bitcoin", "BTC", "refill-asked-again")

    txid = await signed_offline(house, request)
    await house.mine("bitcoin")
    await house.assert_tied()  # Mined and not booked: accounted for all the same.
    await house.mine("bitcoin", 2)
    booked = await swept(house, "bitcoin", "BTC", "refill-booked")
    once = await swept(house, "bitcoin", "BTC", "refill-booked-once")

    assert f"refill request {request.id}" in asked
    assert f"refill request {request.id}" in again  # One request, however often one looks.
    assert txid == request.txid  # Known before anybody signed.
    assert f"refill {request.id}: 1 BTC booked" in booked
    assert "booked" not in once
    assert await hot(house) - before == COIN
    await house.assert_tied()


async def test_nothing_is_booked_on_the_keepers_word(house: House):
    """Somebody else's transaction, said to be the refill, is looked at and refused."""
    async with house.engine.begin() as connection:
        asset = await read_asset(connection, "BTC")
        request = await refills.ask(connection, asset, Way("cold", "hot"), COIN, "", None)
    foreign = await house.miner.pay(await house.hot_address("bitcoin"), "0.5")
    await house.mine("bitcoin", 3)
    async with house.engine.begin() as connection:
        await refills.note_sent(connection, request.id, foreign)
    before = await hot(house)

    told = await swept(house, "bitcoin", "BTC", "refill-foreign")

    assert "not paid by the cold wallet alone" in told
    assert await hot(house) == before
    assert (await pending(house)).id == request.id
    await house.set("UPDATE refill_requests SET status = 'cancelled' WHERE id = :id", id=request.id)
    await own_coins(house, AccountKind.HOT_WALLET, COIN // 2)  # A gift, booked by hand.
    await house.assert_tied()


async def thresholds(house: House, **units: int) -> None:
    changes = ", ".join(f"{name}_units = :{name}" for name in units)
    await house.set(f"UPDATE custody_assets SET {changes} WHERE asset = 'BTC'", **units)


async def on_chain(house: House, wallet_id: str) -> int:
    async with house.engine.connect() as connection:
        address = await wallet_address(connection, wallet_id)
    found = await house.miner.node.call("scantxoutset", "start", [f"addr({address})"])
    return sum(satoshi(each["amount"]) for each in found["unspents"])


async def test_the_warm_wallet_is_filled_first_refills_first_and_is_refilled(house: House):
    await house.set("UPDATE refill_requests SET status = 'cancelled' WHERE status <> 'done'")
    before, cold_before = await hot(house), await on_chain(house, "cold-bitcoin")
    await thresholds(house, warm_low=0, warm_target=2 * COIN, warm_high=3 * COIN)
    await thresholds(house, hot_low=0, hot_target=before - 3 * COIN, hot_high=before - 2 * COIN)

    await swept(house, "bitcoin", "BTC", "warm-filled")

    assert await on_chain(house, "warm-bitcoin") == 2 * COIN
    assert await on_chain(house, "cold-bitcoin") == cold_before + COIN
    left = await hot(house)
    assert before - 3 * COIN > left > before - 3 * COIN - COIN // 1000  # The fees.
    await house.assert_tied()

    await thresholds(house, hot_high=10**12, hot_target=left + COIN, hot_low=left + 1)
    asked = await swept(house, "bitcoin", "BTC", "warm-asked")
    await signed_offline(house, await pending(house))
    await house.mine("bitcoin", 3)
    await thresholds(house, warm_low=COIN, warm_target=2 * COIN)
    booked = await swept(house, "bitcoin", "BTC", "warm-booked")

    assert "1 BTC from the warm to the hot wallet" in asked
    assert "1 BTC booked" in booked
    async with house.engine.connect() as connection:
        warm = await warm_units(connection, "BTC")
    assert warm == await on_chain(house, "warm-bitcoin")
    assert COIN > warm > COIN - COIN // 1000
    assert await hot(house) == left + COIN
    await house.assert_tied()

    request = await pending(house, "warm")
    assert f"refill request {request.id}:" in booked
    assert refills.way_of(request) == Way("cold", "warm")
    await signed_offline(house, request)
    await house.mine("bitcoin", 3)
    await swept(house, "bitcoin", "BTC", "warm-refilled")

    async with house.engine.connect() as connection:
        assert await warm_units(connection, "BTC") == 2 * COIN
    assert await on_chain(house, "warm-bitcoin") == 2 * COIN
    await house.assert_tied()
