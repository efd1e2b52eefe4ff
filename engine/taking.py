"""Trading: an arriving order against the other side of the book, best price first, oldest first.

The loops hold their state in local variables: this is where the engine spends its time.
"""

from __future__ import annotations

from engine.commands import (
    BUY,
    CANCEL_MAKER,
    CANCEL_TAKER,
    DECREMENT,
    PREVENTION_MASK,
)
from engine.events import EXPIRED, FILLED, PREVENTED, REDUCED, RESTED, SELF_TRADE
from engine.order import BID, Level, Order
from engine.triggers import Triggers


class Taking(Triggers):
    """The loop that trades, and what it meets that is rare."""

    __slots__ = ()

    def take(
        self, owner: int, order_id: int, terms: int, price: int, lots: int, trade_last: int
    ) -> int:
        """Trade up to `lots` at `price` or better; no trade gets an id above `trade_last`.

        Returns the lots that did not trade; negative: self-trade prevention ended the taker with
        that many left.
        """
        buys = terms & BUY
        emit = self.events.append
        level = self.best_ask if buys else self.best_bid
        at = level.price
        while lots > 0 and (at <= price if buys else at >= price) and self.trade_id < trade_last:
            trade_id = self.trade_id
            taken = 0
            maker = level.next
            while maker is not level and lots and trade_id < trade_last:
                if maker.owner == owner or maker.special is not None:
                    break
                traded = maker.lots
                trade_id += 1
                if traded > lots:
                    maker.lots = traded - lots
                    emit((FILLED, trade_id, at, lots, maker.id, maker.owner, traded - lots,
                          order_id, owner, 0, buys))  # fmt: skip
                    taken += lots
                    lots = 0
                    break
                lots -= traded
                taken += traded
                emit((FILLED, trade_id, at, traded, maker.id, maker.owner, 0,
                      order_id, owner, lots, buys))  # fmt: skip
                del self.owners[maker.owner][maker.id]
                self.pool.append(maker)
                maker = maker.next
            if taken:
                level.next = maker
                maker.prev = level
                level.lots -= taken
                self.trade_id = trade_id
                self.last_price = at
            if maker is level:
                self.drop_ask(level) if buys else self.drop_bid(level)
            elif lots and trade_id < trade_last:
                lots = self._meet(maker, level, owner, order_id, terms, lots)
            level = self.best_ask if buys else self.best_bid
            at = level.price
        return lots

    def _meet(
        self, maker: Order, level: Level, owner: int, order_id: int, terms: int, lots: int
    ) -> int:
        """Trade with a maker that has something special, or prevent a self-trade."""
        if maker.owner == owner:
            return self._prevent(maker, level, order_id, terms, lots)
        traded = min(lots, maker.lots)
        maker.lots -= traded
        level.lots -= traded
        self.trade_id += 1
        self.last_price = level.price
        self.events.append(
            (FILLED, self.trade_id, level.price, traded, maker.id, maker.owner,
             self.open_lots(maker), order_id, owner, lots - traded, terms & BUY)
        )  # fmt: skip
        self.after_special_fill(maker)
        return lots - traded

    def after_special_fill(self, maker: Order) -> None:
        """Follow up a special order's fill: its OCO sibling ends, an iceberg shows its next
        part.
        """
        special = maker.special
        assert special is not None
        sibling, special.sibling = special.sibling, 0
        self.end_sibling(maker.owner, sibling, EXPIRED)
        if maker.lots:
            return
        role, price = maker.level.role, maker.level.price
        self.unlink(maker)
        if not special.hidden_lots:
            self.forget(maker)
            return
        shown = min(special.display_lots, special.hidden_lots)
        special.hidden_lots -= shown
        maker.lots = shown
        self.append(maker, self.bid_level(price) if role == BID else self.ask_level(price))
        self.events.append((RESTED, maker.id, maker.owner, role, price, shown))

    def _prevent(self, maker: Order, level: Level, order_id: int, terms: int, lots: int) -> int:
        """Keep an owner from trading with himself, as the taker's terms say.

        Returns the lots the taker goes on with; negative: it ends with that many lots unfilled.
        """
        mode = terms & PREVENTION_MASK
        maker_lots = self.open_lots(maker)
        met = min(lots, maker_lots)
        owner = maker.owner
        self.events.append((PREVENTED, order_id, maker.id, owner, level.price, met, mode))
        if mode == DECREMENT and met < maker_lots:
            self.reduce(maker, met, SELF_TRADE)
            return -lots
        if mode != CANCEL_TAKER:
            self.expire(maker, SELF_TRADE)
        if mode == CANCEL_MAKER:
            return lots
        if mode != DECREMENT or met == lots:
            return -lots
        self.decremented += met
        self.events.append(
            (REDUCED, order_id, owner, terms & BUY, level.price, met, lots - met, 0, SELF_TRADE)
        )
        return lots - met
