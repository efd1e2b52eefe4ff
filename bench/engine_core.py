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
    apply, events, clock = book.apply, book.events, time.process_time
    seconds = []
    with steady():
        for start in range(0, len(workload.measured), CHUNK):
            chunk = workload.measured[start : start + CHUNK]
            began = clock()
            for command in chunk:
                apply(command)
                events.clear()
            seconds.append(clock() - began)
    return seconds


def command_nanoseconds(make: MakeBook, workload: Workload) -> list[int]:
    """Wall time of each command, the clock's own time included."""
    book = filled(make, workload)
    apply, events, clock = book.apply, book.events, time.perf_counter_ns
    taken = []
    with steady():
        for command in workload.measured:
            began = clock()
            apply(command)
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
