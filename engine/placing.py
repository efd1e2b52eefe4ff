"""Orders that arrive: traded against the book, rested in it, or expired."""

from __future__ import annotations

from engine.commands import (
    AUCTION,
    BUY,
    CANCEL_MAKER,
    FOK,
    IOC,
    MARKET,
    PREVENTION_MASK,
    TIF_MASK,
)
from engine.events import (
    ACCEPTED,
    BUDGET_SPENT,
    EXPIRED,
    FILLS_MAX,
    FOK_UNFILLED,
    IOC_REMAINDER,
    MARKET_REMAINDER,
    RESTED,
    SELF_TRADE,
)
from engine.order import NO_ASK, Level, Special
from engine.taking import Taking


class Placing(Taking):
    """What becomes of an order that passed its checks."""

    __slots__ = ()

    def crosses(self, terms: int, price: int) -> bool:
        """Whether the order would trade at once."""
        if self.state == AUCTION:
            return False
        if terms & BUY:
            return price >= self.best_ask.price
        return price <= self.best_bid.price

    def enter(
        self,
        owner: int,
        order_id: int,
        terms: int,
        price: int,
        lots: int,
        special: Special | None,
    ) -> bool:
        """Meet the book: trade what can trade, then rest or expire. Post-only was seen to.

        Returns whether it met the other side, so that triggers may have been reached.
        """
        if self.crosses(terms, price):
            self.cross(owner, order_id, terms, price, lots, special)
            return True
        if terms & MARKET or terms & TIF_MASK in (IOC, FOK):
            self.events.append((ACCEPTED, order_id, owner, terms & BUY, price, lots))
            reason = self._remainder(terms, special)
            self.expire_taker(owner, order_id, terms, price, lots, reason)
        else:
            self.rest(owner, order_id, terms, price, lots, lots, special)
        return False

    def cross(
        self,
        owner: int,
        order_id: int,
        terms: int,
        price: int,
        lots: int,
        special: Special | None,
    ) -> None:
        """Trade an order whose price meets the other side's best."""
        events = self.events
        events.append((ACCEPTED, order_id, owner, terms & BUY, price, lots))
        limit = self._protected(terms, price) if terms & MARKET else price
        if terms & TIF_MASK == FOK and not self.can_fill(owner, terms, limit, lots):
            self.expire_taker(owner, order_id, terms, price, lots, FOK_UNFILLED)
            return
        seen = len(events)
        before = self.trade_id
        self.decremented = 0
        trade_last = before + self.rules.fills_max
        if special is not None and special.budget:
            left = self._spend(owner, order_id, terms, limit, lots, special, trade_last)
        else:
            left = self.take(owner, order_id, terms, limit, lots, trade_last)
        if left:
            capped = self.trade_id >= trade_last
            self._leave(owner, order_id, terms, price, left, lots, capped, special)
        if self.trade_id != before and (self.rising or self.falling):
            self.watch(seen)

    def _leave(
        self,
        owner: int,
        order_id: int,
        terms: int,
        price: int,
        left: int,
        lots: int,
        capped: bool,
        special: Special | None,
    ) -> None:
        """What becomes of the lots that did not trade."""
        if left < 0:
            self.expire_taker(owner, order_id, terms, price, -left, SELF_TRADE)
        elif capped:
            self.expire_taker(owner, order_id, terms, price, left, FILLS_MAX)
        elif terms & MARKET or terms & TIF_MASK in (IOC, FOK):
            self.expire_taker(owner, order_id, terms, price, left, self._remainder(terms, special))
        else:
            self.rest(owner, order_id, terms, price, left, lots - self.decremented, special)

    def _remainder(self, terms: int, special: Special | None) -> int:
        """Why an order that may not rest has lots left."""
        if special is not None and special.budget:
            best = self.best_ask.price if terms & BUY else self.best_bid.price
            return BUDGET_SPENT if 0 <= special.budget < best < NO_ASK.price else MARKET_REMAINDER
        if terms & TIF_MASK == FOK:
            return FOK_UNFILLED
        return MARKET_REMAINDER if terms & MARKET else IOC_REMAINDER

    def expire_taker(
        self, owner: int, order_id: int, terms: int, price: int, left: int, reason: int
    ) -> None:
        self.events.append((EXPIRED, order_id, owner, terms & BUY, price, left, 0, reason))

    def rest(
        self,
        owner: int,
        order_id: int,
        terms: int,
        price: int,
        lots: int,
        total: int,
        special: Special | None,
    ) -> None:
        """Join the queue at `price`; an iceberg shows its first part."""
        kept = None
        if special is not None:
            special.trigger_kind = 0
            if special.display_lots and special.display_lots < lots:
                special.hidden_lots = lots - special.display_lots
                lots = special.display_lots
                kept = special
            elif special.sibling or special.expires_us:
                kept = special
        order = self.register(order_id, owner, lots, total, kept)
        self.append(order, self.bid_level(price) if terms & BUY else self.ask_level(price))
        self.events.append((RESTED, order_id, owner, terms & BUY, price, lots))

    def _protected(self, terms: int, price: int) -> int:
        """The worst price a market order trades at: its own, or the end of the protection band."""
        bps = self.rules.protection_bps
        if not bps:
            return price
        if terms & BUY:
            best = self.best_ask.price
            return min(price, best + best * bps // 10_000)
        best = self.best_bid.price
        return max(price, best - best * bps // 10_000)

    def _spend(
        self,
        owner: int,
        order_id: int,
        terms: int,
        limit: int,
        lots: int,
        special: Special,
        trade_last: int,
    ) -> int:
        """Trade level by level what `special.budget` still allows; keeps the budget up to date."""
        while self.trade_id < trade_last:
            level = self.best_ask if terms & BUY else self.best_bid
            at = level.price
            if (at > limit) if terms & BUY else (at < limit):
                break
            affordable = min(lots, special.budget // at)
            if not affordable:
                break
            left = self.take(owner, order_id, terms, at, affordable, trade_last)
            if left <= 0:
                return left
            lots -= affordable - left
            special.budget -= (affordable - left) * at
        return lots

    def can_fill(self, owner: int, terms: int, price: int, lots: int) -> bool:
        """Whether an order would fill whole: enough in reach, in few enough trades, no own order
        met.

        The owner's own resting orders count for nothing, and in every mode but CANCEL_MAKER meeting
        one before the last lot would leave the order short.
        """
        index = self.ask_index if terms & BUY else self.bid_index
        fills = self.rules.fills_max
        for key in index.descending():
            if (-key > price) if terms & BUY else (key < price):
                return False
            level = self.asks[-key] if terms & BUY else self.bids[key]
            lots, fills = self._fill_in_thought(level, owner, terms, lots, fills)
            if lots <= 0 or fills <= 0:
                return lots <= 0 and fills >= 0
        return False

    def _fill_in_thought(
        self, level: Level, owner: int, terms: int, lots: int, fills: int
    ) -> tuple[int, int]:
        """Lots and trades left after this level; trades -1 when it cannot be done."""
        hidden = 0
        refreshes = 0
        maker = level.next
        while maker is not level:
            if maker.owner == owner:
                if terms & PREVENTION_MASK != CANCEL_MAKER:
                    return lots, -1
            else:
                lots -= maker.lots
                fills -= 1
                if lots <= 0 or fills <= 0:
                    return lots, fills
                if maker.special is not None and maker.special.hidden_lots:
                    hidden += maker.special.hidden_lots
                    refreshes -= -maker.special.hidden_lots // maker.special.display_lots
            maker = maker.next
        return lots - hidden, fills - refreshes
