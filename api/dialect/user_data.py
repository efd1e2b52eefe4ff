"""The events of one account in the dialect's words: orders, balances, coins that come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from api.dialect.numbers import ZERO, amount, fixed, milliseconds, notional, price, size
from api.dialect.order_words import (
    client_id_of,
    list_id_of,
    new_client_id,
    prevention_of,
    price_of,
    quantity_of,
    received,
    status_of,
    stop_price_of,
    time_in_force_of,
    type_of,
)
from api.dialect.stream_words import now_ms
from api.dialect.symbols import symbol_of
from api.exchange.order_view import OrderView, fill_of
from api.exchange.private_stream import BalancesChanged, Event, OrderChanged
from api.services import Services
from domain.deposit import DepositStatus
from domain.ids import CustomerId
from domain.withdrawal import WithdrawalStatus
from storage.ledger import Balance
from streams.market_data import OrderReport
from streams.notices import DepositNotice, WithdrawalNotice

Payload = dict[str, Any]
_STARTS = ("accepted", "rested", "waiting")
_KINDS = {
    "filled": "TRADE",
    "canceled": "CANCELED",
    "expired": "EXPIRED",
    "rejected": "REJECTED",
    "reduced": "REPLACED",
}
_REASONS = {
    "would_take": "WOULD_MATCH_IMMEDIATELY",
    "would_trigger": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
}
_STARTED_MAX = 50_000


class UserData:
    """Follows one account and gives each event to `emit`, which must not block."""

    def __init__(
        self,
        services: Services,
        customer_id: CustomerId,
        emit: Callable[[Payload], None],
        on_overflow: Callable[[], None],
    ) -> None:
        self._services = services
        self._emit = emit
        self._on_overflow = on_overflow
        self._started: dict[int, None] = {}
        self._told: set[str] = set()
        self._stream = services.private_stream(customer_id, self._tell)
        self.customer_id = customer_id

    async def open(self) -> None:
        await self._stream.open()

    def close(self) -> None:
        self._stream.close()

    def _tell(self, event: Event) -> None:
        if self._stream.has_overflown:
            self._on_overflow()
            return
        for payload in self._payloads(event):
            self._emit(payload)

    def _payloads(self, event: Event) -> Iterator[Payload]:
        match event:
            case OrderChanged():
                kind = self._kind(event.order, event.report)
                if kind is not None:
                    cancel_id = self._services.dialect.cancel_ids.get(event.order.id)
                    yield execution_report(event.order, event.report, kind, cancel_id)
            case BalancesChanged():
                yield self._position(event.balances)
            case DepositNotice():
                yield from self._moved(
                    event.deposit_id, event.asset, event.amount,
                    counts=event.status == DepositStatus.CREDITED,
                )  # fmt: skip
            case WithdrawalNotice():
                yield from self._moved(
                    event.withdrawal_id, event.asset, f"-{event.amount}",
                    counts=event.status == WithdrawalStatus.DONE,
                )  # fmt: skip
            case _:
                return

    def _kind(self, order: OrderView, report: OrderReport) -> str | None:
        """An order that rests after its first fills, or wakes up, is not new again."""
        if report.kind not in _STARTS:
            is_prevented = report.kind == "expired" and report.reason == "self_trade"
            return "TRADE_PREVENTION" if is_prevented else _KINDS.get(report.kind)
        if order.id in self._started:
            return None
        self._started[order.id] = None
        if len(self._started) > _STARTED_MAX:
            del self._started[next(iter(self._started))]
        return "NEW"

    def _position(self, balances: list[Balance]) -> Payload:
        at_ms = now_ms()
        rows = []
        for balance in balances:
            asset = self._services.catalog.asset(balance.asset)
            rows.append(
                {
                    "a": asset.code,
                    "f": amount(asset, balance.available_units),
                    "l": amount(asset, balance.held_units),
                }
            )
        return {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "B": rows}

    def _moved(self, thing: str, asset: str, text: str, *, counts: bool) -> Iterator[Payload]:
        """Once for each deposit and withdrawal, however often it is told."""
        if not counts or thing in self._told:
            return
        self._told.add(thing)
        listed = self._services.catalog.asset(asset)
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        delta = sign + fixed(listed.parse(digits).units, listed.scale)
        at_ms = now_ms()
        yield {"e": "balanceUpdate", "E": at_ms, "a": asset, "d": delta, "T": at_ms}


def terminated() -> Payload:
    return {"e": "eventStreamTerminated", "E": now_ms()}


def execution_report(
    order: OrderView, report: OrderReport, kind: str, cancel_id: str | None
) -> Payload:
    market, at_ms = order.market, report.time_us // 1000
    is_end = kind == "CANCELED"
    own_id = client_id_of(order)
    return {
        "e": "executionReport",
        "E": now_ms(),
        "s": symbol_of(market),
        "c": (cancel_id or new_client_id()) if is_end else own_id,
        "S": order.side.value.upper(),
        "o": type_of(order),
        "f": time_in_force_of(order),
        "q": quantity_of(order),
        "p": price_of(order),
        "P": stop_price_of(order) or ZERO,
        "F": size(market, order.display_lots),
        "g": list_id_of(order),
        "C": own_id if is_end else "",
        "x": kind,
        "X": status_of(order),
        "r": _REASONS.get(report.reason, "NONE") if kind == "REJECTED" else "NONE",
        "i": order.id,
        **_trade_fields(order, report, kind),
        "z": size(market, order.filled_lots),
        "T": at_ms,
        "I": report.sequence,
        "w": order.is_working and order.is_open,
        "M": kind == "TRADE",
        "O": milliseconds(order.placed_at),
        "Z": amount(market.quote, order.filled_quote_units),
        "Q": notional(market, order.budget),
        "W": milliseconds(order.placed_at),
        "V": prevention_of(order),
    }


def _trade_fields(order: OrderView, report: OrderReport, kind: str) -> Payload:
    if kind != "TRADE":
        return {"l": ZERO, "L": ZERO, "n": "0", "N": None, "t": -1, "m": False, "Y": ZERO}
    fill, asset = fill_of(order, report), received(order)
    return {
        "l": size(order.market, fill.lots),
        "L": price(order.market, fill.price_ticks),
        "n": amount(asset, fill.fee_units),
        "N": asset.code,
        "t": fill.trade_id,
        "m": fill.role == "maker",
        "Y": notional(order.market, fill.price_ticks * fill.lots),
    }
