"""A market as exchangeInfo shows it: what may be ordered, and the filters an order must pass."""

from __future__ import annotations

from typing import Any

from api.dialect.numbers import ZERO, fixed, notional, price, size
from api.dialect.symbols import symbol_of
from domain.market import Market
from engine.rules import STEPS_MAX, Rules

_STATUSES = {
    "trading": "TRADING",
    "cancel_only": "CANCEL_ONLY",
    "halted": "HALT",
    "auction": "BREAK",
}
ORDER_TYPES = [
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]
PREVENTIONS = ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]
_ICEBERG_PARTS_MAX = 1_000_000
_OPEN_ORDERS_MAX = Rules().orders_max


def symbol_fields(market: Market, state: str) -> dict[str, Any]:
    return {
        "symbol": symbol_of(market),
        "status": _STATUSES.get(state, "HALT"),
        "baseAsset": market.base.code,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote.code,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(market),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": PREVENTIONS,
    }


def filters(market: Market) -> list[dict[str, Any]]:
    """The market's own rules in the dialect's words; all of them are enforced."""
    lots_max = min(market.lots_max, STEPS_MAX)
    ticks_max = min(market.price_ticks_max, STEPS_MAX)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": price(market, 1),
            "maxPrice": price(market, ticks_max),
            "tickSize": price(market, 1),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": size(market, 1),
            "maxQty": size(market, lots_max),
            "stepSize": size(market, 1),
        },
        {"filterType": "ICEBERG_PARTS", "limit": _ICEBERG_PARTS_MAX},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": ZERO,
            "maxQty": size(market, lots_max),
            "stepSize": ZERO,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": fixed(market.notional_min_units, market.quote.scale),
            "applyMinToMarket": True,
            "maxNotional": notional(market, lots_max * ticks_max),
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": _OPEN_ORDERS_MAX},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": _OPEN_ORDERS_MAX},
    ]
