"""The engine benchmark's workload: a mix like an exchange's, at a chosen depth of book.

45 % resting orders (a tenth of them post-only), 10 % orders that trade (limit, IOC, market, FOK;
one in a hundred sweeps fifty times the usual size), 40 % cancels, 5 % cancel-replaces. The mix is
made beforehand by following a simple model of the book, so that cancels hit open orders and the
depth stays where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from engine import commands as c
from engine.book import Book
from engine.commands import Command
from engine.rules import Rules

OWNERS = 500
LOTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Workload:
    """Commands that build the book, and then those that are measured."""

    filling: list[Command]
    measured: list[Command]


class Mix:
    def __init__(self, *, resting: int, seed: int = 7) -> None:
        self.random = Random(seed)
        self.resting = resting
        self.levels = max(200, resting // 9)
        self.center = 1_000_000
        self.order_id = 0
        self.command_id = 0
        self.open: list[tuple[int, int]] = []
        """`(owner, order id)`; some have traded away meanwhile."""
        self.book = Book(Rules(orders_max=10**9))

    def workload(self, commands: int) -> Workload:
        filling = [self._followed(self._resting()) for _ in range(self.resting)]
        return Workload(filling, [self._followed(self._next()) for _ in range(commands)])

    def _followed(self, command: Command) -> Command:
        self.book.apply(command)
        self.book.events.clear()
        return command

    def _next(self) -> Command:
        draw = self.random.random()
        if draw < 0.45 or len(self.open) < self.resting // 2:
            return self._resting()
        if draw < 0.55:
            return self._taking()
        if draw < 0.95:
            owner, order_id = self._leaving()
            self.command_id += 1
            return (c.CANCEL, self.command_id, owner, order_id)
        owner, old_id = self._leaving()
        _, command_id, _, order_id, terms, price, lots = self._resting(owner)
        return (c.REPLACE, command_id, owner, old_id, 1, order_id, terms, price, lots)

    def _ids(self) -> tuple[int, int]:
        self.command_id += 1
        self.order_id += 1
        return self.command_id, self.order_id

    def _leaving(self) -> tuple[int, int]:
        """Any open order, but for one in fifty that was gone already."""
        while True:
            at = int(self.random.random() * len(self.open))
            chosen = self.open[at]
            self.open[at] = self.open[-1]
            self.open.pop()
            if self.book.find(*chosen) is not None or self.random.random() < 0.02:
                return chosen

    def _resting(self, owner: int = 0) -> Command:
        """Mostly near the touch, thinning out with distance."""
        rng = self.random
        command_id, order_id = self._ids()
        side = order_id & 1
        away = 1 + min(self.levels, int(rng.expovariate(4 / self.levels)))
        price = self.center - away if side else self.center + away
        owner = owner or 1 + int(rng.random() * OWNERS)
        terms = side | (c.POST_ONLY if rng.random() < 0.1 else 0)
        self.open.append((owner, order_id))
        return (
            c.PLACE,
            command_id,
            owner,
            order_id,
            terms,
            price,
            1 + int(rng.random() * LOTS_MAX),
        )

    def _taking(self) -> Command:
        rng = self.random
        command_id, order_id = self._ids()
        side = order_id & 1
        kind = rng.choice((0, c.IOC, c.MARKET, c.FOK))
        reach = self.levels
        price = self.center + reach if side else self.center - reach
        lots = 1 + int(rng.random() * LOTS_MAX)
        if rng.random() < 0.01:
            lots *= 50
        if kind == 0:  # What is left would rest far across: keep it small and near.
            price = self.center + 2 if side else self.center - 2
        owner = OWNERS + 1 + int(rng.random() * OWNERS)
        return (c.PLACE, command_id, owner, order_id, side | kind, price, lots)
