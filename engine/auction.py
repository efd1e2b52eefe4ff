"""The call auction: orders gather without trading, then all that can trade does at one price."""

from __future__ import annotations

from engine.commands import DECREMENT
from engine.events import EXPIRED, FILLED, NO_AGGRESSOR, PREVENTED, SELF_TRADE, UNCROSSED
from engine.order import Level, Order, is_vacant, queue
from engine.requests import Requests


class Auction(Requests):
    """Finding the clearing price, and trading at it."""

    __slots__ = ()

    def uncross(self) -> None:
        """Trade a crossed book at the price that trades most.

        Buyers and sellers meet in price-time order and nobody is the taker. Two orders of one owner
        that meet shrink by the smaller open size instead of trading.
        """
        if self.best_bid.price < self.best_ask.price:
            return
        price, surplus = self.clearing_price()
        seen = len(self.events)
        before = self.trade_id
        traded = 0
        while self.best_bid.price >= price >= self.best_ask.price:
            traded += self._pair(self.best_bid.after, self.best_ask.after, price)
        self.events.append((UNCROSSED, price, traded, max(surplus, 0), max(-surplus, 0)))
        if self.trade_id != before:
            self.last_price = price
            if self.rising or self.falling:
                self.watch(seen)

    def clearing_price(self) -> tuple[int, int]:
        """The clearing price and how many lots more were bid than asked there.

        Most lots traded; then least surplus; then, if all that remain lean to one side, the price
        furthest in its favour: highest when buyers are left over, lowest when sellers are; else the
        one nearest to the last price.
        """
        outcomes = self._outcomes()
        most = max(volume for _, volume, _ in outcomes)
        least = min(abs(surplus) for _, volume, surplus in outcomes if volume == most)
        best = [
            (price, surplus)
            for price, volume, surplus in outcomes
            if volume == most and abs(surplus) == least
        ]
        if least == 0:
            lowest, highest = best[0][0], best[-1][0]
            reference = self.last_price or (lowest + highest) // 2
            return min(max(reference, lowest), highest), 0
        if best[0][1] > 0 and best[-1][1] > 0:
            return best[-1]
        if best[0][1] < 0 and best[-1][1] < 0:
            return best[0]
        reference = self.last_price or (best[0][0] + best[-1][0]) // 2
        return min(best, key=lambda outcome: abs(outcome[0] - reference))

    def _outcomes(self) -> list[tuple[int, int, int]]:
        """`(price, lots that would trade, surplus of bids)` for each price of a crossing order,
        rising.
        """
        bids = self._crossing(self.bids, -1)
        asks = self._crossing(self.asks, 1)
        prices = sorted({level.price for level in bids} | {level.price for level in asks})
        demand = sum(self.lots_at(level) for level in bids)
        supply = 0
        outcomes = []
        for price in prices:
            while asks and asks[0].price <= price:
                level = asks.pop(0)
                supply += self.lots_at(level)
            while bids and bids[-1].price < price:
                level = bids.pop()
                demand -= self.lots_at(level)
            outcomes.append((price, min(demand, supply), demand - supply))
        return outcomes

    def lots_at(self, level: Level) -> int:
        """Open lots of all orders at a price, hidden ones too."""
        return sum(self.open_lots(order) for order in queue(level))

    def _crossing(self, levels: dict[int, Level], sign: int) -> list[Level]:
        """Levels of one side that reach the other side's best price, best first."""
        low, high = self.best_ask.price, self.best_bid.price
        found = [
            level
            for price, level in levels.items()
            if low <= price <= high and not is_vacant(level)
        ]
        return sorted(found, key=lambda level: sign * level.price)

    def _pair(self, bid: Order, ask: Order, price: int) -> int:
        """Trade the two heads of the book with each other. Returns the lots traded."""
        if bid.owner == ask.owner:
            met = min(self.open_lots(bid), self.open_lots(ask))
            self.events.append((PREVENTED, bid.id, ask.id, bid.owner, price, met, DECREMENT))
            self._shrink(bid, met)
            self._shrink(ask, met)
            return 0
        lots = min(bid.lots, ask.lots)
        self.trade_id += 1
        bid_left = self.open_lots(bid) - lots
        ask_left = self.open_lots(ask) - lots
        self.events.append(
            (FILLED, self.trade_id, price, lots, ask.id, ask.owner, ask_left,
             bid.id, bid.owner, bid_left, NO_AGGRESSOR)
        )  # fmt: skip
        self._fill(bid, lots)
        self._fill(ask, lots)
        return lots

    def _fill(self, order: Order, lots: int) -> None:
        order.lots -= lots
        if order.special is not None:
            self.after_special_fill(order)
        elif not order.lots:
            self.unlink(order)
            self.forget(order)

    def _shrink(self, order: Order, lots: int) -> None:
        if lots < self.open_lots(order):
            self.reduce(order, lots, SELF_TRADE)
        else:
            self.end(order, EXPIRED, SELF_TRADE)
