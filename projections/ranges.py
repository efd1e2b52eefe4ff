"""Sets of whole numbers that are nearly without gaps, kept as runs: `((1, 512), (520, 600))`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
"""First and last number of each run, ascending; two runs never touch."""


def of(numbers: Iterable[int]) -> Ranges:
    return union((), tuple((number, number) for number in set(numbers)))


def contains(ranges: Ranges, number: int) -> bool:
    at = bisect_right(ranges, (number, number)) - 1
    if at >= 0 and number <= ranges[at][1]:
        return True
    return at + 1 < len(ranges) and ranges[at + 1][0] <= number


def union(one: Ranges, other: Ranges) -> Ranges:
    runs: list[tuple[int, int]] = []
    for first, last in sorted((*one, *other)):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return tuple(runs)


def size(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)


def holes(ranges: Ranges, start: int) -> Ranges:
    """What is missing between `start` and the last number."""
    missing = []
    for first, last in ranges:
        if first > start:
            missing.append((start, first - 1))
        start = max(start, last + 1)
    return tuple(missing)
