"""Streams of random commands for the engine: everything at once, or the mix that benchmarks use."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from engine import commands as c
from engine.commands import Command


class EverythingAtOnce:
    """All kinds of commands around one price, with few owners and few prices: many collisions.

    Most commands make sense, some are wrong in one way. Ids rise; a few orders reuse an open id.
    """

    def __init__(self, seed: int, *, owners: int = 4, spread: int = 12) -> None:
        self.random = Random(seed)
        self.owners = owners
        self.center = 1_000
        self.spread = spread
        self.command_id = 0
        self.order_id = 0
        self.placed: list[tuple[int, int]] = []
        self.time_us = 1_000_000

    def take(self, count: int) -> Iterator[Command]:
        for _ in range(count):
            yield self.next()

    def next(self) -> Command:
        self.command_id += 1
        draw = self.random.random()
        if draw < 0.45:
            return self._place()
        if draw < 0.63:
            return self._special()
        if draw < 0.80:
            return self._cancel()
        return self._rare(draw)

    def _rare(self, draw: float) -> Command:
        rng = self.random
        if draw < 0.88:
            owner, order_id = self._known()
            return (c.AMEND, self.command_id, owner, order_id, rng.randrange(12))
        if draw < 0.94:
            owner, old_id = self._known()
            placed = self._place(owner)
            return (c.REPLACE, self.command_id, owner, old_id, rng.randrange(2), *placed[3:])
        if draw < 0.97:
            return self._pair()
        if draw < 0.985:
            owner = rng.randrange(self.owners + 1) if rng.random() < 0.3 else self._owner()
            return (c.CANCEL_ALL, self.command_id, owner, rng.randrange(3))
        state = rng.choice((c.TRADING, c.TRADING, c.AUCTION, c.HALTED, c.CANCEL_ONLY, 9))
        return (c.SET_STATE, self.command_id, 0 if rng.random() < 0.95 else 1, state)

    def calm(self) -> Command:
        """A command that brings the market back to trading."""
        self.command_id += 1
        return (c.SET_STATE, self.command_id, 0, c.TRADING)

    def _owner(self) -> int:
        return self.random.randint(1, self.owners)

    def _price(self) -> int:
        if self.random.random() < 0.01:
            return self.random.choice((0, 1, 2**31, 2**62, self.center * 3))
        return self.center + self.random.randint(-self.spread, self.spread)

    def _lots(self) -> int:
        if self.random.random() < 0.01:
            return self.random.choice((0, 2**31, 2**40, 500))
        return self.random.randint(1, 12)

    def _id(self, owner: int) -> int:
        if self.placed and self.random.random() < 0.005:
            return self._known()[1]
        self.order_id += 1
        self.placed.append((owner, self.order_id))
        return self.order_id

    def _known(self) -> tuple[int, int]:
        """An order placed before, mostly a recent one, mostly with its true owner."""
        if not self.placed:
            return 1, 1
        back = min(len(self.placed), int(self.random.expovariate(1 / 15)) + 1)
        owner, order_id = self.placed[-back]
        return (owner if self.random.random() < 0.97 else owner + 1), order_id

    def _terms(self) -> int:
        rng = self.random
        terms = rng.choice((c.BUY, c.SELL)) | rng.choice((0, 0, 0, 16, 32, 48))
        terms |= rng.choice((0, 0, 0, 0, c.IOC, c.FOK, c.POST_ONLY, c.MARKET))
        if rng.random() < 0.02:
            terms |= rng.choice((c.POST_ONLY, c.MARKET, c.GTD, 128, 1024))
        return terms

    def _place(self, owner: int = 0) -> Command:
        owner = owner or self._owner()
        return (
            c.PLACE, self.command_id, owner, self._id(owner), self._terms(),
            self._price(), self._lots(),
        )  # fmt: skip

    def _special(self) -> Command:
        """One or two special things, mostly such as fit together."""
        rng = self.random
        owner = self._owner()
        terms, price, lots = self._terms(), self._price(), self._lots()
        kind = trigger = display = budget = expires = 0
        what = rng.choice(("trigger", "trigger", "iceberg", "iceberg", "budget", "expiry", "mixed"))
        if what in ("trigger", "mixed"):
            kind = rng.choice((c.STOP, c.TAKE_PROFIT, c.TRAIL_TICKS, c.TRAIL_BPS))
            trigger = self._price() if kind in (c.STOP, c.TAKE_PROFIT) else rng.randint(1, 60)
        if what in ("iceberg", "mixed"):
            display = rng.randint(1, 4)
            terms &= ~(c.MARKET | c.TIF_MASK)
        if what == "budget":
            terms = terms & ~(c.POST_ONLY | c.TIF_MASK) | c.MARKET
            budget = rng.randint(1, 30_000)
            lots = rng.choice((lots, 2**31 - 1))
        if what in ("expiry", "mixed"):
            terms = terms & ~(c.MARKET | c.TIF_MASK) | c.GTD
            expires = self.time_us + rng.randint(-10, 2_000)
        return (
            c.PLACE_SPECIAL, self.command_id, owner, self._id(owner), terms, price, lots,
            kind, trigger, display, budget, expires,
        )  # fmt: skip

    def _cancel(self) -> Command:
        owner, order_id = self._known()
        return (c.CANCEL, self.command_id, owner, order_id)

    def _pair(self) -> Command:
        rng = self.random
        owner, side = self._owner(), rng.choice((c.BUY, c.SELL))
        away = self.spread if side == c.SELL else -self.spread
        stop_side = side if rng.random() < 0.97 else 1 - side
        return (
            c.OCO, self.command_id, owner, self._id(owner), self._id(owner), side,
            self.center + away + rng.randint(-8, 8), self._lots(),
            stop_side | rng.choice((0, c.MARKET)), self.center - away + rng.randint(-8, 8),
            self._price(),
        )  # fmt: skip

    def tick(self) -> int:
        """Microseconds since 1970 now; moves on with every call."""
        self.time_us += self.random.randint(0, 40)
        return self.time_us
