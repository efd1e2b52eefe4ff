"""An order as its events tell it. They are the record; the state is their fold by sequence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from domain.market import MarketId
from engine import events as e


class OrderStatus(StrEnum):
    WAITING = "waiting"
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One engine event as one order saw it. Zero and empty where the event does not say."""

    market: MarketId
    order_id: int
    owner: int
    sequence: int
    at_us: int
    kind: str
    side: str = ""
    price_ticks: int = 0
    """Of the order; of `filled` the trade's; of `waiting` and `triggered` the trigger's."""
    lots: int = 0
    """Of `filled` what traded; of `reduced` what was taken off; else the order's."""
    open_lots: int = 0
    """Still unfilled after the event."""
    reason: str = ""
    trade_id: int = 0
    role: str = ""


@dataclass(frozen=True, slots=True)
class OrderState:
    market: MarketId
    order_id: int
    owner: int
    sequence: int
    """Of the newest event in this state."""
    status: OrderStatus
    placed_at_us: int
    updated_at_us: int
    side: str = ""
    price_ticks: int = 0
    trigger_ticks: int = 0
    open_lots: int = 0
    filled_lots: int = 0
    filled_notional: int = 0
    """Sum of price ticks x lots of its fills."""
    fills: int = 0
    events: int = 0
    """How many events it was folded from."""
    reason: str = ""


def fold(events: Iterable[OrderEvent]) -> OrderState | None:
    """The state after these events of one order; their order and repeats do not matter."""
    state: OrderState | None = None
    for event in sorted({each.sequence: each for each in events}.values(), key=_sequence):
        state = step(state, event)
    return state


def step(state: OrderState | None, event: OrderEvent) -> OrderState:
    """The state after one more event, which must be newer than all before it."""
    if state is None:
        state = OrderState(
            event.market,
            event.order_id,
            event.owner,
            0,
            OrderStatus.OPEN,
            event.at_us,
            event.at_us,
        )
    assert event.sequence > state.sequence
    if event.kind == "rejected" and state.events:
        # A repeat of an order that the engine has: it stays as it is.
        return replace(state, sequence=event.sequence, events=state.events + 1)
    state = replace(
        state,
        sequence=event.sequence,
        events=state.events + 1,
        updated_at_us=event.at_us,
        side=event.side or state.side,
        reason=event.reason or state.reason,
    )
    if event.kind == "filled":
        return _filled(state, event)
    return replace(state, **_changes(state, event))


def _filled(state: OrderState, event: OrderEvent) -> OrderState:
    return replace(
        state,
        status=OrderStatus.OPEN if event.open_lots else OrderStatus.FILLED,
        open_lots=event.open_lots,
        filled_lots=state.filled_lots + event.lots,
        filled_notional=state.filled_notional + event.price_ticks * event.lots,
        fills=state.fills + 1,
    )


def _changes(state: OrderState, event: OrderEvent) -> dict[str, Any]:
    changes: dict[str, Any] = {}  # Prevented leaves the order as it was.
    match event.kind:
        case "accepted" | "rested":
            # An order that traded first is `accepted` with all its lots; `rested` then tells only
            # what it displays, so the open lots known already stand.
            open_lots = state.open_lots or event.lots
            changes = {"price_ticks": event.price_ticks, "open_lots": open_lots}
            changes["status"] = OrderStatus.OPEN
        case "waiting":
            changes = {"trigger_ticks": event.price_ticks, "open_lots": event.lots}
            changes["status"] = OrderStatus.WAITING
        case "triggered":
            changes = {"status": OrderStatus.OPEN}
        case "reduced":
            changes = {"open_lots": event.open_lots}
        case "canceled" | "rejected":
            changes = {"status": OrderStatus(event.kind), "open_lots": event.open_lots}
        case "expired":
            spent = event.reason == e.REASON_NAMES[e.BUDGET_SPENT]
            status = OrderStatus.FILLED if spent else OrderStatus.EXPIRED
            changes = {"status": status, "open_lots": event.open_lots}
    return changes


def _sequence(event: OrderEvent) -> int:
    return event.sequence
