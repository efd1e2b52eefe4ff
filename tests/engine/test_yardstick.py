"""The book that ours is measured by must be right, and what must hold must count."""

from bench.engine import MUST_HOLD, SLACK, below
from bench.engine_mix import Mix
from bench.yardstick_book import YardstickBook
from engine import commands as c
from engine.book import Book
from engine.commands import Command
from engine.events import ACCEPTED, CANCELED, EXPIRED, FILLED, RESTED, Event
from engine.rules import Rules

TOLD = {ACCEPTED, RESTED, FILLED, CANCELED, EXPIRED}


def test_the_yardstick_answers_the_benchmarks_mix_as_the_book_does():
    workload = Mix(resting=300).workload(4_000)
    book, yardstick = Book(Rules(orders_max=10**9)), YardstickBook()

    for number, command in enumerate(_nobody_twice([*workload.filling, *workload.measured])):
        book.apply(command)
        yardstick.apply(command)
        assert _told(yardstick.events) == _told(book.events), (number, command)
        book.events.clear()
        yardstick.events.clear()

    assert yardstick.trade_id == book.trade_id > 100


def test_a_ratio_that_is_much_too_low_is_named():
    must = MUST_HOLD[1_000]

    assert below("1,000 resting", must * SLACK, must) == []
    [said] = below("1,000 resting", must * SLACK - 0.01, must)
    assert "1.22 must hold" in said


def _nobody_twice(commands: list[Command]) -> list[Command]:
    """Each order and those that replace it under an owner of their own: no self-trades."""
    owners: dict[int, int] = {}
    found = []
    for command in commands:
        kind, command_id, _, order_id, *rest = command
        owner = owners.setdefault(order_id, order_id)
        if kind == c.REPLACE:
            owners[command[5]] = owner
        found.append((kind, command_id, owner, order_id, *rest))
    return found


def _told(events: list[Event]) -> list[Event]:
    """Without the reasons of expiry, which the yardstick does not tell apart."""
    return [event[:7] if event[0] == EXPIRED else event for event in events if event[0] in TOLD]
