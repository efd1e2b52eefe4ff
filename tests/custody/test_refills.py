"""Refills from the offline wallet: asked for once, signed offline, booked when nodes prove them."""

from typing import Any

import pytest

from ledger.account import AccountKind
from ledger.account import house as house_account
from storage import refills
from storage.custody_keys import wallet_address
from storage.custody_policy import read_asset
from storage.treasury import hot_units
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


async def pending(house: House) -> Any:
    async with house.engine.begin() as connection:
        return await refills.pending(connection, "BTC")


async def hot(house: House) -> int:
    async with house.engine.connect() as connection:
        return await hot_units(connection, "BTC")


async def test_a_refill_is_asked_for_signed_offline_and_booked_once_it_is_final(house: House):
    await fill_cold_wallet(house, 3 * COIN)
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

    cold = house.miner.node.wallet("cold")
    signed = await cold.call("walletprocesspsbt", request.unsigned)
    final = await house.miner.node.call("finalizepsbt", signed["psbt"])
    txid = await house.miner.node.call("sendrawtransaction", final["hex"])
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
        request = await refills.ask(connection, asset, COIN, "", None)
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
