"""Orders: place, test, look up, cancel, replace, amend."""

from __future__ import annotations

from typing import Any

from api.dialect import errors
from api.dialect.call import Call
from api.dialect.commission import NO_DISCOUNT, rate_fields
from api.dialect.errors import DialectError
from api.dialect.list_words import canceled_list
from api.dialect.numbers import amount, milliseconds, size
from api.dialect.order_words import (
    OWN_PREFIX,
    acknowledgement,
    canceled,
    client_id_of,
    full_answer_by_default,
    new_client_id,
    prevention_of,
    price_of,
    quantity_of,
    queried,
    read_order,
    result,
    status_of,
    time_in_force_of,
    type_of,
    with_fills,
)
from api.dialect.symbols import symbol_of
from api.exchange.order_desk import Accepted
from api.exchange.order_view import OrderView, stored_view
from domain.errors import UnknownOrder, WrongState
from domain.ids import ClientOrderId, OrderId
from storage.order_rows import OrderStatus
from storage.order_search import Range

WAIT_SECONDS = 5.0
"""For the engine's answer. After that the outcome is unknown to us, and we say so."""
ROWS, ROWS_MAX = 500, 1000
_DAY_MS = 86_400_000
ANSWERS = {"ACK": "ACK", "RESULT": "RESULT", "FULL": "FULL"}


async def place(call: Call) -> dict[str, Any]:
    market = call.market()
    asked = read_order(call.parameters, market)
    shape = answer_shape(call)
    accepted = await call.services.trading.desk.place(
        call.customer_id, asked, wait_seconds=WAIT_SECONDS
    )
    return shaped(placed(accepted), shape)


async def test_order(call: Call) -> dict[str, Any]:
    """Everything that placing checks, but for the balance and the engine's own word."""
    asked = read_order(call.parameters, call.market())
    answer_shape(call)
    await call.services.trading.desk.check(call.customer_id, asked)
    if not call.parameters.flag("computeCommissionRates"):
        return {}
    rates = await call.services.trading.fees.rates(call.customer_id, call.market().id)
    return {
        "standardCommissionForOrder": rate_fields(rates),
        "specialCommissionForOrder": rate_fields(None),
        "taxCommissionForOrder": rate_fields(None),
        "discount": NO_DISCOUNT,
    }


def answer_shape(call: Call) -> str:
    kind = call.parameters.get("type", "")
    chosen = call.parameters.choice("newOrderRespType", ANSWERS)
    return chosen or ("FULL" if full_answer_by_default(kind) else "ACK")


def placed(accepted: Accepted) -> OrderView:
    """The order, unless it was placed before or the engine did not take it. Raises -2010, -1013."""
    if accepted.replayed:
        raise DialectError(-2010, errors.DUPLICATE)
    if accepted.order.status is OrderStatus.REJECTED:
        raise errors.of_reason(accepted.order.reason)
    return accepted.order


def shaped(order: OrderView, shape: str) -> dict[str, Any]:
    if shape == "ACK":
        return acknowledgement(order)
    return result(order) if shape == "RESULT" else with_fills(order)


async def look_up(call: Call) -> dict[str, Any]:
    return queried(await find(call, "orderId", "origClientOrderId"))


async def find(call: Call, id_name: str, client_id_name: str) -> OrderView:
    """Raises -1102, -1121 or -2013; so it does when the order is on another market."""
    market, desk = call.market(), call.services.trading.desk
    order_id, name = call.parameters.whole(id_name), call.parameters.client_id(client_id_name)
    if order_id is None and name is None:
        raise DialectError(
            -1102,
            f"Param '{client_id_name}' or '{id_name}' must be sent, but both were empty/null!",
        )
    if order_id is None and name is not None and name.startswith(OWN_PREFIX):
        digits = name.removeprefix(OWN_PREFIX)
        order_id = int(digits) if digits.isdigit() and len(digits) < 19 else None
    try:
        if order_id is not None:
            order = await desk.find(call.customer_id, OrderId(order_id))
        else:
            assert name is not None
            order = await desk.find_by_client_id(call.customer_id, ClientOrderId(name))
    except UnknownOrder:
        raise errors.unknown_order() from None
    if order.market.id != market.id:
        raise errors.unknown_order()
    return order


async def open_orders(call: Call) -> list[dict[str, Any]]:
    market = call.market() if "symbol" in call.parameters else None
    found = await call.services.trading.desk.open_orders(call.customer_id, market)
    return [queried(each) for each in found]


async def all_orders(call: Call) -> list[dict[str, Any]]:
    market = call.market()
    start, end = call.milliseconds("startTime"), call.milliseconds("endTime")
    if start is not None and end is not None and end - start > _DAY_MS:
        raise DialectError(-1127, "More than 24 hours between startTime and endTime.")
    within = Range(
        first_id=call.parameters.whole("orderId"),
        start=call.moment("startTime"),
        end=call.moment("endTime"),
        limit=call.parameters.limit(ROWS, ROWS_MAX),
    )
    found = await call.parts.search.orders(call.customer_id, market.id, within)
    reports = call.services.trading.reports
    views = [stored_view(each, market).with_reports(reports.of(each.id)) for each in found]
    return [queried(each) for each in views if each.status is not OrderStatus.REJECTED]


async def cancel(call: Call) -> dict[str, Any]:
    order = await _to_cancel(call)
    restrictions = call.parameters.choice(
        "cancelRestrictions", {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}
    )
    if restrictions is not None and status_of(order) != restrictions:
        raise DialectError(-2011, "Order was not canceled due to cancel restrictions.")
    cancel_id = call.parameters.client_id("newClientOrderId") or new_client_id()
    return canceled(await end(call, order, cancel_id), cancel_id)


async def _to_cancel(call: Call) -> OrderView:
    try:
        order = await find(call, "orderId", "origClientOrderId")
    except DialectError as refusal:
        raise errors.not_cancelable() if refusal.code == -2013 else refusal from None
    if not order.is_open:
        raise errors.not_cancelable()
    return order


async def end(call: Call, order: OrderView, cancel_id: str) -> OrderView:
    """Cancel an order and see it end. Raises -2011, or -1007 when the engine does not answer."""
    call.parts.cancel_ids.put(order.id, cancel_id)
    try:
        ended = await call.services.trading.desk.cancel(
            call.customer_id, order.id, wait_seconds=WAIT_SECONDS
        )
    except (UnknownOrder, WrongState):
        raise errors.not_cancelable() from None
    if ended.is_open:
        raise errors.outcome_unknown()
    if ended.status is not OrderStatus.CANCELED:
        raise errors.not_cancelable()  # It was filled first.
    return ended


async def cancel_open(call: Call) -> list[dict[str, Any]]:
    """Every open order of a market. Raises -2011 when there is none."""
    market, desk = call.market(), call.services.trading.desk
    before = await desk.open_orders(call.customer_id, market)
    if not before:
        raise errors.not_cancelable()
    count = await desk.cancel_all(call.customer_id, market.id, wait_seconds=WAIT_SECONDS)
    if count is None:
        raise errors.outcome_unknown()
    after = [await desk.find(call.customer_id, each.id) for each in before]
    ended = [each for each in after if each.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)]
    pairs = sorted({each.pair_id for each in ended if each.pair_id is not None})
    single = [canceled(each, new_client_id()) for each in ended if each.pair_id is None]
    return [
        *single,
        *(canceled_list([each for each in ended if each.pair_id == pair]) for pair in pairs),
    ]


async def amend(call: Call) -> dict[str, Any]:
    """Make an order smaller; it keeps its place in the queue."""
    order = await find(call, "orderId", "origClientOrderId")
    call.parameters.required("newQty")
    quantity = call.parameters.decimal("newQty")
    assert quantity is not None
    if not order.is_open:
        raise DialectError(-2038, "The requested action would change no state; rejecting.")
    try:
        changed = await call.services.trading.desk.amend(
            call.customer_id, order.id, quantity, wait_seconds=WAIT_SECONDS
        )
    except WrongState:
        raise DialectError(
            -2038, "Order amend is not supported for this order: newQty must be smaller."
        ) from None
    return {
        "transactTime": milliseconds(changed.updated_at),
        "executionId": changed.last_sequence,
        "amendedOrder": {
            "symbol": symbol_of(changed.market),
            "orderId": changed.id,
            "orderListId": -1 if changed.pair_id is None else changed.pair_id,
            "origClientOrderId": client_id_of(changed),
            "clientOrderId": client_id_of(changed),
            "price": price_of(changed),
            "qty": quantity_of(changed),
            "executedQty": size(changed.market, changed.filled_lots),
            "preventedQty": "0.00000000",
            "cumulativeQuoteQty": amount(changed.market.quote, changed.filled_quote_units),
            "status": status_of(changed),
            "timeInForce": time_in_force_of(changed),
            "type": type_of(changed),
            "side": changed.side.value.upper(),
            "workingTime": milliseconds(changed.placed_at),
            "selfTradePreventionMode": prevention_of(changed),
        },
    }
