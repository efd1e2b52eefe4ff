"""Orders in the words of the dialect, both ways."""

from __future__ import annotations

import secrets
from typing import Any

from api.dialect import errors
from api.dialect.errors import DialectError
from api.dialect.numbers import ZERO, amount, milliseconds, notional, price, size
from api.dialect.parameters import Parameters
from api.dialect.symbols import symbol_of
from api.exchange.order_desk import Asked
from api.exchange.order_input import OrderInput, OrderType, SelfTradePrevention, TimeInForce
from api.exchange.order_view import Fill, OrderView
from domain.ids import ClientOrderId
from domain.market import Market, Side
from domain.money import Asset
from engine import commands
from storage.order_rows import OrderStatus

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
TYPES = {
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT,
}
_TYPE_NAMES = {
    "limit": "LIMIT",
    "market": "MARKET",
    "stop": "STOP_LOSS",
    "stop_limit": "STOP_LOSS_LIMIT",
    "take_profit": "TAKE_PROFIT",
    "take_profit_limit": "TAKE_PROFIT_LIMIT",
    "trailing_stop": "STOP_LOSS",
}
TIMES = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_TIME_NAMES = {commands.GTC: "GTC", commands.IOC: "IOC", commands.FOK: "FOK", commands.GTD: "GTC"}
PREVENTIONS = {
    "EXPIRE_MAKER": SelfTradePrevention.CANCEL_MAKER,
    "EXPIRE_TAKER": SelfTradePrevention.CANCEL_TAKER,
    "EXPIRE_BOTH": SelfTradePrevention.CANCEL_BOTH,
    "DECREMENT": SelfTradePrevention.DECREMENT,
}
_PREVENTION_NAMES = {
    commands.CANCEL_MAKER: "EXPIRE_MAKER",
    commands.CANCEL_TAKER: "EXPIRE_TAKER",
    commands.CANCEL_BOTH: "EXPIRE_BOTH",
    commands.DECREMENT: "DECREMENT",
}
NEEDS = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity", "stopPrice"),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
    "TAKE_PROFIT": ("quantity", "stopPrice"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
}
_MAY = {
    "MARKET": ("quantity", "quoteOrderQty"),
    "LIMIT": ("icebergQty",),
    "LIMIT_MAKER": ("icebergQty",),
    "STOP_LOSS_LIMIT": ("icebergQty",),
    "TAKE_PROFIT_LIMIT": ("icebergQty",),
}
_TERMS = ("timeInForce", "quantity", "price", "stopPrice", "quoteOrderQty", "icebergQty")
_NEVER = ("trailingDelta", "pegPriceType")
_FULL_ANSWER = ("LIMIT", "MARKET")
OWN_PREFIX = "rialto-"
"""Orders placed without a client order id elsewhere are shown with this and their number."""


def read_order(parameters: Parameters, market: Market) -> Asked:
    """Raises -1102, -1106, -1115, -1116, -1117 or -1100, as the dialect's documents say."""
    kind = _word(parameters, "type", TYPES, -1116, "Invalid orderType.")
    side = _word(parameters, "side", SIDES, -1117, "Invalid side.")
    _check_names(parameters, kind)
    tif = TimeInForce.GTC
    if "timeInForce" in parameters:
        tif = _word(parameters, "timeInForce", TIMES, -1115, "Invalid timeInForce.")[1]
    order = OrderInput(
        side=side[1],
        type=kind[1],
        price=parameters.decimal("price"),
        size=parameters.decimal("quantity"),
        quote_size=parameters.decimal("quoteOrderQty"),
        stop_price=parameters.decimal("stopPrice"),
        display_size=_display_size(parameters),
        time_in_force=tif,
        post_only=kind[0] == "LIMIT_MAKER",
        self_trade_prevention=read_prevention(parameters),
        client_order_id=ClientOrderId(parameters.client_id("newClientOrderId") or new_client_id()),
    )
    _check_precision(order, market)
    return Asked(market.id, order)


def _word(
    parameters: Parameters, name: str, words: dict[str, Any], code: int, message: str
) -> tuple[str, Any]:
    text = parameters.required(name).upper()
    if text not in words:
        raise DialectError(code, message)
    return text, words[text]


def _check_names(parameters: Parameters, kind: tuple[str, Any]) -> None:
    word = kind[0]
    for name in NEEDS[word]:
        parameters.required(name)
    if word == "MARKET" and ("quantity" in parameters) == ("quoteOrderQty" in parameters):
        if "quantity" in parameters:
            raise errors.superfluous("quoteOrderQty")
        raise DialectError(
            -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"
        )
    known = (*NEEDS[word], *_MAY.get(word, ()))
    for name in (*_TERMS, *_NEVER):
        if name in parameters and name not in known:
            raise errors.superfluous(name)


def _display_size(parameters: Parameters) -> str | None:
    """An iceberg that shows nothing, or all, is none."""
    shown = parameters.get("icebergQty")
    if shown is None or not shown.strip("0."):
        return None
    return parameters.decimal("icebergQty")


def read_prevention(parameters: Parameters) -> SelfTradePrevention:
    text = parameters.get("selfTradePreventionMode")
    if text is None:
        return SelfTradePrevention.CANCEL_MAKER
    if text not in PREVENTIONS:
        raise DialectError(
            -1013, "This symbol does not allow the specified self-trade prevention mode."
        )
    return PREVENTIONS[text]


def _check_precision(order: OrderInput, market: Market) -> None:
    """Raises -1111 where digits go beyond the smallest unit."""
    for name, text, asset in (
        ("price", order.price, market.quote),
        ("stopPrice", order.stop_price, market.quote),
        ("quantity", order.size, market.base),
        ("quoteOrderQty", order.quote_size, market.quote),
        ("icebergQty", order.display_size, market.base),
    ):
        if text is not None and _decimals(text) > asset.scale:
            raise DialectError(-1111, f"Parameter '{name}' has too much precision.")


def _decimals(text: str) -> int:
    return len(text.partition(".")[2].rstrip("0"))


def new_client_id() -> str:
    return secrets.token_hex(11)


def client_id_of(order: OrderView) -> str:
    return order.client_order_id or f"{OWN_PREFIX}{order.id}"


def status_of(order: OrderView) -> str:
    if order.is_open:
        return "PARTIALLY_FILLED" if order.filled_lots else "NEW"
    if order.status is OrderStatus.EXPIRED and order.reason == "self_trade":
        return "EXPIRED_IN_MATCH"
    return order.status.value.upper()


def type_of(order: OrderView) -> str:
    name = _TYPE_NAMES[order.kind]
    return "LIMIT_MAKER" if name == "LIMIT" and order.terms & commands.POST_ONLY else name


def time_in_force_of(order: OrderView) -> str:
    if order.terms & (commands.MARKET | commands.POST_ONLY):
        return "GTC"
    return _TIME_NAMES[order.terms & commands.TIF_MASK]


def prevention_of(order: OrderView) -> str:
    return _PREVENTION_NAMES[order.terms & commands.PREVENTION_MASK]


def received(order: OrderView) -> Asset:
    """Fees are taken from what the order receives."""
    return order.market.base if order.side is Side.BUY else order.market.quote


def price_of(order: OrderView) -> str:
    return ZERO if order.terms & commands.MARKET else price(order.market, order.price_ticks)


def stop_price_of(order: OrderView) -> str | None:
    if order.trigger_kind not in (commands.STOP, commands.TAKE_PROFIT):
        return None
    return price(order.market, order.trigger)


def quantity_of(order: OrderView) -> str:
    """Of an order by quote amount: what it has filled."""
    return size(order.market, order.filled_lots if order.budget else order.lots)


def full_answer_by_default(kind: str) -> bool:
    return kind.upper() in _FULL_ANSWER


def acknowledgement(order: OrderView) -> dict[str, Any]:
    return {
        "symbol": symbol_of(order.market),
        "orderId": order.id,
        "orderListId": list_id_of(order),
        "clientOrderId": client_id_of(order),
        "transactTime": milliseconds(order.updated_at),
    }


def list_id_of(order: OrderView) -> int:
    return -1 if order.pair_id is None else order.pair_id


def result(order: OrderView) -> dict[str, Any]:
    """As placing and canceling answer."""
    stop = stop_price_of(order)
    body = {
        **acknowledgement(order),
        **_state(order),
        **({} if stop is None else {"stopPrice": stop}),
        **working_time(order),
        "selfTradePreventionMode": prevention_of(order),
    }
    if order.display_lots:
        body["icebergQty"] = size(order.market, order.display_lots)
    return body


def with_fills(order: OrderView) -> dict[str, Any]:
    return {**result(order), "fills": [_fill(order, fill) for fill in order.fills]}


def canceled(order: OrderView, cancel_id: str) -> dict[str, Any]:
    body = {**result(order), "clientOrderId": cancel_id, "origClientOrderId": client_id_of(order)}
    body.pop("workingTime", None)
    return body


def queried(order: OrderView) -> dict[str, Any]:
    """As looking up answers."""
    return {
        "symbol": symbol_of(order.market),
        "orderId": order.id,
        "orderListId": list_id_of(order),
        "clientOrderId": client_id_of(order),
        **_state(order),
        "stopPrice": stop_price_of(order) or ZERO,
        "icebergQty": size(order.market, order.display_lots),
        "time": milliseconds(order.placed_at),
        "updateTime": milliseconds(order.updated_at),
        "isWorking": _has_worked(order),
        **working_time(order),
        "selfTradePreventionMode": prevention_of(order),
    }


def _state(order: OrderView) -> dict[str, Any]:
    return {
        "price": price_of(order),
        "origQty": quantity_of(order),
        "executedQty": size(order.market, order.filled_lots),
        "origQuoteOrderQty": notional(order.market, order.budget),
        "cummulativeQuoteQty": amount(order.market.quote, order.filled_quote_units),
        "status": status_of(order),
        "timeInForce": time_in_force_of(order),
        "type": type_of(order),
        "side": order.side.value.upper(),
    }


def _has_worked(order: OrderView) -> bool:
    return order.is_working or bool(order.filled_lots) or not order.trigger_kind


def working_time(order: OrderView) -> dict[str, int]:
    """Left out while an order waits for its trigger: clients take any number for a time."""
    if order.trigger_kind:
        return {}
    return {"workingTime": milliseconds(order.placed_at)}


def _fill(order: OrderView, fill: Fill) -> dict[str, Any]:
    asset = received(order)
    return {
        "price": price(order.market, fill.price_ticks),
        "qty": size(order.market, fill.lots),
        "commission": amount(asset, fill.fee_units),
        "commissionAsset": asset.code,
        "tradeId": fill.trade_id,
    }
