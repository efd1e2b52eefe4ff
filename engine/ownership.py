"""Whose open orders are where, and the objects of ended ones."""

from __future__ import annotations

from typing import Final

from engine.numbers import Boxed
from engine.order import NO_ORDER, Order

OWNERS_KEPT: Final = 1_024


class Ownership:
    """Open orders by owner and id.

    Every command names its owner, so each owner's orders are a dict of their own: an order of
    somebody else is never even found, the limit on open orders is a length, and no dict grows so
    large that its rebuild would stop the market for milliseconds.
    """

    __slots__ = ("free", "owners", "owners_max")

    def __init__(self) -> None:
        self.owners: dict[int, dict[int, Order]] = {}
        self.owners_max: int = OWNERS_KEPT
        self.free: Order = NO_ORDER
        """Objects of ended orders, linked by `after`, for the orders to come."""

    def find(self, owner: int, order_id: int) -> Order | None:
        """The owner's open order with this id."""
        owned = self.owners.get(owner)
        return None if owned is None else owned.get(order_id)

    def owned_by(self, owner: Boxed) -> dict[int, Order]:
        """The owner's open orders by id."""
        owned = self.owners.get(owner)
        if owned is None:
            owned = self.owners[owner] = {}
        return owned

    def forget(self, order: Order) -> None:
        """Strike an ended order off its owner's list; its object is used again."""
        del self.owners[order.owner][order.id]
        order.special = None
        order.after = self.free
        self.free = order

    def forget_owners(self) -> None:
        """Drop owners without orders, once there are many."""
        if len(self.owners) > self.owners_max:
            self.owners = {owner: owned for owner, owned in self.owners.items() if owned}
            self.owners_max = max(OWNERS_KEPT, 2 * len(self.owners))
