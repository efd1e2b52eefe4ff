"""How often batches of payments may leave, by how many outputs there are to pay with."""

from hypothesis import given
from hypothesis import strategies as st

from domain.payment import FREE_COINS_ENOUGH, batch_pause_seconds


@given(window=st.integers(0, 600), coins=st.integers(0, 500))
def test_a_pause_is_never_shorter_than_the_window_nor_endless(window: int, coins: int):
    assert window <= batch_pause_seconds(window, coins) <= window * FREE_COINS_ENOUGH


@given(window=st.integers(0, 600), coins=st.integers(1, 500))
def test_more_coins_never_mean_a_longer_pause(window: int, coins: int):
    assert batch_pause_seconds(window, coins + 1) <= batch_pause_seconds(window, coins)


def test_with_few_coins_left_each_serves_more_payees():
    assert batch_pause_seconds(1, 1) == FREE_COINS_ENOUGH
    assert batch_pause_seconds(2, FREE_COINS_ENOUGH // 4) == 8
    assert batch_pause_seconds(0, 1) == 0, "no window, no pause"
