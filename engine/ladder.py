"""Price indexes: the sorted prices of one side of a book, best price highest.

Keys are prices for bids and negated prices for asks, so that the best is always the largest key.
The index is touched only when a level is born or dies. `Ladder` is the default; `SortedIndex`, on
sortedcontainers, is the obvious one it is tested against.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

from sortedcontainers import SortedDict

from engine.numbers import Boxed

BLOCK_KEYS: Final = 1024
"""A block splits at twice this. Inserting moves at most one block's pointers: 16 KiB."""

NO_KEY: Final = 0
"""The best of an empty index: prices begin at 1."""


class PriceIndex:
    """Distinct keys in order. Levels come and go at the touch, so that has methods of its own."""

    __slots__ = ()

    def add(self, key: Boxed) -> None:
        raise NotImplementedError

    def remove(self, key: Boxed) -> None:
        raise NotImplementedError

    def add_best(self, key: Boxed) -> None:
        """Add a key above all others."""
        raise NotImplementedError

    def remove_best(self) -> Boxed:
        """Remove the largest key; answers the largest of the others, or NO_KEY."""
        raise NotImplementedError

    def best(self) -> Boxed:
        """The largest key, or NO_KEY."""
        raise NotImplementedError

    def nth(self, rank: int) -> Boxed:
        """The key that `rank` others are better than, or NO_KEY. Quick near the best."""
        raise NotImplementedError

    def descending(self) -> Iterator[int]:
        """Keys from the best on; the index must not change meanwhile."""
        raise NotImplementedError


class Ladder(PriceIndex):
    """Sorted blocks of keys, the best at the very end.

    Levels come and go at the touch, where this appends to and pops from the last block.
    """

    __slots__ = ("blocks", "last", "lows")

    def __init__(self) -> None:
        self.last: list[Boxed] = []
        self.blocks: list[list[Boxed]] = [self.last]
        self.lows: list[Boxed] = []
        """Lower bound of every block but the first."""

    def add(self, key: Boxed) -> None:
        lows = self.lows
        if not lows or key >= lows[-1]:
            block = self.last
            place = len(lows)
        else:
            place = bisect_right(lows, key)
            block = self.blocks[place]
        if not block or key > block[-1]:
            block.append(key)
        else:
            insort(block, key)
        if len(block) > 2 * BLOCK_KEYS:
            self._split(place)

    def remove(self, key: Boxed) -> None:
        block = self.last
        if block and block[-1] == key:
            place = len(self.lows)
            block.pop()
        else:
            place = bisect_right(self.lows, key)
            block = self.blocks[place]
            at = bisect_left(block, key)
            assert block[at] == key
            del block[at]
        if not block and self.lows:
            self._drop(place)

    def add_best(self, key: Boxed) -> None:
        self.last.append(key)  # Too long a block is split by the next key that has to be inserted.

    def remove_best(self) -> Boxed:
        block = self.last
        block.pop()
        if block:
            return block[-1]
        if self.lows:
            self._drop(len(self.lows))
        return self.best()

    def best(self) -> Boxed:
        return self.last[-1] if self.last else NO_KEY

    def nth(self, rank: int) -> Boxed:
        if rank < len(self.last):
            return self.last[-1 - rank]
        for block in reversed(self.blocks):
            if rank < len(block):
                return block[-1 - rank]
            rank -= len(block)
        return NO_KEY

    def descending(self) -> Iterator[int]:
        for block in reversed(self.blocks):
            yield from reversed(block)

    def _split(self, place: int) -> None:
        block = self.blocks[place]
        upper = block[BLOCK_KEYS:]
        del block[BLOCK_KEYS:]
        self.blocks.insert(place + 1, upper)
        self.lows.insert(place, upper[0])
        self.last = self.blocks[-1]

    def _drop(self, place: int) -> None:
        """Forget an empty block; its neighbour takes over its range."""
        del self.blocks[place]
        del self.lows[place - 1 if place else 0]
        self.last = self.blocks[-1]


class SortedIndex(PriceIndex):
    """The reference index: a SortedDict, right by construction and slower at the touch."""

    __slots__ = ("keys",)

    def __init__(self) -> None:
        self.keys: SortedDict[int, None] = SortedDict()

    def add(self, key: Boxed) -> None:
        self.keys[key] = None

    def remove(self, key: Boxed) -> None:
        del self.keys[key]

    def add_best(self, key: Boxed) -> None:
        self.keys[key] = None

    def remove_best(self) -> Boxed:
        self.keys.popitem()
        return self.best()

    def best(self) -> Boxed:
        key: int = self.keys.peekitem(-1)[0] if self.keys else NO_KEY
        return key

    def nth(self, rank: int) -> Boxed:
        key: int = self.keys.peekitem(-1 - rank)[0] if rank < len(self.keys) else NO_KEY
        return key

    def descending(self) -> Iterator[int]:
        return reversed(self.keys)
