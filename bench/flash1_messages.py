"""Messages of the public benchmark flash1-dev/matching-engine-benchmark, by its published rules.

A million new orders along a random mid-price, buys from its first half and sells from its second,
arriving in shuffled order; most are canceled, a fifth modified, a seventh immediate-or-cancel. Its
rules are MIT licensed and fix every draw, so the same seed gives the same messages everywhere; the
repository publishes the SHA-256 of what an engine must answer (reference/correctness_hash.txt at
commit 41656c8).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from operator import itemgetter
from random import Random
from typing import Final

NEW: Final = 0
CANCEL: Final = 1
MODIFY: Final = 2

SEED: Final = 23
ORDERS: Final = 1_000_000

SCENARIOS: Final = {
    "static": (0.0, 0.0),
    "normal": (0.15, 0.02),
    "swing-25": (0.5, 0.25),
    "swing-40": (0.5, 0.4),
    "flash-crash": (0.5, 0.6),
}
"""Volatility and target swing of the mid-price."""

HASHES: Final = {
    "static": "9803843ee404fc29c9a0aa5614f8f0d5a58b5c44fcac9ef89067886fcaaa30d1",
    "normal": "e9b2e3926854410b01a035aeb25dd05f1e597c233be8263de9eb49b6713d367e",
    "swing-25": "61a84be9469661bd039e00dbc9a7c011e70b6ace37aadfe60045ea083b05f4df",
    "swing-40": "3cb0175e7982ff09ea220d1feaee3844cf9116a5ce455757879dea1d880b9b9f",
    "flash-crash": "cff8d3f94b709fc64a8b2058a6ca4fb6920364904796e46906895e362d2bb16b",
}
"""Published for a million orders and seed 23."""

_TICK = 0.005
_START = 167.52
_LIFE_US = 431.0
"""Median time until a cancel."""

Message = tuple[int, int, int, int, int, int]
"""Kind, side (0 buy, 1 sell), 1 if immediate-or-cancel, order id, price, size."""


def portable(seed: int) -> Callable[[], float]:
    """Draws of 53 bits from a Mersenne Twister seeded as C++ does it, which Python does not."""
    words = [seed]
    for at in range(1, 624):
        last = words[-1]
        words.append((1812433253 * (last ^ (last >> 30)) + at) & 0xFFFFFFFF)
    random = Random()
    random.setstate((3, (*words, 624), None))
    return random.random


def messages(scenario: str, orders: int = ORDERS, seed: int = SEED) -> list[Message]:
    """The benchmark's messages in the order they arrive."""
    draw = portable(seed)
    placed = _new_orders(scenario, orders, draw)
    order = list(range(orders))
    for at in range(orders - 1, 0, -1):
        other = int(draw() * (at + 1))
        order[at], order[other] = order[other], order[at]
    timeline: list[tuple[int, Message]] = []
    now = 0
    for which in order:
        now = _lifecycle(timeline, now, which + 1, placed[which], draw) + 1
    timeline.sort(key=itemgetter(0))
    return [message for _, message in timeline]


def _depths() -> list[float]:
    """Cumulative weights of how many ticks behind the best an order stands."""
    weights = (
        1.0 / math.pow(depth + 1.0, 2.23) + 5.0 * math.exp(-0.5 * (depth - 8.0) * (depth - 8.0))
        for depth in range(800)
    )
    return list(accumulate(weights))


def _new_orders(
    scenario: str, orders: int, draw: Callable[[], float]
) -> list[tuple[int, int, int, int]]:
    """`(side, price, size, depth)` of each order, in the order the price walked."""
    volatility, swing = SCENARIOS[scenario]
    step = (swing / volatility) ** 2 / orders if volatility else 0.0
    sigma = volatility * math.sqrt(step)
    drift = -0.5 * sigma * sigma
    depths = _depths()
    reach = depths[-1]
    mid = _START
    placed = []
    for number in range(orders):
        radius, angle = max(draw(), 1e-300), draw()
        normal = math.sqrt(-2.0 * math.log(radius)) * math.cos(2.0 * math.pi * angle)
        mid *= math.exp(drift + sigma * normal)
        ticks = _nearest(_nearest(mid / _TICK) * _TICK / _TICK)
        depth = min(bisect_left(depths, draw() * reach), 799)
        side = 0 if number < orders // 2 else 1
        price = ticks + depth + 1 if side else ticks - depth - 1
        placed.append((side, max(price, 1), 1 + int(draw() * 100), depth))
    return placed


def _nearest(value: float) -> int:
    """Rounded, halves away from zero; values are positive."""
    whole = int(value)
    return whole + 1 if value - whole >= 0.5 else whole


def _lifecycle(
    timeline: list[tuple[int, Message]],
    now: int,
    order_id: int,
    order: tuple[int, int, int, int],
    draw: Callable[[], float],
) -> int:
    """Add an order and what becomes of it; returns the time of its last message."""
    side, price, size, depth = order
    if draw() < 0.15:
        timeline.append((now, (NEW, side, 1, order_id, price, size)))
        return now
    timeline.append((now, (NEW, side, 0, order_id, price, size)))
    changed = price
    modified = draw() < 0.2
    if modified:
        now += 30 + int(draw() * 70)
        if draw() < 0.8:
            changed = price - 1 if side else price + 1
        timeline.append((now, (MODIFY, side, 0, order_id, changed, size + 1)))
    if draw() < 0.95:
        rate = math.log(2.0) / _LIFE_US / math.sqrt(1.0 + depth)
        now += int(-math.log(max(draw(), 1e-300)) / rate)
        canceled: Message = (CANCEL, side, 0, order_id, price, size)
        timeline.append((now, canceled))
        if draw() < 0.02:
            now += 1 + int(draw() * 20)
            timeline.append((now, canceled))
        if modified and draw() < 0.02:
            now += 1 + int(draw() * 20)
            timeline.append((now, (MODIFY, side, 0, order_id, changed, size + 1)))
    return now
