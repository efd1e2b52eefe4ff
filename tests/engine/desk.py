"""A market one talks to in short words; the reference book hears the same and must say the same."""

from __future__ import annotations

from itertools import count

from engine import commands as c
from engine.book import Book
from engine.commands import Command
from engine.events import FIELDS, KIND_NAMES, REASON_NAMES, Event
from engine.ladder import Ladder, SortedIndex
from engine.reference.book import ReferenceBook
from engine.rules import Rules

ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4


class Desk:
    def __init__(self, rules: Rules | None = None) -> None:
        rules = rules or Rules()
        self.books = (Book(rules, Ladder), Book(rules, SortedIndex))
        self.reference = ReferenceBook(rules)
        self.command_ids = count(1)
        self.time_us = 0

    @property
    def book(self) -> Book:
        return self.books[0]

    def do(self, command: Command) -> list[str]:
        """What all the books say to a command, one short text an event."""
        for book in (*self.books, self.reference):
            book.apply(command)
        return self._said()

    def later(self, microseconds: int) -> list[str]:
        self.time_us += microseconds
        for book in (*self.books, self.reference):
            book.advance(self.time_us)
        return self._said()

    def _said(self) -> list[str]:
        told = [tuple(map(int, event)) for event in self.reference.take_events()]
        for book in self.books:
            assert book.take_events() == told
        return [brief(event) for event in told]

    def buy(self, order_id: int, price: int, lots: int, terms: int = 0, owner: int = 0):
        return self._place(order_id, c.BUY | terms, price, lots, owner)

    def sell(self, order_id: int, price: int, lots: int, terms: int = 0, owner: int = 0):
        return self._place(order_id, c.SELL | terms, price, lots, owner)

    def _place(self, order_id: int, terms: int, price: int, lots: int, owner: int) -> list[str]:
        return self.do(
            c.place(
                command_id=next(self.command_ids),
                owner=owner or order_id,
                order_id=order_id,
                terms=terms,
                price=price,
                lots=lots,
            )
        )

    def special(
        self, order_id: int, terms: int, price: int, lots: int, owner: int = 0, **more: int
    ):
        return self.do(
            c.place_special(
                command_id=next(self.command_ids),
                owner=owner or order_id,
                order_id=order_id,
                terms=terms,
                price=price,
                lots=lots,
                **more,
            )
        )

    def pair(self, owner: int, *, lots: int, limit: int, trigger: int, stop: int, side: int):
        """An OCO pair: limit order 1, stop order 2 of this owner."""
        return self.do(
            c.oco(
                command_id=next(self.command_ids),
                owner=owner,
                limit_order_id=owner * 10 + 1,
                stop_order_id=owner * 10 + 2,
                limit_terms=side,
                limit_price=limit,
                lots=lots,
                stop_terms=side,
                trigger=trigger,
                stop_price=stop,
            )
        )

    def cancel(self, order_id: int, owner: int = 0) -> list[str]:
        return self.do(
            c.cancel(command_id=next(self.command_ids), owner=owner or order_id, order_id=order_id)
        )

    def cancel_all(self, owner: int, sides: int = c.BOTH_SIDES) -> list[str]:
        return self.do(c.cancel_all(command_id=next(self.command_ids), owner=owner, sides=sides))

    def amend(self, order_id: int, total: int, owner: int = 0) -> list[str]:
        return self.do(
            c.amend(
                command_id=next(self.command_ids),
                owner=owner or order_id,
                order_id=order_id,
                total_lots=total,
            )
        )

    def replace(self, old: int, new: int, price: int, lots: int, *, terms: int, mode: int = 0):
        """By owner `old`."""
        return self.do(
            c.replace(
                command_id=next(self.command_ids),
                owner=old,
                old_order_id=old,
                order_id=new,
                terms=terms,
                price=price,
                lots=lots,
                mode=mode,
            )
        )

    def state(self, state: int) -> list[str]:
        return self.do(c.set_state(command_id=next(self.command_ids), state=state))

    def trade_at(self, price: int) -> None:
        """Two strangers trade one lot, so that this is the last price."""
        order_id = 900_000 + next(self.command_ids) * 2
        self.sell(order_id, price, 1, owner=901)
        self.buy(order_id + 1, price, 1, owner=902)
        assert self.book.last_price == price


TEMPLATES = {
    "filled": "filled maker {maker_order_id} taker {taker_order_id}: {lots} at {price}",
    "prevented": "prevented {taker_order_id} with {maker_order_id}: {lots}",
    "rested": "rested {order_id}: {displayed_lots} at {price}",
    "canceled": "canceled {order_id}: {open_lots} ({reason})",
    "expired": "expired {order_id}: {open_lots} ({reason})",
    "reduced": "reduced {order_id}: -{removed_lots} to {open_lots} ({reason})",
    "rejected": "rejected {order_id} ({reason})",
    "refused": "refused {order_id} ({reason})",
    "uncrossed": "uncrossed {lots} at {price}",
    "state_changed": "state {old_state} to {new_state}",
    "canceled_all": "canceled_all {count}",
}


def brief(event: Event) -> str:
    """`filled maker 1 taker 2: 5 at 100`, `expired 3: 4 (self_trade)`, `rested 1: 5 at 100`."""
    kind, *values = event
    said: dict[str, object] = dict(zip(FIELDS[kind], values, strict=True))
    if "reason" in said:
        said["reason"] = REASON_NAMES[event[-1]]
    name = KIND_NAMES[kind]
    return TEMPLATES.get(name, name + " {order_id}").format(**said)
