"""The matching core, one command a call: ours, ours on the reference index, the oracle, and rivals.

Throughput counts processor time of one core, since machines are shared; the median of interleaved
passes. `unhindered` figures take the best of all passes for each stretch of commands: what the code
does when nobody else is there. Ratios within one run are what to compare between machines.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import engine.book
from bench.engine_core import (
    AnyBook,
    MakeBook,
    bytes_per_order,
    chunk_seconds,
    command_nanoseconds,
    least,
)
from bench.engine_mix import Mix, Workload
from bench.engine_once import compiled_rates
from bench.report import BenchResult, percentile
from bench.rivals import OURS, run_rivals
from engine.book import Book
from engine.ladder import Ladder, SortedIndex
from engine.reference.book import ReferenceBook
from engine.rules import Rules

RULES = Rules(orders_max=10**9)
REFERENCE = "ours on SortedDict"
"""The reference book that gates count from: the same matching, the index everyone would take."""
COMPILED = "ours compiled"
ORACLE = "oracle (one list)"
ORACLE_COMMANDS = 2_000

DEPTHS = {1_000: (100_000, 3), 100_000: (50_000, 3)}
"""Resting orders: `(commands measured, passes)`."""
DEEP = {1_000_000: (50_000, 1)}
"""Minutes of its own, and a gigabyte: only with RIALTO_BENCH_ALL=1."""
NORMAL = 1_000


def fast() -> AnyBook:
    return Book(RULES, Ladder)


def sorted_dict() -> AnyBook:
    return Book(RULES, SortedIndex)


def oracle() -> AnyBook:
    return ReferenceBook(RULES)


@dataclass(frozen=True)
class Rate:
    """Commands per processor second."""

    median: float
    unhindered: float


def rates(books: Mapping[str, MakeBook], workload: Workload, passes: int) -> dict[str, Rate]:
    """Each book's rate; the books take turns."""
    taken: dict[str, list[list[float]]] = {name: [] for name in books}
    for _ in range(passes):
        for name, make in books.items():
            taken[name].append(chunk_seconds(make, workload))
    count = len(workload.measured)
    return {
        name: Rate(count / median(map(sum, each)), count / sum(least(each)))
        for name, each in taken.items()
    }


def run(*, rivals: bool = True) -> BenchResult:
    depths = DEPTHS | (DEEP if os.environ.get("RIALTO_BENCH_ALL") == "1" else {})
    notes, results = [f"core {'compiled' if is_compiled() else 'in plain Python'}"], {}
    for resting, (commands, passes) in depths.items():
        workload = Mix(resting=resting).workload(commands)
        memory = bytes_per_order(fast, workload)
        found = rates({"ours": fast, REFERENCE: sorted_dict}, workload, passes)
        results[resting] = found
        notes += [_rate_note(resting, found), f"{resting:,} resting: {memory:.0f} bytes each"]
        latencies = [command_nanoseconds(fast, workload) for _ in range(passes)]
        notes.append(_latency_note(resting, latencies))
        if resting == NORMAL:
            normal_workload, wall = workload, _best(latencies)
    normal = results[NORMAL]
    others = {REFERENCE: normal[REFERENCE].median}
    if compiled := compiled_rates(NORMAL, len(normal_workload.measured)):
        others[COMPILED] = compiled[0]
        ratio = compiled[1] / normal["ours"].unhindered
        notes.append(f"compiled: {ratio:.2f} times plain, both unhindered")
    others[ORACLE] = rates({ORACLE: oracle}, _short(normal_workload), 1)[ORACLE].median
    if rivals:
        theirs, said = run_rivals(normal_workload)
        others |= theirs
        notes += said
        best = max((name for name in theirs if name != OURS), key=lambda name: theirs[name])
        notes.append(f"on limit orders and cancels ours does {theirs[OURS] / theirs[best]:.1f} "
                     f"times what the fastest rival does, {best}")  # fmt: skip
    return BenchResult(
        "engine",
        normal["ours"].median,
        percentile(wall, 0.5) / 1e6,
        percentile(wall, 0.99) / 1e6,
        percentile(wall, 0.999) / 1e6,
        "none: the core alone, in memory",
        "not applicable",
        rivals=others,
        notes=notes,
    )


def is_compiled() -> bool:
    return not (engine.book.__file__ or "").endswith(".py")


def _short(workload: Workload) -> Workload:
    return Workload(workload.filling, workload.measured[:ORACLE_COMMANDS])


def _best(passes: list[list[int]]) -> list[float]:
    return sorted(map(float, min(passes, key=sum)))


def _rate_note(resting: int, found: Mapping[str, Rate]) -> str:
    ours, reference = found["ours"], found[REFERENCE]
    return (
        f"{resting:,} resting: {ours.median:,.0f} commands/s ({ours.unhindered:,.0f} unhindered), "
        f"{ours.unhindered / reference.unhindered:.2f} times {REFERENCE}"
    )


def _latency_note(resting: int, passes: list[list[int]]) -> str:
    def said(values: list[float]) -> str:
        p50, p99, p999 = (percentile(values, share) / 1e3 for share in (0.5, 0.99, 0.999))
        return f"p50 {p50:.2f}, p99 {p99:.2f}, p99.9 {p999:.2f}, max {values[-1] / 1e3:.0f} us"

    alone = sorted(least(passes))
    return f"{resting:,} resting: best pass {said(_best(passes))}; unhindered {said(alone)}"
