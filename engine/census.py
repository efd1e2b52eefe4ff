"""Every open order of a book, wherever it stands: to count them against the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from engine.book import Book
from engine.order import queue


class OpenOrder(NamedTuple):
    order_id: int
    owner: int
    open_lots: int
    """Not yet filled, an iceberg's hidden part included."""


def open_orders(book: Book) -> Iterator[OpenOrder]:
    """In no particular order: resting, waiting for a trigger, or triggered and not yet entered."""
    sides = (book.bids, book.asks, book.rising, book.falling)
    levels = chain(*(side.values() for side in sides), book.woken)
    for level in levels:
        for order in queue(level):
            hidden = order.special.hidden_lots if order.special is not None else 0
            yield OpenOrder(order.id, order.owner, order.lots + hidden)
