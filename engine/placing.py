"""Orders that arrive: traded against the book, rested in it, or expired."""

from __future__ import annotations

from typing import Final

from engine.commands import (
    AUCTION,
    BUY,
    CANCEL_MAKER,
    FOK,
    GTD,
    IOC,
    MARKET,
    POST_ONLY,
    PREVENTION_MASK,
    TERMS_MAX,
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
from engine.numbers import Boxed
from engine.order import ASK, BID, NO_ASK, Level, Special, queue
from engine.taking import Taking

NEVER_MEETS: Final = -1
"""An order with these terms may not trade on arrival, or its terms contradict each other."""


def _plain_remainder(terms: int) -> int:
    """Why an order that trades on arrival ends with lots left; 0: they rest."""
    tif = terms & TIF_MASK
    if terms & POST_ONLY or tif == GTD:
        return NEVER_MEETS
    if tif == FOK:
        return FOK_UNFILLED
    if terms & MARKET:
        return MARKET_REMAINDER
    return IOC_REMAINDER if tif == IOC else 0


REMAINDERS: Final = tuple(_plain_remainder(terms) for terms in range(TERMS_MAX + 1))
"""By terms: why what did not trade expires, 0 where it rests, or NEVER_MEETS."""


class Placing(Taking):
    """What becomes of an order that passed its checks."""

    __slots__ = ()

    def crosses(self, terms: int, price: int) -> bool:
        """Whether the order would trade at once."""
        if self.state == AUCTION:
            return False
        best: int = self.best_ask.price if terms & BUY else self.best_bid.price
        return price >= best if terms & BUY else price <= best

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
        if REMAINDERS[terms] > 0:
            self.events.append((ACCEPTED, order_id, owner, terms & BUY, price, lots))
            reason = self._remainder(terms, special)
            self.expire_taker(owner, order_id, terms, price, lots, reason)
        else:
            self.rest(owner, order_id, terms, price, lots, lots, special)
        return False

    def cross(
        self,
        owner: Boxed,
        order_id: Boxed,
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
        trade_last = before + self.fills_max
        if special is not None and special.budget:
            left = self._spend(owner, order_id, terms, limit, lots, special, trade_last)
        elif terms & BUY:
            left = self.take_asks(owner, order_id, terms, limit, lots, trade_last)
        else:
            left = self.take_bids(owner, order_id, terms, limit, lots, trade_last)
        if left:
            capped = self.trade_id == trade_last
            self._leave(owner, order_id, terms, price, left, lots, capped, special)
        if self.trade_id != before and (self.rising or self.falling):
            self.watch(seen)

    def _leave(
        self,
        owner: Boxed,
        order_id: Boxed,
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
        elif REMAINDERS[terms] > 0:
            self.expire_taker(owner, order_id, terms, price, left, self._remainder(terms, special))
        else:
            self.rest(owner, order_id, terms, price, left, lots - self.decremented, special)

    def _remainder(self, terms: int, special: Special | None) -> int:
        """Why an order that may not rest has lots left."""
        if special is not None and special.budget:
            best = self.best_ask.price if terms & BUY else self.best_bid.price
            return BUDGET_SPENT if 0 <= special.budget < best < NO_ASK.price else MARKET_REMAINDER
        return REMAINDERS[terms]

    def expire_taker(
        self, owner: int, order_id: int, terms: int, price: int, left: int, reason: int
    ) -> None:
        self.events.append((EXPIRED, order_id, owner, terms & BUY, price, left, 0, reason))

    def rest(
        self,
        owner: Boxed,
        order_id: Boxed,
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
        level = self.bid_level(price) if terms & BUY else self.ask_level(price)
        self.stand(level, order_id, owner, lots, total, kept)
        self.events.append((RESTED, order_id, owner, terms & BUY, price, lots))

    def _protected(self, terms: int, price: int) -> int:
        """The worst price a market order trades at: its own, or the end of the protection band."""
        bps = self.rules.protection_bps
        if not bps:
            return price
        best: int = self.best_ask.price if terms & BUY else self.best_bid.price
        reach = best * bps // 10_000
        return min(price, best + reach) if terms & BUY else max(price, best - reach)

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
            take = self.take_asks if terms & BUY else self.take_bids
            left = take(owner, order_id, terms, at, affordable, trade_last)
            if left <= 0:
                return left
            lots -= affordable - left
            special.budget -= (affordable - left) * at
        return lots

    def can_fill(self, owner: Boxed, terms: int, price: int, lots: int) -> bool:
        """Whether an order would fill whole: enough in reach, in few enough trades, no own order
        met.

        The owner's own resting orders count for nothing, and in every mode but CANCEL_MAKER meeting
        one before the last lot would leave the order short.
        """
        buys = terms & BUY
        level = self.best_ask if buys else self.best_bid
        at = level.price
        keys = self.ask_keys if buys else self.bid_keys
        left = lots
        fills = self.fills_max
        rank = 0
        while at <= price if buys else at >= price:
            maker = level.after
            while maker.special is None and maker.owner != owner:  # A level is special.
                left -= maker.lots
                fills -= 1
                if left <= 0 or not fills:
                    return left <= 0
                maker = maker.after
            if maker is not level:
                return self._can_fill_among_special(owner, terms, price, lots)
            rank += 1
            if rank < len(keys):
                key = keys[-1 - rank]
            else:
                key = (self.ask_index if buys else self.bid_index).nth(rank - len(keys))
                if not key:
                    return False
            at = -key if buys else key
            level = self.asks[at] if buys else self.bids[at]
        return False

    def _can_fill_among_special(self, owner: int, terms: int, price: int, lots: int) -> bool:
        """The same where own orders or icebergs are met."""
        fills = self.fills_max
        for level in self.side(ASK if terms & BUY else BID):
            if level.price > price if terms & BUY else level.price < price:
                return False
            lots, fills = self._fill_in_thought(level, owner, terms, lots, fills)
            if lots <= 0 or fills <= 0:
                return lots <= 0 <= fills
        return False

    def _fill_in_thought(
        self, level: Level, owner: int, terms: int, lots: int, fills: int
    ) -> tuple[int, int]:
        """Lots and trades left after this level, hidden lots last; trades -1 when it cannot be
        done.
        """
        hidden = 0
        refreshes = 0
        for maker in queue(level):
            if maker.owner == owner:
                if terms & PREVENTION_MASK != CANCEL_MAKER:
                    return lots, -1
                continue
            lots -= maker.lots
            fills -= 1
            if lots <= 0 or fills <= 0:
                return lots, fills
            special = maker.special
            if special is not None and special.hidden_lots:
                hidden += special.hidden_lots
                refreshes -= -special.hidden_lots // special.display_lots
        return lots - hidden, fills - refreshes
