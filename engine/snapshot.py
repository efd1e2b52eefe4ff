"""The whole state of an exchange as bytes, the same bytes for the same state, and back.

The state hash is the hash of these bytes: equal hashes mean that no sequence of commands could ever
tell the two exchanges apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple
from hashlib import sha256
from heapq import heapify
from typing import Any, Final

import msgspec

from engine.book import Book
from engine.exchange import Exchange, UnknownMarket
from engine.ladder import Ladder, PriceIndex
from engine.memory import CommandMemory
from engine.order import ASK, BID, FALLING, RISING, WOKEN, Level, Order, Special, is_vacant, queue
from engine.rules import Rules

FORMAT: Final = 1

_SPECIAL_FIELDS: Final = (
    "terms", "price", "hidden_lots", "display_lots", "expires_us", "sibling", "trigger_kind",
    "trigger", "peak", "budget",
)  # fmt: skip

OrderRow = tuple[int, int, int, int, tuple[int, ...] | None]
LevelRow = tuple[int, list[OrderRow]]


class BookRows(msgspec.Struct, array_like=True):
    """One book: its numbers, and its levels with their orders in time order."""

    market: str
    rules: tuple[int, ...]
    state: int
    sequence: int
    trade_id: int
    last_price: int
    band_center: int
    time_us: int
    bids: list[LevelRow]
    asks: list[LevelRow]
    rising: list[LevelRow]
    falling: list[LevelRow]
    woken: list[LevelRow]
    trailing: list[tuple[int, int]]
    expiries: list[tuple[int, int, int]]


class State(msgspec.Struct, array_like=True):
    format: int
    number: int
    time_us: int
    epoch: int
    digest: bytes
    books: list[BookRows]
    unknown: list[tuple[str, int]]
    newest_page: int
    pages: list[tuple[int, bytes]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


class Unreadable(ValueError):
    """Not a snapshot, or of another format."""


def dump(exchange: Exchange) -> bytes:
    newest, pages = exchange.memory.dump()
    state = State(
        FORMAT,
        exchange.number,
        exchange.time_us,
        exchange.epoch,
        exchange.digest,
        [_book_rows(market, book) for market, book in exchange.books.items()],
        [(market, unknown.sequence) for market, unknown in exchange.unknown.items()],
        newest,
        pages,
    )
    return _encoder.encode(state)


def state_hash(exchange: Exchange) -> str:
    return sha256(dump(exchange)).hexdigest()


def load(data: bytes, *, index: Callable[[], PriceIndex] = Ladder) -> Exchange:
    """The exchange that was dumped. Raises Unreadable."""
    try:
        state = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise Unreadable(str(error)) from None
    if state.format != FORMAT:
        raise Unreadable(f"snapshot format {state.format} is not {FORMAT}")
    exchange = Exchange(index=index)
    exchange.number, exchange.time_us = state.number, state.time_us
    exchange.epoch, exchange.digest = state.epoch, state.digest
    for rows in state.books:
        exchange.books[rows.market] = _book(rows, index)
    for market, sequence in state.unknown:
        exchange.unknown[market] = unknown = UnknownMarket()
        unknown.sequence = sequence
    exchange.memory = CommandMemory.load(state.newest_page, state.pages)
    return exchange


def _book_rows(market: str, book: Book) -> BookRows:
    assert not book.events, "events must be taken out before a dump"
    live = (entry for entry in book.expiries if book.is_live(entry))
    return BookRows(
        market,
        astuple(book.rules),
        book.state,
        book.sequence,
        book.trade_id,
        book.last_price,
        book.band_center,
        book.time_us,
        _level_rows(book.side(BID)),
        _level_rows(book.side(ASK)),
        _level_rows(book.rising[-key] for key in book.rising_index.descending()),
        _level_rows(book.falling[key] for key in book.falling_index.descending()),
        _level_rows(book.woken),
        list(book.trailing),
        sorted(set(live)),
    )


def _level_rows(levels: Iterable[Level]) -> list[LevelRow]:
    """Of those that hold orders: the same state has the same rows."""
    return [
        (level.price, [_order_row(order) for order in queue(level)])
        for level in levels
        if not is_vacant(level)
    ]


def _order_row(order: Order) -> OrderRow:
    return order.id, order.owner, order.lots, order.total, _special_row(order.special)


def _special_row(special: Special | None) -> tuple[int, ...] | None:
    if special is None:
        return None
    return tuple(getattr(special, name) for name in _SPECIAL_FIELDS)


def _book(rows: BookRows, index: Callable[[], PriceIndex]) -> Book:
    book = Book(Rules(*rows.rules), index)
    book.state, book.sequence, book.trade_id = rows.state, rows.sequence, rows.trade_id
    book.last_price, book.band_center = rows.last_price, rows.band_center
    book.time_us = rows.time_us
    for level, orders in _levels(book, rows):
        for order_id, owner, lots, total, special in orders:
            book.stand(level, order_id, owner, lots, total, _special(special))
    for owner, order_id in rows.trailing:
        book.trailing[owner, order_id] = book.owners[owner][order_id]
    book.expiries = list(rows.expiries)
    heapify(book.expiries)
    book.set_bounds()
    return book


def _levels(book: Book, rows: BookRows) -> Iterator[tuple[Level, list[OrderRow]]]:
    for price, orders in rows.bids:
        yield book.bid_level(price), orders
    for price, orders in rows.asks:
        yield book.ask_level(price), orders
    for price, orders in rows.rising:
        yield book.rising_level(price), orders
    for price, orders in rows.falling:
        yield book.falling_level(price), orders
    for price, orders in rows.woken:
        level = book.new_level(price, WOKEN)
        book.woken.append(level)
        yield level, orders


def _special(row: tuple[int, ...] | None) -> Special | None:
    if row is None:
        return None
    special = Special(row[0], row[1])
    for name, value in zip(_SPECIAL_FIELDS, row, strict=True):
        setattr(special, name, value)
    return special


def describe(exchange: Exchange) -> dict[str, Any]:
    """The state in a few numbers, for people."""
    return {
        "record": exchange.number,
        "epoch": exchange.epoch,
        "time_us": exchange.time_us,
        "digest": exchange.digest.hex(),
        "markets": {market: _describe_book(book) for market, book in exchange.books.items()},
    }


def _describe_book(book: Book) -> dict[str, int]:
    roles = (RISING, FALLING, WOKEN)
    return {
        "sequence": book.sequence,
        "trade_id": book.trade_id,
        "last_price": book.last_price,
        "bids": sum(1 for level in book.bids.values() for _ in queue(level)),
        "asks": sum(1 for level in book.asks.values() for _ in queue(level)),
        "waiting": sum(1 for level in book.levels() if level.role in roles for _ in queue(level)),
    }
