"""Blocks that leave the chain: credits are taken back, and given again only under the same id."""

import pytest
from sqlalchemy import select, text

from storage.tables_custody import withdrawal_settings
from tests.custody.house import BTC, COIN, House

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


async def credited(house: House, amount: str = "0.5") -> tuple[int, str, list[str]]:
    """A customer whose deposit is credited in the last block; also that block's hash."""
    customer = await house.customer()
    txid = await house.miner.pay(await house.address(customer, "bitcoin"), amount)
    blocks = await house.miner.mine()
    await house.scan()
    await house.until_deposit(txid, "credited")
    return customer, txid, blocks


async def replace(house: House, blocks: list[str], count: int) -> None:
    """The chain goes on without these blocks and what they held."""
    await house.miner.node.call("invalidateblock", blocks[0])
    for _ in range(count):
        await house.miner.mine_empty()
    await house.scan()


async def test_a_credit_whose_block_is_replaced_is_taken_back_and_returns_once(house: House):
    customer, txid, blocks = await credited(house)

    await replace(house, blocks, 2)
    await house.until_deposit(txid, "reversed")
    without = await house.balance(customer, BTC)
    await house.assert_tied()
    await house.mine("bitcoin")
    await house.until_deposit(txid, "credited")

    assert without == (0, 0)
    assert await house.balance(customer, BTC) == (COIN // 2, 0)
    await house.assert_tied()


async def test_a_reorg_deeper_than_the_confirmations_takes_back_what_could_have_left(
    house: House,
):
    customer, txid, blocks = await credited(house)
    blocks += await house.miner.mine(3)
    await house.scan()
    await house.until_deposit(txid, "withdrawable")

    await replace(house, blocks, 6)
    await house.until_deposit(txid, "reversed")

    assert await house.balance(customer, BTC) == (0, 0)
    await house.mine("bitcoin")
    await house.until_deposit(txid, "credited")
    assert await house.balance(customer, BTC) == (COIN // 2, 0)
    await house.assert_tied()


async def test_what_was_spent_before_the_reorg_the_house_covers_and_withdrawals_wait(
    house: House,
):
    customer, txid, blocks = await credited(house)
    friend = await house.customer()
    await house.move(customer, friend, BTC, COIN // 5)

    await replace(house, blocks, 2)
    row = await house.until_deposit(txid, "reversed")
    held = await held_reason(house, customer)
    await house.mine("bitcoin")
    again = await house.until_deposit(txid, "credited")

    assert int(row.covered_units) == COIN // 5
    assert txid in held
    assert int(again.covered_units) == 0
    assert await held_reason(house, customer) == ""
    assert await house.balance(customer, BTC) == (COIN // 2 - COIN // 5, 0)
    assert await house.balance(friend, BTC) == (COIN // 5, 0)
    await house.assert_tied()


async def test_small_deposits_are_shown_and_credited_together(house: House):
    customer = await house.customer()
    address = await house.address(customer, "bitcoin")
    first = await house.miner.pay(address, "0.00006")
    await house.mine("bitcoin")
    await house.until_deposit(first, "below_minimum")
    before = await house.balance(customer, BTC)

    second = await house.miner.pay(address, "0.00007")
    await house.mine("bitcoin")
    await house.until_deposit(second, "credited", "withdrawable")

    assert before == (0, 0)
    assert await house.balance(customer, BTC) == (13_000, 0)
    await house.until_deposit(first, "credited", "withdrawable")
    await house.assert_tied()


async def test_a_paused_asset_is_scanned_and_credited_when_it_goes_on(house: House):
    await house.set("UPDATE custody_assets SET deposit_enabled = FALSE WHERE asset = 'BTC'")
    customer = await house.customer()
    txid = await house.miner.pay(await house.address(customer, "bitcoin"), "0.5")
    await house.mine("bitcoin", 2)
    await house.tell()
    paused = await house.deposit_of(txid)

    await house.set("UPDATE custody_assets SET deposit_enabled = TRUE WHERE asset = 'BTC'")
    await house.until_deposit(txid, "credited")

    assert paused.status == "confirming"
    assert await house.balance(customer, BTC) == (COIN // 2, 0)


async def held_reason(house: House, customer: int) -> str:
    async with house.engine.connect() as connection:
        reason: str | None = await connection.scalar(
            select(withdrawal_settings.c.held_reason).where(
                withdrawal_settings.c.customer_id == customer
            )
        )
        assert await connection.scalar(text("SELECT 1"))
        return reason or ""
