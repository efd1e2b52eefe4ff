"""A market's order book from its snapshot and deltas, checked at every step."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

_CHECKED_LEVELS = 10
Level = tuple[str, str]


class OutOfStep(Exception):
    """An update is missing or the checksum differs: subscribe again, without from_sequence."""


class Book:
    """`tick` and `lot` are the market's `tick_size` and `lot_size`: the checksum counts in them."""

    def __init__(self, *, tick: str, lot: str) -> None:
        self._tick = Decimal(tick)
        self._lot = Decimal(lot)
        self._sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
        self.sequence = 0

    def apply(self, message: dict[str, Any]) -> None:
        """A `book_snapshot` or `book_update`. Raises OutOfStep."""
        if message["type"] == "book_snapshot":
            self._sides = {side: dict(message[side]) for side in self._sides}
        else:
            if message["previous_sequence"] != self.sequence:
                raise OutOfStep("an update is missing")
            for side, levels in self._sides.items():
                for price, size in message[side]:
                    levels[price] = size
                    if size == "0":
                        del levels[price]
        self.sequence = message["sequence"]
        if self._checksum() != message["checksum"]:
            raise OutOfStep("the checksum differs")

    def bids(self, depth: int | None = None) -> list[Level]:
        """Best first."""
        return sorted(self._sides["bids"].items(), key=_price, reverse=True)[:depth]

    def asks(self, depth: int | None = None) -> list[Level]:
        """Best first."""
        return sorted(self._sides["asks"].items(), key=_price)[:depth]

    def _checksum(self) -> int:
        best = self.asks(_CHECKED_LEVELS) + self.bids(_CHECKED_LEVELS)
        steps = (
            f"{int(Decimal(price) / self._tick)}:{int(Decimal(size) / self._lot)},"
            for price, size in best
        )
        return crc32("".join(steps).encode())


def _price(level: Level) -> Decimal:
    return Decimal(level[0])
