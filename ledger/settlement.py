"""Settlement: what a run of a market's events means for money and for order rows.

A trade is one journal entry: both captures, what a better price gives back, and both fees. An order
that ends, or shrinks, gives back what its hold no longer needs. Events that contradict what we know
of an order are never interpreted: the whole run is refused, as `Poisoned`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from domain.ids import CustomerId, EntryId, OrderId, TradeId
from domain.market import Market, MarketId
from ledger.account import AccountKind, AccountRef, available, house
from ledger.entry import (
    CaptureHold,
    EntryReason,
    HoldChange,
    JournalEntry,
    ReleaseHold,
    Transfer,
    order_hold,
)
from ledger.fees import fee_units
from ledger.order import hold_asset


class Poisoned(Exception):
    """The run cannot be settled as it is: somebody must look. Nothing was settled."""


@dataclass(frozen=True, slots=True)
class SettlementBatch:
    """A contiguous run of one market's events, of which those that settle nothing are left out."""

    market: MarketId
    epoch: int
    """Fencing number of the engine that wrote the run; an older one never follows a newer one."""
    first_sequence: int
    last_sequence: int
    events: str
    """JSON array of the engine's numbered events: `[[sequence, time_us, kind, ...], ...]`."""


class OrderEnd(StrEnum):
    """How an order ended."""

    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class Moment(NamedTuple):
    """Where in its market's events, and when."""

    sequence: int
    time_us: int


class Side(NamedTuple):
    """One order's part of a fill."""

    order_id: int
    owner: int
    open_lots: int
    """After the fill."""


class Fill(NamedTuple):
    trade_id: int
    price_ticks: int
    lots: int
    maker: Side
    taker: Side
    taker_buys: bool
    in_auction: bool
    """Both sides rested before: both pay the maker's rate."""


_BEFORE = Moment(0, 0)


@dataclass(slots=True)
class OrderState:
    """An order while a run is settled: loaded from its row, and written back when it changed."""

    id: OrderId
    customer_id: CustomerId
    is_buy: bool
    price_ticks: int
    lots: int
    has_budget: bool
    """Its open lots depend on prices, so only the engine knows them."""
    hold_order_id: OrderId
    maker_fee_ppm: int
    taker_fee_ppm: int
    is_known: bool
    """The engine has accepted it."""
    end: OrderEnd | None = None
    filled_lots: int = 0
    filled_quote_units: int = 0
    fee_units: int = 0
    reason: int | None = None
    changed: Moment = _BEFORE

    @property
    def open_lots(self) -> int:
        return 0 if self.end else self.lots - self.filled_lots


@dataclass(frozen=True, slots=True)
class SettledTrade:
    """A fill with what it cost both sides."""

    fill: Fill
    moment: Moment
    maker_fee_units: int
    taker_fee_units: int

    @property
    def id(self) -> TradeId:
        return TradeId(self.fill.trade_id)


@dataclass(slots=True)
class Settlement:
    """What to post and to write for a run."""

    entries: list[JournalEntry] = field(default_factory=list)
    trades: list[SettledTrade] = field(default_factory=list)
    changed: dict[OrderId, OrderState] = field(default_factory=dict)


class Run:
    """Works out one run: tell it the events in order, then take its `settlement`.

    `orders` must hold every order of the run, with the other leg of its pair; they are changed.
    `held_units` is what remains of each hold, by the id of the order it is named after.
    """

    def __init__(
        self,
        market: Market,
        orders: Mapping[OrderId, OrderState],
        held_units: Mapping[OrderId, int],
    ) -> None:
        self.settlement = Settlement()
        self._market = market
        self._orders = orders
        self._held_units = dict(held_units)
        self._legs: dict[OrderId, list[OrderState]] = {}
        for order in orders.values():
            self._legs.setdefault(order.hold_order_id, []).append(order)

    def accepted(self, moment: Moment, order_id: int, owner: int) -> None:
        """The engine has the order; it rests, waits or is about to trade."""
        order = self._order(order_id, owner, moment)
        if order.end:
            raise Poisoned(f"event {moment.sequence}: order {order_id} had ended before")
        order.is_known = True
        self._touch(order, moment)

    def filled(self, moment: Moment, fill: Fill) -> None:
        maker = self._order(fill.maker.order_id, fill.maker.owner, moment)
        taker = self._order(fill.taker.order_id, fill.taker.owner, moment)
        if maker.is_buy is taker.is_buy or taker.is_buy is not fill.taker_buys:
            raise Poisoned(f"event {moment.sequence}: {maker.id} and {taker.id} cannot trade")
        quote = self._market.notional_units(fill.price_ticks, fill.lots)
        base = self._market.base_units(fill.lots)
        maker_fee = fee_units(base if maker.is_buy else quote, maker.maker_fee_ppm)
        taker_ppm = taker.maker_fee_ppm if fill.in_auction else taker.taker_fee_ppm
        taker_fee = fee_units(base if taker.is_buy else quote, taker_ppm)
        self._fill_order(moment, maker, fill.lots, quote, maker_fee, fill.maker.open_lots)
        self._fill_order(moment, taker, fill.lots, quote, taker_fee, fill.taker.open_lots)
        if fill.taker_buys:
            entry = self._trade(fill.trade_id, (taker, taker_fee), (maker, maker_fee), quote, base)
        else:
            entry = self._trade(fill.trade_id, (maker, maker_fee), (taker, taker_fee), quote, base)
        self.settlement.entries.append(entry)
        self.settlement.trades.append(SettledTrade(fill, moment, maker_fee, taker_fee))

    def ended(self, moment: Moment, order_id: int, owner: int, end: OrderEnd, reason: int) -> None:
        """Canceled, expired, or filled as far as its budget allows: the rest of its hold is
        free.
        """
        order = self._order(order_id, owner, moment)
        if order.end:
            raise Poisoned(f"event {moment.sequence}: order {order_id} had ended before")
        order.is_known, order.end, order.reason = True, end, reason
        self._touch(order, moment)
        self._release(order, f"order:{order_id}:{end}")

    def rejected(self, moment: Moment, order_id: int, owner: int, reason: int) -> None:
        """The order never was. A rejected repeat of an order that the engine has changes
        nothing.
        """
        order = self._orders.get(OrderId(order_id))
        if order is None or order.is_known or order.end:
            return
        self.ended(moment, order_id, owner, OrderEnd.REJECTED, reason)

    def reduced(self, moment: Moment, order_id: int, owner: int, open_lots: int) -> None:
        order = self._order(order_id, owner, moment)
        if order.end or open_lots > order.open_lots:
            raise Poisoned(
                f"event {moment.sequence}: order {order_id} cannot shrink to {open_lots}"
            )
        order.lots = order.filled_lots + open_lots
        self._touch(order, moment)
        self._release(order, f"order:{order_id}:reduced:{moment.sequence}")

    def _order(self, order_id: int, owner: int, moment: Moment) -> OrderState:
        order = self._orders.get(OrderId(order_id))
        if order is None:
            raise Poisoned(f"event {moment.sequence}: we have no order {order_id}")
        if order.customer_id != owner:
            raise Poisoned(f"event {moment.sequence}: order {order_id} is not of customer {owner}")
        return order

    def _touch(self, order: OrderState, moment: Moment) -> None:
        order.changed = moment
        self.settlement.changed[order.id] = order

    def _fill_order(
        self, moment: Moment, order: OrderState, lots: int, quote: int, fee: int, open_lots: int
    ) -> None:
        if order.end:
            raise Poisoned(f"event {moment.sequence}: order {order.id} had ended before")
        order.filled_lots += lots
        order.filled_quote_units += quote
        order.fee_units += fee
        order.is_known = True
        if order.open_lots != open_lots and not order.has_budget:
            raise Poisoned(
                f"event {moment.sequence}: order {order.id} has {order.open_lots} lots open, "
                f"not {open_lots}"
            )
        if open_lots == 0:
            order.end = OrderEnd.FILLED
        self._touch(order, moment)

    def _trade(
        self,
        trade_id: int,
        buying: tuple[OrderState, int],
        selling: tuple[OrderState, int],
        quote: int,
        base: int,
    ) -> JournalEntry:
        (buyer, buyer_fee), (seller, seller_fee) = buying, selling
        base_code, quote_code = self._market.base.code, self._market.quote.code
        buyer_gets = available(buyer.customer_id, base_code)
        seller_gets = available(seller.customer_id, quote_code)
        holds: tuple[HoldChange, ...] = (
            self._capture(buyer, seller_gets, quote),
            self._capture(seller, buyer_gets, base),
            *self._releases(buyer),
            *self._releases(seller),
        )
        return JournalEntry(
            EntryId(f"trade:{self._market.id}:{trade_id}"),
            EntryReason.TRADE,
            f"trade {self._market.id} {trade_id}",
            (*self._fee(buyer_gets, buyer_fee), *self._fee(seller_gets, seller_fee)),
            holds,
        )

    def _fee(self, payer: AccountRef, units: int) -> tuple[Transfer, ...]:
        if units == 0:
            return ()
        income = house(AccountKind.FEE_INCOME, payer.asset, self._market.id)
        return (Transfer(payer, income, units),)

    def _capture(self, order: OrderState, credit: AccountRef, units: int) -> CaptureHold:
        self._held_units[order.hold_order_id] -= units
        if self._held_units[order.hold_order_id] < 0:
            raise Poisoned(f"order {order.id}: its hold does not cover the trade")
        return CaptureHold(order_hold(order.hold_order_id), order.customer_id, credit, units)

    def _releases(self, order: OrderState) -> tuple[ReleaseHold, ...]:
        """Give back what no open leg under the order's hold needs any more."""
        remaining = self._held_units[order.hold_order_id]
        legs = self._legs[order.hold_order_id]
        # The first fill of one leg ends the other: its event follows, but it needs nothing more.
        legs = [leg for leg in legs if leg.filled_lots] or legs
        need = max(self._need(leg, remaining) for leg in legs)
        if need > remaining:
            raise Poisoned(f"order {order.id}: its hold has {remaining} units left, needs {need}")
        if need == remaining:
            return ()
        self._held_units[order.hold_order_id] = need
        asset = hold_asset(self._market, is_buy=order.is_buy)
        hold_id = order_hold(order.hold_order_id)
        return (ReleaseHold(hold_id, order.customer_id, asset, remaining - need),)

    def _need(self, order: OrderState, remaining: int) -> int:
        if order.end:
            return 0
        if not order.is_buy:
            return self._market.base_units(order.open_lots)
        if order.has_budget:  # All that is left, until the order ends.
            return remaining
        return self._market.notional_units(order.price_ticks, order.open_lots)

    def _release(self, order: OrderState, entry_id: str) -> None:
        releases = self._releases(order)
        if releases:
            entry = JournalEntry(
                EntryId(entry_id), EntryReason.RELEASE, f"order {order.id}", (), releases
            )
            self.settlement.entries.append(entry)
