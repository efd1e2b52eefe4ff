"""The caller's account: balances, trades, fees, limits."""

from __future__ import annotations

from typing import Any

from api.dialect import limits
from api.dialect.call import Call
from api.dialect.commission import NO_DISCOUNT, rate_fields
from api.dialect.errors import DialectError
from api.dialect.market_data import now_ms
from api.dialect.numbers import amount, fraction, milliseconds, notional, price, size
from api.dialect.order_words import prevention_of
from api.dialect.orders import ROWS, ROWS_MAX
from api.dialect.symbol_rules import filters
from api.dialect.symbols import symbol_of
from domain.errors import UnknownOrder
from domain.ids import OrderId
from domain.market import Market, Side
from ledger.fees import BASIS_POINT_PPM, FeeRates
from storage.order_rows import StoredTrade
from storage.order_search import Range

_DAY_MS = 86_400_000


async def account(call: Call) -> dict[str, Any]:
    customer = await call.services.people.customers.find(call.customer_id)
    is_active = customer.status == "active"
    rates = await _highest_rates(call)
    return {
        "makerCommission": rates.maker_ppm // BASIS_POINT_PPM,
        "takerCommission": rates.taker_ppm // BASIS_POINT_PPM,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rate_fields(rates),
        "canTrade": is_active,
        "canWithdraw": is_active and customer.kyc_tier > 0,
        "canDeposit": customer.status != "closed",
        "brokered": False,
        "requireSelfTradePrevention": True,
        "preventSor": False,
        "updateTime": now_ms(),
        "accountType": "SPOT",
        "balances": await _balances(call),
        "permissions": ["SPOT"],
        "uid": call.customer_id,
    }


async def _highest_rates(call: Call) -> FeeRates:
    """Of all markets: what an order of this customer pays at most."""
    fees = call.services.trading.fees
    every = [await fees.rates(call.customer_id, each) for each in call.services.catalog.markets]
    return FeeRates(max(each.maker_ppm for each in every), max(each.taker_ppm for each in every))


async def _balances(call: Call) -> list[dict[str, str]]:
    found = {each.asset: each for each in await call.services.ledger.balances(call.customer_id)}
    leaves_out_zero = call.parameters.flag("omitZeroBalances")
    rows = []
    for asset in call.services.catalog.assets.values():
        balance = found.get(asset.code)
        free = balance.available_units if balance is not None else 0
        locked = balance.held_units if balance is not None else 0
        if free or locked or not leaves_out_zero:
            rows.append(
                {
                    "asset": asset.code,
                    "free": amount(asset, free),
                    "locked": amount(asset, locked),
                }
            )
    return rows


async def my_trades(call: Call) -> list[dict[str, Any]]:
    """As settled: the newest trades take a moment to get here."""
    market = call.market()
    start, end = call.milliseconds("startTime"), call.milliseconds("endTime")
    if start is not None and end is not None and end - start > _DAY_MS:
        raise DialectError(-1127, "More than 24 hours between startTime and endTime.")
    first_id, order_id = call.parameters.whole("fromId"), call.parameters.whole("orderId")
    if first_id is not None and (start is not None or end is not None):
        raise DialectError(-1128, "Combination of optional parameters invalid.")
    within = Range(
        first_id=first_id,
        start=call.moment("startTime"),
        end=call.moment("endTime"),
        limit=call.parameters.limit(ROWS, ROWS_MAX),
    )
    found = await call.parts.search.my_trades(
        call.customer_id,
        market.id,
        within,
        order_id=None if order_id is None else OrderId(order_id),
    )
    return [_my_trade(market, each, call) for each in found]


def _my_trade(market: Market, trade: StoredTrade, call: Call) -> dict[str, Any]:
    is_maker = trade.maker_id == call.customer_id
    is_buyer = (trade.taker_side is Side.BUY) != is_maker
    asset = market.base if is_buyer else market.quote
    fee = trade.maker_fee_units if is_maker else trade.taker_fee_units
    return {
        "symbol": symbol_of(market),
        "id": trade.id,
        "orderId": trade.maker_order_id if is_maker else trade.taker_order_id,
        "orderListId": -1,
        "price": price(market, trade.price_ticks),
        "qty": size(market, trade.lots),
        "quoteQty": notional(market, trade.price_ticks * trade.lots),
        "commission": amount(asset, fee),
        "commissionAsset": asset.code,
        "time": milliseconds(trade.traded_at),
        "isBuyer": is_buyer,
        "isMaker": is_maker,
        "isBestMatch": True,
    }


async def commission(call: Call) -> dict[str, Any]:
    market = call.market()
    rates = await call.services.trading.fees.rates(call.customer_id, market.id)
    return {
        "symbol": symbol_of(market),
        "standardCommission": rate_fields(rates),
        "specialCommission": rate_fields(None),
        "taxCommission": rate_fields(None),
        "discount": NO_DISCOUNT,
    }


async def trade_fees(call: Call) -> list[dict[str, str]]:
    markets, _ = call.parts.symbols.several(call.parameters)
    rows = []
    for each in markets:
        rates = await call.services.trading.fees.rates(call.customer_id, each.id)
        maker, taker = fraction(rates.maker_ppm), fraction(rates.taker_ppm)
        rows.append({"symbol": symbol_of(each), "makerCommission": maker, "takerCommission": taker})
    return rows


async def order_rates(call: Call) -> list[dict[str, object]]:
    return limits.orders_used(*await call.parts.limits.orders(call.customer_id))


async def my_filters(call: Call) -> dict[str, Any]:
    """The same for everybody."""
    return {"exchangeFilters": [], "symbolFilters": filters(call.market()), "assetFilters": []}


async def prevented_matches(call: Call) -> list[dict[str, Any]]:
    """Of an order: those the engine told of lately. They move nothing and are not stored."""
    market = call.market()
    order_id = call.parameters.whole("orderId")
    if order_id is None and call.parameters.whole("preventedMatchId") is None:
        raise DialectError(
            -1102, "Param 'preventedMatchId' or 'orderId' must be sent, but both were empty/null!"
        )
    if order_id is None:
        return []
    try:
        order = await call.services.trading.desk.find(call.customer_id, OrderId(order_id))
    except UnknownOrder:
        return []
    if order.market.id != market.id:
        return []
    rows = []
    for report in call.services.trading.reports.of(order.id):
        if report.kind == "prevented":
            is_taker = report.role == "taker"
            rows.append(
                {
                    "symbol": symbol_of(market),
                    "preventedMatchId": report.sequence,
                    "takerOrderId": order.id if is_taker else report.other_order_id,
                    "makerSymbol": symbol_of(market),
                    "makerOrderId": report.other_order_id if is_taker else order.id,
                    "tradeGroupId": call.customer_id,
                    "selfTradePreventionMode": prevention_of(order),
                    "price": price(market, report.price),
                    "makerPreventedQuantity": size(market, report.lots),
                    "transactTime": report.time_us // 1000,
                }
            )
    return rows


async def nothing(_: Call) -> list[Any]:
    """What there is none of here."""
    return []


async def create_listen_key(call: Call) -> dict[str, str]:
    return {"listenKey": await call.parts.listen_keys.create(call.customer_id)}


async def keep_listen_key(call: Call) -> dict[str, str]:
    await call.parts.listen_keys.keep(call.customer_id, call.parameters.required("listenKey"))
    return {}


async def close_listen_key(call: Call) -> dict[str, str]:
    await call.parts.listen_keys.close(call.customer_id, call.parameters.required("listenKey"))
    return {}
