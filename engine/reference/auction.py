"""The reference book's call auction, by trying every price."""

from __future__ import annotations

from engine import commands as c
from engine import events as e
from engine.reference.order import ReferenceOrder
from engine.reference.trading import ReferenceTrading


class ReferenceAuction(ReferenceTrading):
    def uncross(self) -> None:
        bids, asks = self.resting(is_buy=True), self.resting(is_buy=False)
        if not bids or not asks or bids[0].price < asks[0].price:
            return
        price, surplus = self.clearing_price(bids, asks)
        seen = len(self.events)
        before = self.trade_id
        traded = 0
        while True:
            bids, asks = self.resting(is_buy=True), self.resting(is_buy=False)
            if not bids or not asks or bids[0].price < price or asks[0].price > price:
                break
            traded += self.meet(bids[0], asks[0], price)
        self.events.append((e.UNCROSSED, price, traded, max(surplus, 0), max(-surplus, 0)))
        if self.trade_id != before:
            self.last_price = price
            self.react_to_prices(seen)

    def clearing_price(
        self, bids: list[ReferenceOrder], asks: list[ReferenceOrder]
    ) -> tuple[int, int]:
        """Try every price at which an order of the crossed part stands."""
        crossed = {o.price for o in bids + asks if asks[0].price <= o.price <= bids[0].price}
        table = []
        for price in sorted(crossed):
            demand = sum(o.open for o in bids if o.price >= price)
            supply = sum(o.open for o in asks if o.price <= price)
            table.append((price, min(demand, supply), demand - supply))
        most = max(volume for _, volume, _ in table)
        table = [row for row in table if row[1] == most]
        least = min(abs(surplus) for _, _, surplus in table)
        table = [row for row in table if abs(row[2]) == least]
        prices = [price for price, _, _ in table]
        middle = self.last_price or (prices[0] + prices[-1]) // 2
        if least == 0:
            return sorted([prices[0], prices[-1], middle])[1], 0
        if all(surplus > 0 for _, _, surplus in table):
            return prices[-1], least
        if all(surplus < 0 for _, _, surplus in table):
            return prices[0], -least
        price, _, surplus = min(table, key=lambda row: (abs(row[0] - middle), row[0]))
        return price, surplus

    def meet(self, bid: ReferenceOrder, ask: ReferenceOrder, price: int) -> int:
        if bid.owner == ask.owner:
            met = min(bid.open, ask.open)
            self.events.append((e.PREVENTED, bid.id, ask.id, bid.owner, price, met, c.DECREMENT))
            for order in (bid, ask):
                if order.open == met:
                    self.end(order, e.EXPIRED, e.SELF_TRADE)
                else:
                    self.reduce(order, met, e.SELF_TRADE)
            return 0
        lots = min(bid.shown, ask.shown)
        for order in (bid, ask):
            order.open -= lots
            order.shown -= lots
        self.trade_id += 1
        self.events.append(
            (e.FILLED, self.trade_id, price, lots, ask.id, ask.owner, ask.open,
             bid.id, bid.owner, bid.open, e.NO_AGGRESSOR)
        )  # fmt: skip
        self.after_maker_fill(bid)
        self.after_maker_fill(ask)
        return lots
