"""Finding the fewest of many steps that still make something go wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def fewest(steps: Sequence[T], fails: Callable[[Sequence[T]], bool], *, tries_max: int) -> list[T]:
    """Leave out steps, in ever smaller pieces, so long as it still fails. `steps` must fail."""
    kept, tries = list(steps), 0
    size = len(kept) // 2
    while size:
        start = 0
        while start < len(kept):
            if tries == tries_max:
                return kept
            tries += 1
            fewer = [*kept[:start], *kept[start + size :]]
            if fails(fewer):
                kept = fewer
            else:
                start += size
        size //= 2
    return kept
