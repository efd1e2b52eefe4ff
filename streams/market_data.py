"""Market data on Valkey, as the shipper publishes it: JSON, prices in ticks, sizes in lots.

Channel `market:{MARKET}` carries `MarketUpdate`, one for each run of events; key `book:{MARKET}`
holds the newest `BookSnapshot`, key `orders:{MARKET}` the newest `OrdersSnapshot`. To follow a
book: subscribe, read the snapshot, drop updates whose `last_sequence` is not above the snapshot's
`sequence`, apply the rest. Each update's `previous_sequence` is the `last_sequence` of the one
before; if it is not what you have, read the snapshot again. Channel `customer:{customer_id}`
carries `OrderReports` beside the messages of other parts of the exchange; `type` tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias
from zlib import crc32

import msgspec

LevelChange: TypeAlias = tuple[int, int, int, int]
"""`(is_buy, price, total displayed lots now, orders now)`; zero lots: the level is gone."""

OrderChange: TypeAlias = tuple[int, int, int, int, int]
"""`(sequence, order_id, is_buy, price, displayed lots now)`; zero lots: the order left the book.

A change whose order is already in the book keeps its place in the queue. A refreshed iceberg leaves
(zero) and comes back as a new change at the end of the queue.
"""

CHECKSUM_LEVELS = 10


class Trade(msgspec.Struct, frozen=True, gc=False):
    trade_id: int
    sequence: int
    time_us: int
    price: int
    lots: int
    aggressor: int
    """Whose order arrived: 1 the buyer's, 0 the seller's, 2 neither (an auction)."""
    maker_order_id: int
    taker_order_id: int


class MarketUpdate(msgspec.Struct, frozen=True, tag="update", tag_field="type"):
    market: str
    epoch: int
    previous_sequence: int
    first_sequence: int
    last_sequence: int
    time_us: int
    state: str
    levels: list[LevelChange]
    """L2: every level that changed, with its new totals."""
    orders: list[OrderChange]
    """L3: every change of an order in the book, oldest first."""
    trades: list[Trade]
    checksum: int
    """Of the ten best levels of each side after this update; see `book_checksum`."""


class BookSnapshot(msgspec.Struct, frozen=True, tag="book", tag_field="type"):
    """The levels of a book, best first: `(price, displayed lots, orders)`."""

    market: str
    epoch: int
    sequence: int
    time_us: int
    state: str
    last_price: int
    """Price of the last trade in ticks, 0 before the first."""
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]
    checksum: int


class OrdersSnapshot(msgspec.Struct, frozen=True, tag="orders_book", tag_field="type"):
    """Every order of a book in price-time order: `(order_id, price, displayed lots)`."""

    market: str
    epoch: int
    sequence: int
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]


class OrderReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event as seen by the owner of one order. Zero and absent are the same."""

    market: str
    sequence: int
    time_us: int
    kind: str
    """A name of engine.events.KIND_NAMES."""
    order_id: int
    side: str = ""
    """`buy` or `sell`, where the event says."""
    price: int = 0
    """The order's price; of `filled` the trade's; of `waiting` and `triggered` the trigger's."""
    lots: int = 0
    """Of `filled` and `prevented` what traded or met; of `reduced` what was taken off; else the
    open lots.
    """
    open_lots: int = 0
    """What is still unfilled after the event."""
    reason: str = ""
    """A name of engine.events.REASON_NAMES, where there is one."""
    trade_id: int = 0
    role: str = ""
    """Of `filled` and `prevented`: `maker` or `taker`; in an auction both are `maker`."""
    command_id: int = 0
    """Of `rejected`, `refused` and `canceled_all`: the command that was answered."""
    other_order_id: int = 0
    """Of `prevented`: the order it met."""


class OrderReports(msgspec.Struct, frozen=True, tag="orders", tag_field="type"):
    customer_id: int
    reports: list[OrderReport]


Message: TypeAlias = MarketUpdate | BookSnapshot | OrdersSnapshot | OrderReports


def market_channel(market: str) -> str:
    return f"market:{market}"


def customer_channel(customer_id: int) -> str:
    return f"customer:{customer_id}"


def book_key(market: str) -> str:
    return f"book:{market}"


def orders_key(market: str) -> str:
    return f"orders:{market}"


def encode(message: Message) -> bytes:
    return msgspec.json.encode(message)


def decode(text: bytes) -> Message:
    message: Message = msgspec.json.decode(text, type=Message)
    return message


def book_checksum(bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> int:
    """CRC32 of the ten best `(price, lots)` of each side, asks first, as `price:lots,` text in
    ticks and lots.
    """
    text = "".join(
        f"{price}:{lots},"
        for side in (asks, bids)
        for _, (price, lots) in zip(range(CHECKSUM_LEVELS), side, strict=False)
    )
    return crc32(text.encode("ascii"))
