"""What the demo trades: quotes around a price, and takers who meet them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Listing:
    """A market as the demo trades it."""

    market: str
    middle: Decimal
    step: Decimal
    """Distance between the levels that a maker quotes; a whole number of ticks."""
    size: Decimal


LISTINGS = (
    Listing("BTC-USDT", Decimal(60000), Decimal(25), Decimal("0.01")),
    Listing("ETH-USDT", Decimal(3000), Decimal(2), Decimal("0.1")),
    Listing("ETH-BTC", Decimal("0.05"), Decimal("0.00004"), Decimal("0.1")),
)
LEVELS = 5


def quotes(listing: Listing, offset: Decimal) -> Iterator[Json]:
    """Post-only orders on both sides, `LEVELS` deep, shifted by `offset` steps."""
    for level in range(1, LEVELS + 1):
        distance = listing.step * (level + offset)
        for side, price in (
            ("buy", listing.middle - distance),
            ("sell", listing.middle + distance),
        ):
            yield {
                "market": listing.market,
                "side": side,
                "type": "limit",
                "price": str(price),
                "size": str(listing.size),
                "post_only": True,
            }


def taking(chance: random.Random, count: int) -> Iterator[Json]:
    """Orders that meet the quotes: market orders, and limit orders that cross a little."""
    for _ in range(count):
        listing = chance.choice(LISTINGS)
        side = chance.choice(("buy", "sell"))
        order: Json = {"market": listing.market, "side": side, "size": str(listing.size / 10 * 2)}
        if chance.random() < 0.5:
            yield {**order, "type": "market"}
        else:
            reach = listing.step * chance.randint(1, LEVELS + 1)
            price = listing.middle + (reach if side == "buy" else -reach)
            yield {**order, "type": "limit", "price": str(price)}
