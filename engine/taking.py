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
from engine.events import (
    BUY_AGGRESSOR,
    EXPIRED,
    FILLED,
    PREVENTED,
    REDUCED,
    RESTED,
    SELF_TRADE,
    SELL_AGGRESSOR,
)
from engine.numbers import Boxed
from engine.order import BID, Level, Order
from engine.triggers import Triggers


class Taking(Triggers):
    """The loop that trades, and what it meets that is rare.

    It is written out for buyers and for sellers: asking for the side at each step costs more than
    the steps. Both trade up to `lots` at `price` or better, and make no trade with an id above
    `trade_last`; there must be lots, and room for a trade. They return the lots that did not trade;
    negative: self-trade prevention ended the taker with that many left.
    """

    __slots__ = ()

    def take_asks(  # noqa: C901 - written out, as the class says
        self, owner: Boxed, order_id: Boxed, terms: int, price: Boxed, lots: int, trade_last: int
    ) -> int:
        """Trade an arriving buy order."""
        emit = self.events.append
        owners = self.owners
        trade_id = self.trade_id
        level = self.best_ask
        at = level.price
        while at <= price:
            first = maker = level.after
            while maker.special is None and maker.owner != owner:  # A level is special.
                traded = maker.lots
                trade_id += 1
                if traded >= lots:
                    maker.lots = left = traded - lots
                    emit((FILLED, trade_id, at, lots, maker.id, maker.owner, left,
                          order_id, owner, 0, BUY_AGGRESSOR))  # fmt: skip
                    lots = 0
                    if not left:
                        del owners[maker.owner][maker.id]
                        maker = maker.after
                    break
                lots -= traded
                emit((FILLED, trade_id, at, traded, maker.id, maker.owner, 0,
                      order_id, owner, lots, BUY_AGGRESSOR))  # fmt: skip
                del owners[maker.owner][maker.id]
                maker = maker.after
                if trade_id == trade_last:
                    break
            if trade_id != self.trade_id:
                self.trade_id = trade_id
                self.last_price = at
                if maker is not first:
                    maker.before.after = self.free
                    self.free = first
                    level.after = maker
                    maker.before = level
            if maker is level:
                level = self.next_ask()
            elif lots and trade_id != trade_last:
                lots = self._meet(maker, level, owner, order_id, terms, lots)
                trade_id = self.trade_id
                level = self.best_ask
            if lots <= 0 or trade_id == trade_last:
                break
            at = level.price
        return lots

    def take_bids(  # noqa: C901 - written out, as the class says
        self, owner: Boxed, order_id: Boxed, terms: int, price: Boxed, lots: int, trade_last: int
    ) -> int:
        """Trade an arriving sell order."""
        emit = self.events.append
        owners = self.owners
        trade_id = self.trade_id
        level = self.best_bid
        at = level.price
        while at >= price:
            first = maker = level.after
            while maker.special is None and maker.owner != owner:  # A level is special.
                traded = maker.lots
                trade_id += 1
                if traded >= lots:
                    maker.lots = left = traded - lots
                    emit((FILLED, trade_id, at, lots, maker.id, maker.owner, left,
                          order_id, owner, 0, SELL_AGGRESSOR))  # fmt: skip
                    lots = 0
                    if not left:
                        del owners[maker.owner][maker.id]
                        maker = maker.after
                    break
                lots -= traded
                emit((FILLED, trade_id, at, traded, maker.id, maker.owner, 0,
                      order_id, owner, lots, SELL_AGGRESSOR))  # fmt: skip
                del owners[maker.owner][maker.id]
                maker = maker.after
                if trade_id == trade_last:
                    break
            if trade_id != self.trade_id:
                self.trade_id = trade_id
                self.last_price = at
                if maker is not first:
                    maker.before.after = self.free
                    self.free = first
                    level.after = maker
                    maker.before = level
            if maker is level:
                level = self.next_bid()
            elif lots and trade_id != trade_last:
                lots = self._meet(maker, level, owner, order_id, terms, lots)
                trade_id = self.trade_id
                level = self.best_bid
            if lots <= 0 or trade_id == trade_last:
                break
            at = level.price
        return lots

    def _meet(
        self, maker: Order, level: Level, owner: Boxed, order_id: Boxed, terms: int, lots: int
    ) -> int:
        """Trade with a maker that has something special, or prevent a self-trade."""
        if maker.owner == owner:
            return self._prevent(maker, level, order_id, terms, lots)
        traded = min(lots, maker.lots)
        maker.lots -= traded
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
        role, price = maker.role, maker.price
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
