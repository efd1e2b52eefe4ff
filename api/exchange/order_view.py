"""An order as it stands now: what settlement has written, and the engine's reports since then.

Settlement runs a moment behind the engine. Reports that came in over the customer's channel are
laid over the stored row, with fees by the same rule as settlement's, so both say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypedDict

from domain.ids import CustomerId, OrderId
from domain.market import Market, Side
from engine.events import BUDGET_SPENT, REASON_NAMES
from ledger.fees import FeeRates, fee_units
from storage.order_rows import NewOrder, OrderStatus, PlacedOrder, StoredOrder
from streams.market_data import OrderReport

REASON_NUMBERS = {name: number for number, name in REASON_NAMES.items()}
_ENDS = {
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
_OPENS = frozenset({"accepted", "rested", "waiting"})


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order, with the fee in the asset received."""

    trade_id: int
    price_ticks: int
    lots: int
    fee_units: int
    role: str
    time_us: int


@dataclass(frozen=True, slots=True)
class OrderView:
    id: OrderId
    customer_id: CustomerId
    market: Market
    client_order_id: str | None
    side: Side
    kind: str
    terms: int
    price_ticks: int
    lots: int
    trigger_kind: int
    trigger: int
    display_lots: int
    budget: int
    expires_us: int
    rates: FeeRates
    status: OrderStatus
    filled_lots: int
    filled_quote_units: int
    fee_units: int
    reason: str
    """A name of engine.events.REASON_NAMES; empty while it is open."""
    placed_at: datetime
    updated_at: datetime
    last_sequence: int
    is_working: bool = False
    """In the book; False while it waits for its trigger."""
    fills: tuple[Fill, ...] = field(default=())
    """Those the reports told of; older ones are in the list of fills."""
    pair_id: OrderId | None = None
    """Of two orders that cancel each other: the first one's id."""
    pair_name: str = ""
    """The customer's own name for the pair."""

    @property
    def is_open(self) -> bool:
        return self.status in (OrderStatus.PLACED, OrderStatus.OPEN)

    @property
    def average_price_units(self) -> int | None:
        if not self.filled_lots:
            return None
        one = int(10**self.market.base.scale)
        return self.filled_quote_units * one // self.market.base_units(self.filled_lots)

    def with_reports(self, reports: Iterable[OrderReport]) -> OrderView:
        view = self
        for report in reports:
            if report.sequence > view.last_sequence:
                view = _after(view, report)
        return view


def _after(view: OrderView, report: OrderReport) -> OrderView:
    at = datetime.fromtimestamp(report.time_us / 1_000_000, UTC)
    seen = replace(view, last_sequence=report.sequence, updated_at=at)
    if report.kind == "filled":
        return _filled(seen, report)
    if report.kind in _OPENS:
        return replace(seen, status=OrderStatus.OPEN, is_working=report.kind != "waiting")
    if report.kind in _ENDS:
        return _ended(seen, report)
    if report.kind == "reduced":
        return replace(seen, lots=seen.filled_lots + report.open_lots)
    if report.kind == "triggered":
        return replace(seen, is_working=True)
    return seen


def fill_of(order: OrderView, report: OrderReport) -> Fill:
    """The fill that a `filled` report tells of, with its fee as settlement takes it."""
    quote = order.market.notional_units(report.price, report.lots)
    received = order.market.base_units(report.lots) if order.side is Side.BUY else quote
    rate = order.rates.maker_ppm if report.role == "maker" else order.rates.taker_ppm
    fee = fee_units(received, rate)
    return Fill(report.trade_id, report.price, report.lots, fee, report.role, report.time_us)


def _filled(view: OrderView, report: OrderReport) -> OrderView:
    fill = fill_of(view, report)
    quote = view.market.notional_units(report.price, report.lots)
    return replace(
        view,
        status=OrderStatus.OPEN if report.open_lots else OrderStatus.FILLED,
        is_working=True,
        filled_lots=view.filled_lots + report.lots,
        filled_quote_units=view.filled_quote_units + quote,
        fee_units=view.fee_units + fill.fee_units,
        fills=(*view.fills, fill),
    )


def _ended(view: OrderView, report: OrderReport) -> OrderView:
    status = _ENDS[report.kind]
    if REASON_NUMBERS.get(report.reason) == BUDGET_SPENT and view.filled_lots:
        status = OrderStatus.FILLED
    return replace(view, status=status, reason=report.reason, is_working=False)


def stored_view(order: StoredOrder, market: Market) -> OrderView:
    return OrderView(
        id=order.id,
        customer_id=order.customer_id,
        market=market,
        client_order_id=order.client_order_id,
        side=order.side,
        kind=order.kind,
        terms=order.terms,
        price_ticks=order.price_ticks,
        lots=order.lots,
        trigger_kind=order.trigger_kind,
        trigger=order.trigger,
        display_lots=order.display_lots,
        budget=order.budget,
        expires_us=order.expires_us,
        rates=FeeRates(order.maker_fee_ppm, order.taker_fee_ppm),
        status=order.status,
        filled_lots=order.filled_lots,
        filled_quote_units=order.filled_quote_units,
        fee_units=order.fee_units,
        reason=REASON_NAMES[order.reason or 0] if order.reason else "",
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        last_sequence=order.last_sequence,
        is_working=order.status is OrderStatus.OPEN and not order.trigger_kind,
        **_pair_fields(order.options, order.hold_order_id),
    )


def placed_view(new: NewOrder, placed: PlacedOrder, *, pair_id: OrderId | None = None) -> OrderView:
    """An order just placed, before the engine has said anything."""
    return OrderView(
        id=placed.order_id,
        customer_id=new.customer_id,
        market=new.market,
        client_order_id=new.client_order_id,
        side=new.side,
        kind=new.kind,
        terms=new.terms_with_side(),
        price_ticks=new.price_ticks,
        lots=new.lots,
        trigger_kind=new.trigger_kind,
        trigger=new.trigger,
        display_lots=new.display_lots,
        budget=new.budget,
        expires_us=new.expires_us,
        rates=new.fees,
        status=OrderStatus.PLACED,
        filled_lots=0,
        filled_quote_units=0,
        fee_units=0,
        reason="",
        placed_at=placed.placed_at,
        updated_at=placed.placed_at,
        last_sequence=0,
        **_pair_fields(new.options, pair_id),
    )


class _PairFields(TypedDict, total=False):
    pair_id: OrderId
    pair_name: str


def _pair_fields(options: Mapping[str, Any] | None, pair_id: OrderId | None) -> _PairFields:
    if options is None or "pair" not in options or pair_id is None:
        return {}
    return {"pair_id": pair_id, "pair_name": str(options["pair"])}
