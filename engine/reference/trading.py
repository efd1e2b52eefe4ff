"""How orders of the reference book trade, rest, wait, shrink and end."""

from __future__ import annotations

from engine import commands as c
from engine import events as e
from engine.reference.checks import ReferenceChecks
from engine.reference.order import ReferenceOrder


class ReferenceTrading(ReferenceChecks):
    """One fill at a time, looking for the next maker anew each time."""

    def enter(self, order: ReferenceOrder) -> bool:
        """Meet the book. Returns whether there was somebody to trade with."""
        order.trigger_kind = 0
        meets = self.against_now(order)
        if order.may_rest and not meets:
            self.rest(order)
            return False
        self.events.append(
            (e.ACCEPTED, order.id, order.owner, order.is_buy, order.price, order.open)
        )
        seen = len(self.events)
        reason = self.trade(order)
        if reason:
            self.expire_arriving(order, reason)
        elif order.open:
            self.rest(order)
        elif order in self.orders:
            self.orders.remove(order)
        self.react_to_prices(seen)
        return meets

    def trade(self, order: ReferenceOrder) -> int:  # noqa: C901, PLR0911 - one rule after another
        """Fill what can be filled. Returns why the rest expires; 0 if it rests or nothing is
        left.
        """
        limit = self.protected_limit(order)
        if order.tif == c.FOK and not self.could_fill_whole(order, limit):
            return e.FOK_UNFILLED
        fills = 0
        while order.open:
            if fills == self.rules.fills_max:
                return e.FILLS_MAX
            makers = self.against(order, limit)
            if not makers:
                return self.remainder_reason(order)
            maker = makers[0]
            wanted = order.open
            if order.budget:
                wanted = min(order.open, order.budget // maker.price)
                if not wanted:
                    return e.BUDGET_SPENT
            if maker.owner == order.owner:
                if self.prevent(order, maker, wanted):
                    return e.SELF_TRADE
            else:
                fills += 1
                if self.fill(order, maker, wanted):
                    return 0
        return 0

    def protected_limit(self, order: ReferenceOrder) -> int:
        best = self.against(order, order.price)
        if not order.is_market or not self.rules.protection_bps or not best:
            return order.price
        reach = best[0].price * self.rules.protection_bps // 10_000
        if order.is_buy:
            return min(order.price, best[0].price + reach)
        return max(order.price, best[0].price - reach)

    def remainder_reason(self, order: ReferenceOrder) -> int:
        """Why an order finds no more makers; 0 if it may rest."""
        if order.may_rest:
            return 0
        if order.budget:
            book = self.resting(is_buy=not order.is_buy)
            if book and order.budget < book[0].price:
                return e.BUDGET_SPENT
            return e.MARKET_REMAINDER
        if order.is_market:
            return e.MARKET_REMAINDER
        return e.IOC_REMAINDER if order.tif == c.IOC else e.FOK_UNFILLED

    def fill(self, taker: ReferenceOrder, maker: ReferenceOrder, wanted: int) -> bool:
        """Trade with one maker. Returns whether the taker is done."""
        lots = min(wanted, maker.shown)
        maker.open -= lots
        maker.shown -= lots
        taker.open -= lots
        left = wanted - lots
        if taker.budget:
            taker.budget -= lots * maker.price
            if left == 0:
                taker.open = 0
        self.trade_id += 1
        self.last_price = maker.price
        self.events.append(
            (e.FILLED, self.trade_id, maker.price, lots, maker.id, maker.owner, maker.open,
             taker.id, taker.owner, left, taker.is_buy)
        )  # fmt: skip
        self.after_maker_fill(maker)
        return left == 0

    def after_maker_fill(self, maker: ReferenceOrder) -> None:
        self.end_sibling(maker, e.EXPIRED)
        if maker.open == 0:
            self.orders.remove(maker)
        elif maker.shown == 0:
            maker.shown = min(maker.display, maker.open)
            maker.stamp = self.next_stamp()
            self.events.append(
                (e.RESTED, maker.id, maker.owner, maker.is_buy, maker.price, maker.shown)
            )

    def prevent(self, taker: ReferenceOrder, maker: ReferenceOrder, wanted: int) -> bool:
        """Keep an owner from trading with himself. Returns whether the taker ends."""
        mode = taker.terms & c.PREVENTION_MASK
        met = min(wanted, maker.open)
        self.events.append((e.PREVENTED, taker.id, maker.id, taker.owner, maker.price, met, mode))
        if mode == c.CANCEL_TAKER:
            taker.open = wanted
            return True
        if mode == c.DECREMENT and met < maker.open:
            self.reduce(maker, met, e.SELF_TRADE)
            taker.open = wanted
            return True
        price = maker.price
        self.end(maker, e.EXPIRED, e.SELF_TRADE)
        if mode == c.CANCEL_BOTH or (mode == c.DECREMENT and met == wanted):
            taker.open = wanted
            return True
        if mode == c.DECREMENT:
            self.shrink_taker(taker, met, wanted, price)
        return False

    def shrink_taker(self, taker: ReferenceOrder, met: int, wanted: int, price: int) -> None:
        taker.open -= met
        taker.total -= met
        if taker.budget:
            taker.budget -= met * price
        self.events.append(
            (e.REDUCED, taker.id, taker.owner, taker.is_buy, price, met, wanted - met, 0,
             e.SELF_TRADE)
        )  # fmt: skip

    def could_fill_whole(  # noqa: C901, PLR0911 - one rule after another
        self, taker: ReferenceOrder, limit: int
    ) -> bool:
        """Walk the book in thought, level by level: shown parts first, then hidden ones."""
        needed, fills = taker.open, self.rules.fills_max
        makers = self.against(taker, limit)
        for price in dict.fromkeys(maker.price for maker in makers):
            level = [maker for maker in makers if maker.price == price]
            for maker in level:
                if maker.owner == taker.owner:
                    if taker.terms & c.PREVENTION_MASK != c.CANCEL_MAKER:
                        return False
                    continue
                needed -= maker.shown
                fills -= 1
                if needed <= 0:
                    return True
                if fills <= 0:
                    return False
            for maker in level:
                hidden = maker.open - maker.shown
                if maker.owner != taker.owner and hidden:
                    needed -= hidden
                    fills -= -(-hidden // maker.display)
            if fills < 0:
                return False
            if needed <= 0:
                return True
            if fills == 0:
                return False
        return False

    def rest(self, order: ReferenceOrder) -> None:
        order.stage = "book"
        order.stamp = self.next_stamp()
        order.shown = min(order.display or order.open, order.open)
        if order not in self.orders:
            self.orders.append(order)
        self.events.append(
            (e.RESTED, order.id, order.owner, order.is_buy, order.price, order.shown)
        )

    def wait(self, order: ReferenceOrder) -> None:
        order.stage = "waiting"
        order.stamp = self.next_stamp()
        if order.trails:
            order.follow(self.last_price)
        self.orders.append(order)
        self.events.append(
            (e.WAITING, order.id, order.owner, order.is_buy, order.trigger, order.open)
        )

    def expire_arriving(self, order: ReferenceOrder, reason: int) -> None:
        if order in self.orders:
            self.orders.remove(order)
        self.events.append(
            (e.EXPIRED, order.id, order.owner, order.is_buy, order.price, order.open, 0, reason)
        )

    def end(self, order: ReferenceOrder, kind: int, reason: int) -> None:
        self.orders.remove(order)
        self.events.append(
            (
                kind,
                order.id,
                order.owner,
                order.is_buy,
                order.price,
                order.open,
                order.shown,
                reason,
            )
        )
        self.end_sibling(order, kind)

    def end_sibling(self, order: ReferenceOrder, kind: int) -> None:
        sibling = self.find(order.owner, order.sibling) if order.sibling else None
        order.sibling = 0
        if sibling:
            sibling.sibling = 0
            self.end(sibling, kind, e.OTHER_LEG)

    def reduce(self, order: ReferenceOrder, removed: int, reason: int) -> None:
        """Shrink in place; hidden lots go first."""
        shown_before = order.shown
        order.open -= removed
        order.total -= removed
        order.shown = min(order.shown, order.open)
        self.events.append(
            (e.REDUCED, order.id, order.owner, order.is_buy, order.price, removed, order.open,
             shown_before - order.shown, reason)
        )  # fmt: skip

    # Triggers.

    def react_to_prices(self, seen: int) -> None:
        """Wake orders for each price traded at, in the order of the trades."""
        for event in self.events[seen:]:
            if event[0] == e.FILLED:
                self.price_moved(event[2])

    def price_moved(self, price: int) -> None:
        waiting = [o for o in self.orders if o.stage == "waiting"]
        for order in waiting:
            if order.trails and (price < order.peak if order.is_buy else price > order.peak):
                order.follow(price)
                order.stamp = self.next_stamp()
        falling = [o for o in waiting if not o.waits_for_rise and o.trigger >= price]
        rising = [o for o in waiting if o.waits_for_rise and o.trigger <= price]
        falling.sort(key=lambda o: (-o.trigger, o.stamp))
        rising.sort(key=lambda o: (o.trigger, o.stamp))
        for order in falling + rising:
            order.stage = "woken"
            order.stamp = self.next_stamp()

    def run_woken(self) -> None:
        for _ in range(self.rules.cascade_max):
            woken = [o for o in self.orders if o.stage == "woken"]
            if not woken or self.state != c.TRADING:
                return
            order = min(woken, key=lambda o: o.stamp)
            self.events.append(
                (e.TRIGGERED, order.id, order.owner, order.is_buy, order.trigger, self.last_price)
            )
            order.stage = "new"
            self.end_sibling(order, e.EXPIRED)
            if order.post_only and self.against_now(order):
                self.expire_arriving(order, e.WOULD_TAKE)
            else:
                self.enter(order)
