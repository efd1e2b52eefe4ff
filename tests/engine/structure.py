"""What must hold between the parts of a book after every command."""

from engine.book import Book
from engine.ladder import NO_KEY
from engine.order import ASK, BID, NO_ASK, NO_BID, NO_ORDER, Level, Order, is_vacant, queue


def check_structure(book: Book) -> None:
    """Sides, indexes, best levels, vacant levels, owners and free objects agree with each other."""
    _check_side(book, book.bids, BID)
    _check_side(book, book.asks, ASK)
    listed = list(book.vacant)
    assert len(set(map(id, listed))) == len(listed)
    levels = [*book.bids.values(), *book.asks.values()]
    assert {id(level) for level in listed if level.total} == {
        id(level) for level in levels if level.lots
    }
    assert all(level.lots and (level.total or is_vacant(level)) for level in listed)
    assert all(not level.lots and is_vacant(level) for level in book.level_pool)
    resting = [order for level in levels for order in queue(level)]
    waiting = [
        order
        for level in (*book.rising.values(), *book.falling.values(), *book.woken)
        for order in queue(level)
    ]
    owned = {id(order) for orders in book.owners.values() for order in orders.values()}
    assert owned == {id(order) for order in (*resting, *waiting)}
    for owner, orders in book.owners.items():
        assert all((order.owner, order.id) == (owner, id_) for id_, order in orders.items())
    _check_free(book, owned)


def _check_side(book: Book, levels: dict[int, Level], role: int) -> None:
    near, index, sign = (
        (book.bid_keys, book.bid_index, 1) if role == BID else (book.ask_keys, book.ask_index, -1)
    )
    far = list(index.descending())
    keys = [*reversed(near), *far]
    assert [level.price for level in book.side(role)] == [
        sign * key for key in keys if not is_vacant(levels[sign * key])
    ]
    assert near or not far
    assert keys == sorted(keys, reverse=True)
    assert {sign * key for key in keys} == set(levels)
    assert [index.nth(rank) for rank in range(len(far) + 1)] == [*far, NO_KEY]
    for price, level in levels.items():
        assert (level.price, level.role, level.total) == (price, role, 1)
        assert level.lots or not is_vacant(level)
        for order in queue(level):
            assert (order.price, order.role) == (price, role)
            assert order.after.before is order
    best = book.best_bid if role == BID else book.best_ask
    if keys:
        assert best is levels[sign * keys[0]]
        assert not is_vacant(best)
    else:
        assert best is (NO_BID if role == BID else NO_ASK)


def _check_free(book: Book, used: set[int]) -> None:
    order: Order = book.free
    seen: set[int] = set()
    while order is not NO_ORDER:
        assert id(order) not in used | seen
        assert order.special is None
        seen.add(id(order))
        order = order.after
