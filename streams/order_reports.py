"""What an event means to the owners of the orders it speaks of."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine import events as e
from engine.events import NumberedEvent
from streams.market_data import OrderReport

_SIDES = ("sell", "buy")

Told = Iterator[tuple[int, OrderReport]]


def reports_of(market: str, event: NumberedEvent) -> Told:
    """`(customer id, report)` for everyone whom the event concerns."""
    tell = _TELLERS.get(event[2])
    return tell(market, event) if tell else iter(())


def _accepted(market: str, event: NumberedEvent) -> Told:
    sequence, time_us, kind, order_id, owner, is_buy, price, lots = event
    yield (
        owner,
        OrderReport(
            market, sequence, time_us, e.KIND_NAMES[kind], order_id, _SIDES[is_buy], price,
            lots=lots, open_lots=lots,
        ),
    )  # fmt: skip


def _filled(market: str, event: NumberedEvent) -> Told:
    sequence, time_us, kind, trade_id, price, lots, *parties, aggressor = event
    taker_buys = aggressor != e.SELL_AGGRESSOR
    roles = ("maker", "maker" if aggressor == e.NO_AGGRESSOR else "taker")
    sides = (_SIDES[not taker_buys], _SIDES[taker_buys])
    for place, (role, side) in enumerate(zip(roles, sides, strict=True)):
        order_id, owner, open_lots = parties[3 * place : 3 * place + 3]
        yield (
            owner,
            OrderReport(
                market, sequence, time_us, e.KIND_NAMES[kind], order_id, side, price, lots,
                open_lots, trade_id=trade_id, role=role,
            ),
        )  # fmt: skip


def _ended(market: str, event: NumberedEvent) -> Told:
    sequence, time_us, kind, order_id, owner, is_buy, price, open_lots, _, reason = event
    yield (
        owner,
        OrderReport(
            market, sequence, time_us, e.KIND_NAMES[kind], order_id, _SIDES[is_buy], price,
            lots=open_lots, open_lots=open_lots, reason=e.REASON_NAMES[reason],
        ),
    )  # fmt: skip


def _refused(market: str, event: NumberedEvent) -> Told:
    sequence, time_us, kind, order_id, owner, command_id, reason = event
    yield (
        owner,
        OrderReport(
            market, sequence, time_us, e.KIND_NAMES[kind], order_id,
            reason=e.REASON_NAMES[reason], command_id=command_id,
        ),
    )  # fmt: skip


def _prevented(market: str, event: NumberedEvent) -> Told:
    sequence, time_us, kind, taker, maker, owner, price, lots, _ = event
    for order_id, other, role in ((taker, maker, "taker"), (maker, taker, "maker")):
        yield (
            owner,
            OrderReport(
                market, sequence, time_us, e.KIND_NAMES[kind], order_id, price=price, lots=lots,
                role=role, other_order_id=other,
            ),
        )  # fmt: skip


def _reduced(market: str, event: NumberedEvent) -> Told:
    sequence, time_us, kind, order_id, owner, is_buy, price, removed, left, _, reason = event
    yield (
        owner,
        OrderReport(
            market, sequence, time_us, e.KIND_NAMES[kind], order_id, _SIDES[is_buy], price,
            lots=removed, open_lots=left, reason=e.REASON_NAMES[reason],
        ),
    )  # fmt: skip


def _triggered(market: str, event: NumberedEvent) -> Told:
    sequence, time_us, kind, order_id, owner, is_buy, trigger, _ = event
    name = e.KIND_NAMES[kind]
    yield owner, OrderReport(market, sequence, time_us, name, order_id, _SIDES[is_buy], trigger)


def _canceled_all(market: str, event: NumberedEvent) -> Told:
    sequence, time_us, kind, owner, command_id, count = event
    name = e.KIND_NAMES[kind]
    if owner:
        yield (
            owner,
            OrderReport(market, sequence, time_us, name, 0, lots=count, command_id=command_id),
        )


_TELLERS: dict[int, Callable[[str, NumberedEvent], Told]] = {
    e.ACCEPTED: _accepted,
    e.RESTED: _accepted,
    e.WAITING: _accepted,
    e.FILLED: _filled,
    e.CANCELED: _ended,
    e.EXPIRED: _ended,
    e.REJECTED: _refused,
    e.REFUSED: _refused,
    e.PREVENTED: _prevented,
    e.REDUCED: _reduced,
    e.TRIGGERED: _triggered,
    e.CANCELED_ALL: _canceled_all,
}
