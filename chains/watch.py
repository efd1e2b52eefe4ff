"""The set of addresses we watch: a million of them in 8 MB, a look-up in under a microsecond.

Addresses are hashes, so their first 64 bits tell them apart well enough to filter; whatever passes
is looked up in the database, which has the last word. A collision made on purpose costs one
look-up.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import groupby

_RECENT_MAX = 20_000
"""Merging into the large array costs about 0.15 s per million: do it rarely."""


class AddressSet:
    """Grows only; addresses are watched for ever."""

    def __init__(self, *, recent_max: int = _RECENT_MAX) -> None:
        self._recent_max = recent_max
        self._sorted: array[int] = array("Q")
        self._recent: set[int] = set()

    def add_all(self, addresses: Iterable[bytes]) -> None:
        """Add 20-byte addresses; adding one again changes nothing."""
        self._recent.update(int.from_bytes(address[:8], "big") for address in addresses)
        if len(self._recent) > self._recent_max:
            self._merge()

    def __contains__(self, address: bytes) -> bool:
        """False for sure, or true as far as 64 bits can tell."""
        key = int.from_bytes(address[:8], "big")
        if key in self._recent:
            return True
        place = bisect_left(self._sorted, key)
        return place < len(self._sorted) and self._sorted[place] == key

    def __len__(self) -> int:
        return len(self._sorted) + len(self._recent)

    def _merge(self) -> None:
        merged = self._sorted.tolist()
        merged.extend(sorted(self._recent))
        merged.sort()  # Two sorted runs: linear, where a set of all would be hashed anew each time.
        self._sorted = array("Q", (key for key, _ in groupby(merged)))
        self._recent = set()
