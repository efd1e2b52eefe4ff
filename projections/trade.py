"""A trade as the public sees it. Its number is gapless in its market and never reused."""

from __future__ import annotations

from dataclasses import dataclass

from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side


@dataclass(frozen=True, slots=True)
class Trade:
    """One match, without its fees: those are known when the ledger has settled it."""

    market: MarketId
    id: TradeId
    epoch: int
    sequence: int
    price_ticks: int
    lots: int
    taker_side: Side
    traded_at_ms: int
    maker_order_id: OrderId
    taker_order_id: OrderId
    maker_id: CustomerId
    taker_id: CustomerId


@dataclass(frozen=True, slots=True)
class Fill:
    """One party's part of a settled trade. The fee is in units of the asset received."""

    market: MarketId
    trade_id: TradeId
    customer_id: CustomerId
    order_id: OrderId
    side: Side
    is_maker: bool
    price_ticks: int
    lots: int
    fee_units: int
    traded_at_ms: int
