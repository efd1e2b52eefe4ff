"""Orders that wait outside the book for the last trade price, and how they wake."""

from __future__ import annotations

from engine.commands import BUY, STOP, TAKE_PROFIT, TRAIL_BPS, TRAIL_TICKS
from engine.ending import Ending
from engine.events import FILLED, WAITING
from engine.order import WOKEN, Level, Special, queue


class Triggers(Ending):
    """Stops, take-profits and trailing stops.

    A trade price that meets a trigger wakes all orders of that level at once; they enter the book
    one after the other, the nearest trigger first and at one trigger the oldest first, after the
    command that traded is done. One step lets at most `cascade_max` of them in.
    """

    __slots__ = ()

    def wait(self, owner: int, order_id: int, lots: int, special: Special) -> None:
        """Let an order wait for its trigger; it must not be met yet."""
        trails = special.trigger_kind in (TRAIL_TICKS, TRAIL_BPS)
        if trails:
            special.peak = self.last_price
        trigger = trigger_price(special)
        level = self._waiting_level(special, trigger)
        order = self.stand(level, order_id, owner, lots, lots, special)
        if trails:
            self.trailing[owner, order_id] = order
        self.events.append((WAITING, order_id, owner, special.terms & BUY, trigger, lots))

    def is_met(self, special: Special) -> bool:
        """Whether the last trade's price already meets the trigger."""
        if not self.last_price or special.trigger_kind in (TRAIL_TICKS, TRAIL_BPS):
            return False
        if waits_for_rise(special):
            return self.last_price >= special.trigger
        return self.last_price <= special.trigger

    def _waiting_level(self, special: Special, trigger: int) -> Level:
        if waits_for_rise(special):
            return self.rising_level(trigger)
        return self.falling_level(trigger)

    def watch(self, seen: int) -> None:
        """Wake what the trades among `events[seen:]` triggered.

        Within one command prices move one way only, so the first and the last tell all.
        """
        events = self.events
        while events[seen][0] != FILLED:
            seen += 1
        first = events[seen][2]
        last = self.last_price
        self._price_moved(first)
        if last != first:
            self._price_moved(last)

    def _price_moved(self, price: int) -> None:
        if self.trailing:
            self._trail(price)
        while self.fall_at >= price:
            level = self.falling[self.fall_at]
            self.drop_falling(level)
            self._wake(level)
        while self.rise_at <= price:
            level = self.rising[self.rise_at]
            self.drop_rising(level)
            self._wake(level)

    def _wake(self, level: Level) -> None:
        level.role = WOKEN
        self.woken.append(level)
        if self.trailing:
            for order in queue(level):
                self.trailing.pop((order.owner, order.id), None)

    def _trail(self, price: int) -> None:
        """Move the triggers of trailing stops whose best price this is."""
        for order in list(self.trailing.values()):
            special = order.special
            assert special is not None
            if (price < special.peak) if special.terms & BUY else (price > special.peak):
                special.peak = price
                self.unlink(order)
                self.append(order, self._waiting_level(special, trigger_price(special)))


def waits_for_rise(special: Special) -> bool:
    """Buy stops and sell take-profits wake on a rise; the other two on a fall."""
    is_buy = special.terms & BUY
    return bool(is_buy) != (special.trigger_kind == TAKE_PROFIT)


def trigger_price(special: Special) -> int:
    """The price that wakes the order now. A trailing stop's distance is rounded up to a tick."""
    kind = special.trigger_kind
    if kind in (STOP, TAKE_PROFIT):
        return special.trigger
    distance = special.trigger
    if kind == TRAIL_BPS:
        distance = -(-special.peak * special.trigger // 10_000)
    if special.terms & BUY:
        return special.peak + distance
    return max(1, special.peak - distance)
