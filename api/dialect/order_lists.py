"""Order lists: two orders of which one cancels the other (OCO)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from api.dialect import errors
from api.dialect.call import Call
from api.dialect.errors import DialectError
from api.dialect.list_words import canceled_list, order_list, placed_list
from api.dialect.order_words import SIDES, TIMES, new_client_id, read_prevention
from api.dialect.orders import ROWS, ROWS_MAX, WAIT_SECONDS, end, placed
from api.dialect.parameters import Parameters
from api.exchange.order_desk import Asked
from api.exchange.order_input import OrderInput, OrderType
from api.exchange.order_view import OrderView, stored_view
from domain.ids import ClientOrderId
from domain.market import Market, Side
from storage.order_rows import StoredOrder
from storage.order_search import Range

_MAKERS = ("LIMIT_MAKER",)
_STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT")


async def place_oco(call: Call) -> dict[str, Any]:
    """A LIMIT_MAKER on one side of the price and a STOP_LOSS or STOP_LOSS_LIMIT on the other."""
    market, parameters = call.market(), call.parameters
    side = _side(parameters)
    above = parameters.required("aboveType")
    below = parameters.required("belowType")
    limit_leg, stop_leg = ("above", "below") if side is Side.SELL else ("below", "above")
    kinds = {"above": above, "below": below}
    if kinds[limit_leg] not in _MAKERS or kinds[stop_leg] not in _STOPS:
        raise errors.unsupported()
    limit = _leg(parameters, market, side, kinds[limit_leg], limit_leg)
    stop = _leg(parameters, market, side, kinds[stop_leg], stop_leg)
    return await _place(call, limit, stop)


async def place_oco_old_style(call: Call) -> dict[str, Any]:
    """`price` is the limit leg's, `stopPrice` and perhaps `stopLimitPrice` the stop leg's."""
    market, parameters = call.market(), call.parameters
    side = _side(parameters)
    for name in ("quantity", "price", "stopPrice"):
        parameters.required(name)
    stop_limit = parameters.decimal("stopLimitPrice")
    renamed = Parameters(
        {
            "quantity": parameters["quantity"],
            "limitPrice": parameters["price"],
            "limitClientOrderId": parameters.get("limitClientOrderId", ""),
            "stopStopPrice": parameters["stopPrice"],
            "stopPrice": stop_limit or "",
            "stopTimeInForce": parameters.get("stopLimitTimeInForce", ""),
            "stopClientOrderId": parameters.get("stopClientOrderId", ""),
            "selfTradePreventionMode": parameters.get("selfTradePreventionMode", ""),
        }
    )
    limit = _leg(renamed, market, side, "LIMIT_MAKER", "limit")
    kind = "STOP_LOSS" if stop_limit is None else "STOP_LOSS_LIMIT"
    return await _place(call, limit, _leg(renamed, market, side, kind, "stop"))


async def look_up(call: Call) -> dict[str, Any]:
    return order_list(await _find(call))


async def open_lists(call: Call) -> list[dict[str, Any]]:
    orders = await call.services.trading.desk.open_orders(call.customer_id)
    ids = sorted({each.pair_id for each in orders if each.pair_id is not None})
    found = []
    for pair_id in ids:
        stored = await call.parts.search.pair(call.customer_id, pair_id)
        found.append(order_list(_views(call, stored)))
    return found


async def all_lists(call: Call) -> list[dict[str, Any]]:
    within = Range(
        first_id=call.parameters.whole("fromId"),
        start=call.moment("startTime"),
        end=call.moment("endTime"),
        limit=call.parameters.limit(ROWS, ROWS_MAX),
    )
    found = []
    for second in await call.parts.search.pairs(call.customer_id, within):
        stored = await call.parts.search.pair(call.customer_id, second.hold_order_id)
        found.append(order_list(_views(call, stored)))
    return found


async def cancel_list(call: Call) -> dict[str, Any]:
    """Canceling one of the two ends both."""
    market = call.market()
    try:
        orders = await _find(call)
    except DialectError as refusal:
        raise errors.not_cancelable() if refusal.code == -2018 else refusal from None
    still_open = [each for each in orders if each.is_open and each.market.id == market.id]
    if not still_open:
        raise errors.not_cancelable()
    cancel_id = call.parameters.client_id("newClientOrderId") or new_client_id()
    await end(call, still_open[0], cancel_id)
    desk = call.services.trading.desk
    return canceled_list([await desk.find(call.customer_id, each.id) for each in orders])


async def _place(call: Call, limit: Asked, stop: Asked) -> dict[str, Any]:
    accepted = await call.services.trading.desk.place_pair(
        call.customer_id,
        limit,
        stop,
        name=call.parameters.client_id("listClientOrderId") or new_client_id(),
        wait_seconds=WAIT_SECONDS,
    )
    desk = call.services.trading.desk
    for each in accepted:
        placed(each)
    found = [await desk.find(call.customer_id, each.order.id) for each in accepted]
    return placed_list(found)


async def _find(call: Call) -> Sequence[OrderView]:
    """Raises -1102 or -2018."""
    list_id = call.parameters.whole("orderListId")
    name = call.parameters.client_id("origClientOrderId")
    name = name or call.parameters.client_id("listClientOrderId")
    if list_id is not None:
        stored = await call.parts.search.pair(call.customer_id, list_id)
    elif name is not None:
        stored = await call.parts.search.pair_by_name(call.customer_id, name)
    else:
        raise DialectError(
            -1102,
            "Param 'origClientOrderId' or 'orderListId' must be sent, but both were empty/null!",
        )
    if not any(first.hold_order_id == second.hold_order_id for first, second in pairwise(stored)):
        raise DialectError(-2018, "Order list does not exist.")
    return _views(call, stored)


def _views(call: Call, stored: Sequence[StoredOrder]) -> list[OrderView]:
    reports, catalog = call.services.trading.reports, call.services.catalog
    return [
        stored_view(each, catalog.market(each.market)).with_reports(reports.of(each.id))
        for each in stored
    ]


def _side(parameters: Parameters) -> Side:
    side = SIDES.get(parameters.required("side").upper())
    if side is None:
        raise DialectError(-1117, "Invalid side.")
    return side


def _leg(parameters: Parameters, market: Market, side: Side, kind: str, prefix: str) -> Asked:
    parameters.required("quantity")
    needs = [f"{prefix}Price"] if kind != "STOP_LOSS" else []
    needs += [f"{prefix}StopPrice"] if kind in _STOPS else []
    needs += [f"{prefix}TimeInForce"] if kind == "STOP_LOSS_LIMIT" else []
    for name in needs:
        parameters.required(name)
    tif = parameters.choice(f"{prefix}TimeInForce", TIMES) if kind == "STOP_LOSS_LIMIT" else None
    name = parameters.client_id(f"{prefix}ClientOrderId") or new_client_id()
    is_limit = kind in _MAKERS
    order = OrderInput(
        side=side,
        type=OrderType.LIMIT if is_limit else _STOP_TYPES[kind],
        price=None if kind == "STOP_LOSS" else parameters.decimal(f"{prefix}Price"),
        stop_price=None if is_limit else parameters.decimal(f"{prefix}StopPrice"),
        size=parameters.decimal("quantity"),
        post_only=is_limit,
        time_in_force=tif or TIMES["GTC"],
        self_trade_prevention=read_prevention(parameters),
        client_order_id=ClientOrderId(name),
    )
    return Asked(market.id, order)


_STOP_TYPES = {"STOP_LOSS": OrderType.STOP, "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT}
