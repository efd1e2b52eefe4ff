"""The sorted prices of one side of a book.

Keys are prices for bids and negated prices for asks, so that the best is always the largest key.
The best ones are in a plain list, the *near keys*, where the book appends and pops as levels come
and go at the touch; the functions here do what is rarer. All others are in a price index: a
`Ladder`, or a `SortedIndex` on sortedcontainers, the obvious one that the ladder is tested against.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

from sortedcontainers import SortedDict

from engine.numbers import Boxed

NEAR_MAX: Final = 512
"""With more near keys than this, each insertion moves NEAR_MOVED of the worst to the index."""
NEAR_MOVED: Final = 64
BLOCK_KEYS: Final = 1024
"""A block splits at twice this. Inserting moves at most one block's pointers: 16 KiB."""

NO_KEY: Final = 0
"""The best of an empty index: prices begin at 1."""


class PriceIndex:
    """Distinct keys in order."""

    __slots__ = ()

    def add(self, key: Boxed) -> None:
        raise NotImplementedError

    def remove(self, key: Boxed) -> None:
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


def insert(near: list[Boxed], index: PriceIndex, key: Boxed) -> None:
    """Add a key that is not the best. There is a best, and it is among the near ones."""
    if key < near[0]:
        index.add(key)
        return
    insort(near, key)
    if len(near) > NEAR_MAX:
        for moved in near[:NEAR_MOVED]:
            index.add(moved)
        del near[:NEAR_MOVED]


def remove(near: list[Boxed], index: PriceIndex, key: Boxed) -> None:
    """Remove a key that is not the best."""
    if key < near[0]:
        index.remove(key)
        return
    at = bisect_left(near, key)
    assert near[at] == key
    del near[at]


def refill(near: list[Boxed], index: PriceIndex) -> bool:
    """Fill the empty list of near keys with the best of the index; False if it is empty too."""
    while len(near) < NEAR_MOVED:
        key = index.best()
        if not key:
            break
        index.remove(key)
        near.append(key)
    near.reverse()
    return bool(near)


def from_best(near: list[Boxed], index: PriceIndex) -> Iterator[int]:
    """All keys from the best on; nothing must change meanwhile."""
    yield from reversed(near)
    yield from index.descending()


class Ladder(PriceIndex):
    """Sorted blocks of keys, the best at the very end."""

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

    def best(self) -> Boxed:
        key: int = self.keys.peekitem(-1)[0] if self.keys else NO_KEY
        return key

    def nth(self, rank: int) -> Boxed:
        key: int = self.keys.peekitem(-1 - rank)[0] if rank < len(self.keys) else NO_KEY
        return key

    def descending(self) -> Iterator[int]:
        return reversed(self.keys)
