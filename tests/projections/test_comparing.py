"""Two generations are the same only if every living item is."""

from __future__ import annotations

from activities.projecting.comparing import Difference, compare
from storage.dynamo_tables import CANDLES, ORDERS, TRADES
from tests.projections.fakes import MemoryDynamo


def differences(old: MemoryDynamo, new: MemoryDynamo) -> list[Difference]:
    return [each for each in compare(old, new, wait_seconds=0.0) if not each.is_none]


def test_what_is_missing_changed_or_too_much_is_named() -> None:
    old, new = MemoryDynamo(), MemoryDynamo(2)
    for each in (old, new):
        each.put_many(TRADES, [{"pk": "a", "sk": "1", "lots": 5}, {"pk": "a", "sk": "2"}])
    old.put_many(ORDERS, [{"pk": "order#1", "sk": "1"}])
    new.put_many(TRADES, [{"pk": "a", "sk": "2", "lots": 6}, {"pk": "a", "sk": "3"}])

    [trades, orders] = differences(old, new)

    assert (trades.same, trades.changed, trades.only_new, trades.only_old) == (1, 1, 1, 0)
    assert trades.named == ("changed a 2", "only new a 3")
    assert (orders.only_old, orders.named) == (1, ("only old order#1 1",))


def test_items_past_their_time_are_not_compared() -> None:
    old, new = MemoryDynamo(), MemoryDynamo(2)
    old.put_many(CANDLES, [{"pk": "a", "sk": "1", "expires_at": 1}])
    new.put_many(CANDLES, [{"pk": "a", "sk": "2", "expires_at": 1}])
    assert differences(old, new) == []

    old.put_many(CANDLES, [{"pk": "a", "sk": "3", "expires_at": 2**33}])
    [candles] = differences(old, new)
    assert candles.named == ("only old a 3",)
