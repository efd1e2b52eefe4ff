"""How orders end other than by trading, and how they shrink."""

from __future__ import annotations

from engine.events import (
    BY_OWNER,
    CANCELED,
    EXPIRED,
    OTHER_LEG,
    REDUCED,
)
from engine.order import BID, RISING, Order
from engine.state import BookState


class Ending(BookState):
    """Ends and reductions of orders that rest in the book or wait outside it."""

    __slots__ = ()

    def open_lots(self, order: Order) -> int:
        special = order.special
        return order.lots if special is None else order.lots + special.hidden_lots

    def end(self, order: Order, kind: int, reason: int) -> None:
        """Take an order out, say so, and take its OCO sibling along."""
        special = order.special
        order_id = order.id
        owner = order.owner
        lots = self.open_lots(order)
        if order.role <= BID:
            event = (kind, order_id, owner, order.role, order.price, lots, order.lots, reason)
        else:
            assert special is not None
            event = (kind, order_id, owner, special.terms & 1, special.price, lots, 0, reason)
        self.unlink(order)
        self.forget(order)
        self.events.append(event)
        if special is not None:
            self.trailing.pop((owner, order_id), None)
            self.end_sibling(owner, special.sibling, kind)

    def end_sibling(self, owner: int, order_id: int, kind: int) -> None:
        """End the other leg of an OCO pair, if there is one and it is still open."""
        sibling = self.find(owner, order_id) if order_id else None
        if sibling is not None:
            assert sibling.special is not None
            sibling.special.sibling = 0
            self.end(sibling, kind, OTHER_LEG)

    def expire(self, order: Order, reason: int) -> None:
        self.end(order, EXPIRED, reason)

    def cancel_order(self, order: Order, reason: int = BY_OWNER) -> None:
        self.end(order, CANCELED, reason)

    def reduce(self, order: Order, removed: int, reason: int) -> None:
        """Shrink an open order in place; hidden lots go first. Something must be left."""
        special = order.special
        hidden_removed = 0 if special is None else min(removed, special.hidden_lots)
        shown_removed = removed - hidden_removed
        if special is not None:
            special.hidden_lots -= hidden_removed
        order.lots -= shown_removed
        order.total -= removed
        left = self.open_lots(order)
        assert left > 0
        in_book = order.role < RISING
        if in_book:
            is_buy, price, shown = order.role, order.price, shown_removed
        else:
            assert special is not None
            is_buy, price, shown = special.terms & 1, special.price, 0
        self.events.append(
            (REDUCED, order.id, order.owner, is_buy, price, removed, left, shown, reason)
        )
