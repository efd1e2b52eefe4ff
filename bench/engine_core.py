"""How long a book takes for each command: the measuring itself, without a word about results."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from bench.engine_mix import Workload
from engine.commands import Command
from engine.events import Event

CHUNK = 1_000
"""Commands that are timed together, so that the best of several passes can be told for each."""


class AnyBook(Protocol):
    events: list[Event]

    def apply(self, command: Command) -> None: ...


Handlers = Sequence[Callable[[Command], None]]


def handlers(book: AnyBook) -> Handlers | None:
    """Ours by kind of command, as the exchange calls them; others have one entrance."""
    found: Handlers | None = getattr(book, "handlers", None)
    return found


MakeBook = Callable[[], AnyBook]


@contextmanager
def steady() -> Iterator[None]:
    """No garbage collection: the engine runs without, see workers/engine_loop.py."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def filled(make: MakeBook, workload: Workload) -> AnyBook:
    book = make()
    for command in workload.filling:
        book.apply(command)
    book.events.clear()
    return book


def chunk_seconds(make: MakeBook, workload: Workload) -> list[float]:
    """Processor seconds of each chunk of commands: one call a command, events thrown away."""
    book = filled(make, workload)
    by_kind, apply, events, clock = handlers(book), book.apply, book.events, time.process_time
    seconds = []
    with steady():
        for start in range(0, len(workload.measured), CHUNK):
            chunk = workload.measured[start : start + CHUNK]
            began = clock()
            if by_kind is None:
                for command in chunk:
                    apply(command)
                    events.clear()
            else:
                for command in chunk:
                    by_kind[command[0]](command)
                    events.clear()
            seconds.append(clock() - began)
    return seconds


def command_nanoseconds(make: MakeBook, workload: Workload) -> list[int]:
    """Wall time of each command, the clock's own time included."""
    book = filled(make, workload)
    events, clock = book.events, time.perf_counter_ns
    by_kind = handlers(book)
    taken = []
    with steady():
        for command in workload.measured:
            do = book.apply if by_kind is None else by_kind[command[0]]
            began = clock()
            do(command)
            taken.append(clock() - began)
            events.clear()
    return taken


def least(passes: Sequence[Sequence[float]]) -> list[float]:
    """The least of several identical passes, place by place: without what others did meanwhile."""
    return [min(each) for each in zip(*passes, strict=True)]


def bytes_per_order(make: MakeBook, workload: Workload) -> float:
    """What a resting order takes, as Python's allocator counts it."""
    gc.collect()
    tracemalloc.start()
    book = filled(make, workload)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del book
    return taken / len(workload.filling)
