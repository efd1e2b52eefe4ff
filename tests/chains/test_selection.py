import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.bitcoin.addresses import ScriptKind, p2wpkh_script
from chains.bitcoin.selection import NotEnoughCoins, Payment, select
from chains.bitcoin.size import DUST_SATOSHI, fee_satoshi
from tests.chains.builders import coin, key, pays

CHANGE = p2wpkh_script(key(1).public_key)
DUST = DUST_SATOSHI[ScriptKind.P2WPKH]

values = st.lists(st.integers(300, 10**8), min_size=1, max_size=40)


def wallet(*satoshi: int):
    return [coin(number, value) for number, value in enumerate(satoshi)]


def payment(*amounts: int, rate: int = 5_000) -> Payment:
    outputs = tuple(pays(20 + number, amount) for number, amount in enumerate(amounts))
    return Payment(outputs, rate, CHANGE)


@settings(max_examples=150, deadline=None)
@given(
    values, st.lists(st.integers(300, 10**7), min_size=1, max_size=5), st.integers(1_000, 50_000)
)
def test_whoever_is_paid_gets_all_and_the_miners_no_more_than_agreed(
    satoshi: list[int], amounts: list[int], rate: int
):
    wanted = payment(*amounts, rate=rate)

    try:
        chosen = select(wallet(*satoshi), wanted, random.Random(7))
    except NotEnoughCoins:
        useful = [value for value in satoshi if value > fee_satoshi(68, rate)]
        assert sum(useful) < sum(amounts) + wanted.fee(len(useful) or 1, with_change=True) + DUST
        return

    assert chosen.outputs[: len(amounts)] == wanted.outputs
    change = chosen.outputs[len(amounts) :]
    assert all(output.satoshi >= DUST and output.locking_script == CHANGE for output in change)
    least = fee_satoshi(chosen.vsize_max, rate)
    assert least <= chosen.fee_satoshi <= least + DUST + fee_satoshi(31, rate) + 1


def test_a_set_that_needs_no_change_is_preferred():
    wanted = payment(1_000_000)
    exact = 1_000_000 + wanted.fee(2, with_change=False)

    chosen = select(wallet(5_000_000, 600_000, exact - 600_000), wanted, random.Random(1))

    assert len(chosen.outputs) == 1
    assert {utxo.satoshi for utxo in chosen.inputs} == {600_000, exact - 600_000}


def test_dust_is_never_spent():
    chosen = select(wallet(1_000_000, 330, 330), payment(900_000), random.Random(1))

    assert [utxo.satoshi for utxo in chosen.inputs] == [1_000_000]


def test_too_little_says_what_is_missing():
    with pytest.raises(NotEnoughCoins) as short:
        select(wallet(10_000), payment(20_000), random.Random(1))

    assert short.value.needed_satoshi > 20_000
    assert short.value.spendable_satoshi == 10_000


def test_the_last_satoshi_decides():
    wanted = payment(50_000)
    enough = 50_000 + wanted.fee(1, with_change=False)

    paid = select(wallet(enough), wanted, random.Random(1))

    assert paid.fee_satoshi == wanted.fee(1, with_change=False)
    with pytest.raises(NotEnoughCoins):
        select(wallet(enough - 1), wanted, random.Random(1))


def test_a_large_wallet_is_searched_in_bounds():
    chance = random.Random(3)
    coins = wallet(*(chance.randrange(1_000, 10**7) for _ in range(5_000)))

    chosen = select(coins, payment(10**8, 3 * 10**7), chance)

    assert chosen.fee_satoshi > 0
