"""All markets of one journal: records in, numbered events out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from engine.book import Book
from engine.commands import OCO, PLACE, PLACE_SPECIAL, REPLACE, SET_STATE, Command
from engine.events import (
    MALFORMED,
    REFUSED,
    REJECTED,
    STALE_COMMAND,
    UNKNOWN_MARKET,
    Event,
    NumberedEvent,
)
from engine.ladder import Ladder, PriceIndex
from engine.memory import NEW, PAGE_BITS, PAGE_MASK, SEEN, STALE, CommandMemory
from engine.rules import Rules

Sections = Sequence[tuple[str, Sequence[Command]]]
"""The commands of a frame: `(market, its commands in order)`."""

DIGEST_BYTES: Final = 8

_encode = msgspec.msgpack.Encoder().encode


class Run(NamedTuple):
    """Events of one market that one record caused."""

    market: str
    first_sequence: int
    time_us: int
    events: list[Event]

    @property
    def last_sequence(self) -> int:
        return self.first_sequence + len(self.events) - 1

    def numbered(self) -> list[NumberedEvent]:
        return [
            (sequence, self.time_us, *event)
            for sequence, event in enumerate(self.events, self.first_sequence)
        ]


class UnknownMarket:
    """Stands in for a market nobody listed: it turns everything away, in numbered events too."""

    def __init__(self) -> None:
        self.sequence = 0
        self.events: list[Event] = []
        self.handlers = (self.apply,) * (SET_STATE + 1)

    def apply(self, command: Command) -> None:
        for order_id in placed_ids(command):
            self.events.append((REJECTED, order_id, command[2], command[1], UNKNOWN_MARKET))
        if not placed_ids(command):
            self.events.append((REFUSED, 0, command[2], command[1], UNKNOWN_MARKET))

    def take_events(self) -> list[Event]:
        events, self.events = self.events, []
        self.sequence += len(events)
        return events


class Exchange:
    """The deterministic whole: books, and the memory of commands that were done."""

    def __init__(self, *, index: Callable[[], PriceIndex] = Ladder) -> None:
        self.books: dict[str, Book] = {}
        self.unknown: dict[str, UnknownMarket] = {}
        self.memory = CommandMemory()
        self.number = 0
        """Of the last record that was applied."""
        self.time_us = 0
        self.epoch = 0
        """Of the last record: who wrote it."""
        self.digest = bytes(DIGEST_BYTES)
        """Of all events ever: two runs that agree here agree in everything they ever said."""
        self._index = index

    def list_market(self, market: str, rules: Rules) -> None:
        """Open a book, or give an open one new rules."""
        book = self.books.get(market)
        if book is None:
            self.books[market] = book = Book(rules, self._index)
            former = self.unknown.pop(market, None)
            book.sequence = former.sequence if former else 0
        else:
            book.set_rules(rules)
        book.set_bounds()

    def apply_frame(self, time_us: int, sections: Sections) -> list[Run]:
        """Do a frame's commands, each at most once ever."""
        self.advance(time_us)
        note, pages = self.memory.note, self.memory.pages
        for market, commands in sections:
            book = self.books.get(market) or self._unknown(market)
            handlers = book.handlers
            for command in commands:
                command_id = command[1]
                page = pages.get(command_id >> PAGE_BITS)
                at = command_id & PAGE_MASK
                if page is not None and not page[at]:  # As `note` does, without a call.
                    page[at] = 1
                    handlers[command[0]](command)
                elif (what := note(command_id)) == NEW:
                    handlers[command[0]](command)
                elif what != SEEN:
                    reason = STALE_COMMAND if what == STALE else MALFORMED
                    book.events.append((REFUSED, 0, command[2], command[1], reason))
        return self.take()

    def advance(self, time_us: int) -> None:
        """Move every book's clock; time never goes back."""
        self.time_us = time_us = max(self.time_us, time_us)
        for book in self.books.values():
            book.advance(time_us)

    def take(self) -> list[Run]:
        """The events since the last call, by market in the order they were listed."""
        runs = []
        for markets in (self.books, self.unknown):
            for market, book in markets.items():
                if book.events:
                    events = book.take_events()
                    first = book.sequence - len(events) + 1
                    runs.append(Run(market, first, self.time_us, events))
        if runs:
            told = _encode([self.digest, [(run.market, run.events) for run in runs]])
            self.digest = blake2b(told, digest_size=DIGEST_BYTES).digest()
        return runs

    def is_pending(self) -> bool:
        """Whether woken or expired orders wait for the next record."""
        return any(
            book.woken or (book.expiries and book.expiries[0][0] <= self.time_us)
            for book in self.books.values()
        )

    def next_expiry_us(self) -> int:
        """When the next good-till-date order expires; 0 if none does."""
        return min(
            (book.expiries[0][0] for book in self.books.values() if book.expiries), default=0
        )

    def _unknown(self, market: str) -> UnknownMarket:
        return self.unknown.setdefault(market, UnknownMarket())


def placed_ids(command: Command) -> tuple[int, ...]:
    """Ids of the orders that a command places."""
    kind = command[0]
    if kind in (PLACE, PLACE_SPECIAL):
        return (command[3],)
    if kind == REPLACE:
        return (command[5],)
    return (command[3], command[4]) if kind == OCO else ()
