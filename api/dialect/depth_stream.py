"""Diffs of a book's levels: every event continues the one before, at both beats.

The update id is the number of the market's last event. An event says what the levels it names hold
now; the range of ids it covers starts where the event before ended.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from api.dialect.numbers import price, size
from api.dialect.symbols import symbol_of
from api.exchange.book import Book
from domain.market import Market
from streams.market_data import LevelChange


@dataclass(slots=True)
class _Beat:
    last_id: int
    dirty: set[tuple[bool, int]] = field(default_factory=set)


class DepthStream:
    def __init__(self, market: Market, book: Book) -> None:
        self._market = market
        self._book = book
        self._known: set[tuple[bool, int]] = set()
        self._beats = {False: _Beat(book.sequence), True: _Beat(book.sequence)}

    def add(self, levels: list[LevelChange]) -> None:
        for is_buy, ticks, lots, _ in levels:
            level = (bool(is_buy), ticks)
            if lots:
                self._known.add(level)
            else:
                self._known.discard(level)
            for beat in self._beats.values():
                beat.dirty.add(level)

    def start_again(self) -> None:
        """After a gap any level may have changed, also those that are gone."""
        now = {(True, ticks) for ticks, _, _ in self._book.bids()}
        now |= {(False, ticks) for ticks, _, _ in self._book.asks()}
        for beat in self._beats.values():
            beat.dirty |= self._known | now
        self._known = now

    def flush(self, *, is_slow: bool, is_wanted: bool) -> dict[str, Any] | None:
        """What changed since the last flush of this beat; None when nothing did."""
        beat, book = self._beats[is_slow], self._book
        if not beat.dirty:
            return None
        first_id, beat.last_id = beat.last_id + 1, book.sequence
        dirty, beat.dirty = beat.dirty, set()
        if not is_wanted:
            return None
        now_ms = time.time_ns() // 1_000_000
        return {
            "e": "depthUpdate",
            "E": now_ms,
            "s": symbol_of(self._market),
            "U": first_id,
            "u": book.sequence,
            "b": self._rows(dirty, is_buy=True),
            "a": self._rows(dirty, is_buy=False),
        }

    def _rows(self, dirty: set[tuple[bool, int]], *, is_buy: bool) -> list[list[str]]:
        market = self._market
        prices = sorted((ticks for side, ticks in dirty if side is is_buy), reverse=is_buy)
        return [
            [
                price(market, ticks),
                size(market, self._book.lots_at(is_buy=is_buy, price=ticks)),
            ]
            for ticks in prices
        ]
