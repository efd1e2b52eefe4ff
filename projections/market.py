"""Reads a market's numbered events: which trades they made and what each order saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from engine import events as e
from engine.events import NumberedEvent
from projections.order import OrderEvent
from projections.trade import Trade


class UnknownEvent(ValueError):
    """An event of a kind or shape that this version does not know."""


@dataclass(slots=True)
class MarketFacts:
    """What a run of events adds to the record."""

    trades: list[Trade] = field(default_factory=list)
    order_events: list[OrderEvent] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    epoch: int = 0
    """Newest among them."""
    last_event_us: int = 0


def read_event(facts: MarketFacts, market: MarketId, epoch: int, event: NumberedEvent) -> None:
    """Add what the event says. Raises UnknownEvent, having added nothing."""
    if len(event) < 3 or not all(type(value) is int and value >= 0 for value in event):
        raise UnknownEvent(f"not a numbered event: {str(event)[:200]}")
    sequence, at_us, kind, *fields = event
    names = e.FIELDS.get(kind)
    if names is None:
        raise UnknownEvent(f"event {sequence} is of unknown kind {kind}")
    if len(fields) != len(names):
        raise UnknownEvent(
            f"event {sequence} {e.KIND_NAMES[kind]} has {len(fields)} fields, not {len(names)}"
        )
    named = dict(zip(names, fields, strict=True))
    if kind == e.FILLED:
        _fill(facts, market, epoch, sequence, at_us, named)
    else:
        facts.order_events.extend(_order_events(market, sequence, at_us, kind, named))
    facts.sequences.append(sequence)
    facts.epoch = max(facts.epoch, epoch)
    facts.last_event_us = max(facts.last_event_us, at_us)


def _fill(
    facts: MarketFacts, market: MarketId, epoch: int, sequence: int, at_us: int, f: dict[str, int]
) -> None:
    # In an auction nobody arrived; the taker fields then hold the buyer's order.
    taker_side = Side.SELL if f["aggressor"] == e.SELL_AGGRESSOR else Side.BUY
    facts.trades.append(
        Trade(
            market,
            TradeId(f["trade_id"]),
            epoch,
            sequence,
            f["price"],
            f["lots"],
            taker_side,
            at_us // 1000,
            OrderId(f["maker_order_id"]),
            OrderId(f["taker_order_id"]),
            CustomerId(f["maker_owner"]),
            CustomerId(f["taker_owner"]),
        )
    )
    taker_role = "maker" if f["aggressor"] == e.NO_AGGRESSOR else "taker"
    maker_side = Side.SELL if taker_side is Side.BUY else Side.BUY
    for party, side, role in (("maker", maker_side, "maker"), ("taker", taker_side, taker_role)):
        facts.order_events.append(
            OrderEvent(
                market,
                f[f"{party}_order_id"],
                f[f"{party}_owner"],
                sequence,
                at_us,
                "filled",
                side,
                f["price"],
                f["lots"],
                f[f"{party}_open_lots"],
                trade_id=f["trade_id"],
                role=role,
            )
        )


def _order_events(
    market: MarketId, sequence: int, at_us: int, kind: int, f: dict[str, int]
) -> Iterator[OrderEvent]:
    if kind in _OF_THE_MARKET:
        return
    orders = ("taker_order_id", "maker_order_id") if kind == e.PREVENTED else ("order_id",)
    side = (Side.SELL, Side.BUY)[f["is_buy"] != 0] if "is_buy" in f else ""
    for order in orders:
        yield OrderEvent(
            market,
            f[order],
            f["owner"],
            sequence,
            at_us,
            e.KIND_NAMES[kind],
            side,
            price_ticks=f.get("price", f.get("trigger", 0)),
            lots=f[_LOTS[kind]] if kind in _LOTS else 0,
            open_lots=f.get("open_lots", 0),
            reason=e.REASON_NAMES.get(f["reason"], str(f["reason"])) if "reason" in f else "",
        )


_OF_THE_MARKET = frozenset((e.STATE_CHANGED, e.UNCROSSED, e.CANCELED_ALL, e.REFUSED))
"""Not of an order's story. A refused command left the order as it was, may be another customer's,
and may speak of an order that never was.
"""

_LOTS = {
    e.ACCEPTED: "lots",
    e.RESTED: "displayed_lots",
    e.WAITING: "lots",
    e.REDUCED: "removed_lots",
    e.PREVENTED: "lots",
}
