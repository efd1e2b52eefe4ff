"""Who may withdraw what, where and when; every no has its reason and leaves the books alone."""

import pytest

from domain.errors import (
    AddressNotAllowed,
    AssetPaused,
    ExchangeError,
    IdempotencyBodyDiffers,
    InsufficientAvailable,
    InvalidAddress,
    InvalidAmount,
    LimitExceeded,
    TierTooLow,
    WithdrawalsHeld,
)
from tests.custody.house import BTC, COIN, House

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PAYEE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


async def rich(house: House, tier: int = 3) -> int:
    customer = await house.customer(tier)
    await house.give(customer, BTC, COIN)
    return customer


async def refused(house: House, kind: type[ExchangeError], customer: int, **changes: object):
    before = await house.balance(customer, BTC)
    wanted = {"units": COIN // 100, "address": PAYEE, **changes}
    with pytest.raises(kind) as refusal:
        await house.request(customer, BTC, wanted["units"], wanted["address"])
    assert await house.balance(customer, BTC) == before
    return refusal.value


async def test_a_request_holds_amount_and_fee(idle_house: House):
    customer = await rich(idle_house)

    row = await idle_house.request(customer, BTC, COIN // 10, PAYEE)

    total = COIN // 10 + int(row.fee_units)
    assert await idle_house.balance(customer, BTC) == (COIN - total, total)


async def test_the_same_key_is_the_same_withdrawal(idle_house: House):
    customer = await rich(idle_house)

    first = await idle_house.request(customer, BTC, COIN // 10, PAYEE, key="k")
    second = await idle_house.request(customer, BTC, COIN // 10, PAYEE, key="k")

    assert first.id == second.id
    with pytest.raises(IdempotencyBodyDiffers):
        await idle_house.request(customer, BTC, COIN // 11, PAYEE, key="k")


async def test_everything_and_one_unit_more(idle_house: House):
    customer = await rich(idle_house)
    fee = 10_000

    await refused(idle_house, InsufficientAvailable, customer, units=COIN - fee + 1)
    await idle_house.request(customer, BTC, COIN - fee, PAYEE)

    assert await idle_house.balance(customer, BTC) == (0, COIN)


async def test_below_the_minimum(idle_house: House):
    await refused(idle_house, InvalidAmount, await rich(idle_house), units=49_999)


async def test_an_asset_that_needs_a_memo(idle_house: House):
    """Without its tag a payment would reach nobody."""
    customer = await rich(idle_house)
    await idle_house.set("UPDATE custody_assets SET memo_required = TRUE WHERE asset = 'BTC'")

    await refused(idle_house, InvalidAddress, customer)
    row = await idle_house.request(customer, BTC, COIN // 10, PAYEE, memo="tag 7")
    await idle_house.set("UPDATE custody_assets SET memo_required = FALSE WHERE asset = 'BTC'")

    assert row.memo == "tag 7"


async def test_the_allow_list_knows_an_address_only_with_its_memo(idle_house: House):
    customer = await rich(idle_house)
    await idle_house.set(
        "INSERT INTO withdrawal_settings (customer_id, allow_list_only) VALUES (:customer, TRUE)",
        customer=customer,
    )
    await idle_house.set(
        "INSERT INTO address_book (customer_id, chain, address, memo, label, usable_at)"
        " VALUES (:customer, 'bitcoin', :address, 'mine', 'mine', now())",
        customer=customer,
        address=PAYEE,
    )

    await refused(idle_house, AddressNotAllowed, customer)
    await idle_house.request(customer, BTC, COIN // 10, PAYEE, memo="mine")


async def test_an_unverified_customer(idle_house: House):
    await refused(idle_house, TierTooLow, await rich(idle_house, tier=0))


async def test_more_than_the_tier_allows_in_a_day(idle_house: House):
    customer = await rich(idle_house, tier=1)

    await idle_house.request(customer, BTC, COIN // 10, PAYEE)
    await refused(idle_house, LimitExceeded, customer, units=COIN // 10)


async def test_the_own_deposit_address_and_the_houses(idle_house: House):
    customer = await rich(idle_house)
    own = await idle_house.address(customer, "bitcoin")

    await refused(idle_house, InvalidAddress, customer, address=own)
    hot = await idle_house.hot_address("bitcoin")
    await refused(idle_house, InvalidAddress, customer, address=hot)


async def test_a_paused_asset_and_the_global_stop(idle_house: House):
    customer = await rich(idle_house)
    await idle_house.set("UPDATE custody_assets SET withdraw_enabled = FALSE WHERE asset = 'BTC'")
    await refused(idle_house, AssetPaused, customer)
    await idle_house.set("UPDATE custody_assets SET withdraw_enabled = TRUE WHERE asset = 'BTC'")

    await idle_house.set("UPDATE switches SET is_on = FALSE WHERE name = 'withdrawals'")
    await refused(idle_house, AssetPaused, customer)
    await idle_house.set("UPDATE switches SET is_on = TRUE WHERE name = 'withdrawals'")

    await idle_house.request(customer, BTC, COIN // 10, PAYEE)


async def test_a_security_hold(idle_house: House):
    customer = await rich(idle_house)
    await idle_house.set(
        "INSERT INTO withdrawal_settings (customer_id, held_until, held_reason)"
        " VALUES (:customer, now() + interval '1 day', 'the password was changed')",
        customer=customer,
    )

    refusal = await refused(idle_house, WithdrawalsHeld, customer)

    assert "the password was changed" in refusal.message


async def test_the_allow_list_and_its_time_lock(idle_house: House):
    customer = await rich(idle_house)
    await idle_house.set(
        "INSERT INTO withdrawal_settings (customer_id, allow_list_only) VALUES (:customer, TRUE)",
        customer=customer,
    )
    await refused(idle_house, AddressNotAllowed, customer)

    await idle_house.set(
        "INSERT INTO address_book (customer_id, chain, address, label, usable_at)"
        " VALUES (:customer, 'bitcoin', :address, 'mine', now() + interval '1 hour')",
        customer=customer,
        address=PAYEE,
    )
    await refused(idle_house, AddressNotAllowed, customer)

    await idle_house.set(
        "UPDATE address_book SET usable_at = now() WHERE customer_id = :customer",
        customer=customer,
    )
    await idle_house.request(customer, BTC, COIN // 10, PAYEE)


async def test_another_customers_address_is_paid_in_the_ledger(house: House):
    sender, payee = await rich(house), await house.customer()
    address = await house.address(payee, "bitcoin")

    row = await house.request(sender, BTC, COIN // 10, address)
    await house.until_status(row.id, "done")

    assert await house.balance(payee, BTC) == (COIN // 10, 0)
    assert await house.balance(sender, BTC) == (COIN - COIN // 10, 0)
