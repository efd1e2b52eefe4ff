"""Orders and trades as rows: what is asked for, what is stored, and the engine command of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from domain.ids import ClientOrderId, CustomerId, OrderId, TradeId
from domain.market import Market, MarketId, Side
from engine import commands
from ledger.entry import EntryReason, JournalEntry, PlaceHold, order_entry_id, order_hold
from ledger.fees import DEFAULT_RATES, FeeRates
from ledger.order import hold_asset, hold_units

Command = tuple[int, ...]


class OrderStatus(StrEnum):
    PLACED = "placed"
    """Held and queued; the engine has not reported yet."""
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to place, validated against its market's rules. Terms and triggers:
    engine.commands.
    """

    customer_id: CustomerId
    market: Market
    side: Side
    kind: str
    """The customer's word, for showing it again: limit, market, stop_limit, ..."""
    terms: int = 0
    """Time in force, post-only, self-trade prevention, MARKET; the side is added from `side`."""
    price_ticks: int
    """The worst price accepted, also of a market order."""
    lots: int
    trigger_kind: int = 0
    trigger: int = 0
    display_lots: int = 0
    budget: int = 0
    """Tick-lots that a market order may spend (buy) or wants to receive (sell); 0: no budget."""
    expires_us: int = 0
    client_order_id: ClientOrderId | None = None
    fees: FeeRates = DEFAULT_RATES
    options: Mapping[str, Any] | None = None
    """What only the API needs, to show the order as it was asked for."""

    def terms_with_side(self) -> int:
        return self.terms | (commands.BUY if self.side is Side.BUY else commands.SELL)

    def hold_units(self) -> int:
        """What it promises: the whole budget, or its size at its worst price."""
        return hold_units(
            self.market,
            is_buy=self.side is Side.BUY,
            price_ticks=self.price_ticks,
            lots=self.lots,
            budget_units=self.budget * self.market.quote_units_per_tick_lot,
        )


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """Held in the ledger and durable. Send `command` to the engine, unless `replayed`."""

    order_id: OrderId
    command_id: int
    market: MarketId
    command: Command
    placed_at: datetime
    replayed: bool = False
    """The same client order id with the same order was placed before; its command is on its way."""


@dataclass(frozen=True, slots=True)
class QueuedCommand:
    """A durable command. Send it, unless `relayed`: then the relay must, behind one not yet
    sent.
    """

    command_id: int
    market: MarketId
    owner: int
    command: Command
    order_id: OrderId | None = None
    relayed: bool = False


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as it stands, after the settlement of events up to `last_sequence` of its market."""

    id: OrderId
    customer_id: CustomerId
    market: MarketId
    client_order_id: ClientOrderId | None
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
    hold_order_id: OrderId
    command_id: int
    options: dict[str, Any] | None
    maker_fee_ppm: int
    taker_fee_ppm: int
    status: OrderStatus
    filled_lots: int
    filled_quote_units: int
    fee_units: int
    """In the asset received: base for a buy, quote for a sell."""
    reason: int | None
    placed_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    last_sequence: int

    @property
    def open_lots(self) -> int:
        return 0 if self.closed_at else self.lots - self.filled_lots

    def average_price_units(self, market: Market) -> int | None:
        """Quote units for one whole base coin, over all fills; the rest of the division is
        dropped.
        """
        if not self.filled_lots:
            return None
        one_base: int = 10**market.base.scale
        return self.filled_quote_units * one_base // market.base_units(self.filled_lots)


@dataclass(frozen=True, slots=True)
class StoredTrade:
    market: MarketId
    id: TradeId
    sequence: int
    price_ticks: int
    lots: int
    taker_side: Side
    maker_order_id: OrderId
    taker_order_id: OrderId
    maker_id: CustomerId
    taker_id: CustomerId
    maker_fee_units: int
    """In the asset the maker received."""
    taker_fee_units: int
    traded_at: datetime


ORDER_COLUMNS = tuple(StoredOrder.__dataclass_fields__)
TRADE_COLUMNS = tuple(StoredTrade.__dataclass_fields__)


def order_of(row: Any) -> StoredOrder:
    """From a row of `orders`, with amounts as text or decimals."""
    values = {name: row[name] for name in ORDER_COLUMNS}
    options = values["options"]
    values |= {
        "side": Side(values["side"]),
        "status": OrderStatus(values["status"]),
        "filled_quote_units": int(values["filled_quote_units"]),
        "fee_units": int(values["fee_units"]),
        "options": msgspec.json.decode(options) if isinstance(options, str) else options,
    }
    return StoredOrder(**values)


def trade_of(row: Any) -> StoredTrade:
    values = {name: row[name] for name in TRADE_COLUMNS}
    values |= {
        "taker_side": Side(values["taker_side"]),
        "maker_fee_units": int(values["maker_fee_units"]),
        "taker_fee_units": int(values["taker_fee_units"]),
    }
    return StoredTrade(**values)


@dataclass(frozen=True, slots=True)
class Placement:
    """Orders placed by one command under one hold, and that command."""

    orders: tuple[NewOrder, ...]
    order_ids: tuple[OrderId, ...]
    command_id: int
    command: Command
    entry: JournalEntry = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entry", _hold_entry(self.orders, self.order_ids[0]))


def _hold_entry(orders: Sequence[NewOrder], order_id: OrderId) -> JournalEntry:
    """One hold covers them all: of a pair only one can fill, so the dearer one counts."""
    first = orders[0]
    units = max(order.hold_units() for order in orders)
    asset = hold_asset(first.market, is_buy=first.side is Side.BUY)
    hold = PlaceHold(order_hold(order_id), first.customer_id, asset, units)
    return JournalEntry(
        order_entry_id(order_id), EntryReason.HOLD, f"order {order_id}", (), (hold,)
    )
