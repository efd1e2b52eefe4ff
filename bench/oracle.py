"""Ten million random commands of every kind, to the fast book and to the obvious one at once.

Not a race: each event must be the same. Books are small and many, since the obvious one is slow;
the work is spread over all processors. RIALTO_ORACLE_COMMANDS asks for another number.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor

from bench.engine import is_compiled
from bench.engine_commands import EverythingAtOnce
from bench.report import BenchResult
from engine.book import Book
from engine.commands import Command
from engine.ladder import Ladder, SortedIndex
from engine.reference.book import ReferenceBook
from engine.rules import Rules

COMMANDS = 10_000_000
EACH = 2_000
"""Commands of one pair of books."""

RULES = (
    Rules(),
    Rules(fills_max=3, cascade_max=2, orders_max=8, trailing_max=3),
    Rules(band_bps=100, protection_bps=50, notional_min=3_000, lots_max=100),
    Rules(price_max=1_004, lots_max=9),
)


def first_difference(seed: int, commands: int = EACH) -> str:
    """The first command that the two books answer differently; empty if there is none."""
    rules = RULES[seed % 4]
    source = EverythingAtOnce(seed, owners=(4, 2, 30)[seed // 3 % 3], spread=(12, 4)[seed % 2])
    book, reference = Book(rules, (Ladder, SortedIndex)[seed % 2]), ReferenceBook(rules)
    for number in range(commands):
        if number % 10 == 0:
            time_us = source.tick()
            book.advance(time_us)
            reference.advance(time_us)
        command: Command = source.calm() if book.state and number % 7 == 0 else source.next()
        book.apply(command)
        reference.apply(command)
        told, expected = book.take_events(), reference.take_events()
        if told != [tuple(map(int, event)) for event in expected]:
            return f"seed {seed}, command {number} {command}: {told} instead of {expected}"
    return ""


def run() -> BenchResult:
    total = int(os.environ.get("RIALTO_ORACLE_COMMANDS", COMMANDS))
    seeds = range(1_000, 1_000 + max(1, total // EACH))
    began = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        differences = [said for said in pool.map(first_difference, seeds, chunksize=8) if said]
    seconds = time.perf_counter() - began
    count = len(seeds) * EACH
    return BenchResult(
        "oracle",
        count / seconds,
        0.0,
        0.0,
        0.0,
        "none: both books in memory",
        differences[0] if differences else "ok",
        notes=[
            f"core {'compiled' if is_compiled() else 'in plain Python'}",
            f"{count:,} commands answered alike" if not differences else "the books differ",
        ],
    )
