"""Tickers, candles: the last day, any window, and the best prices."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from api.dialect import errors
from api.dialect.call import Call
from api.dialect.errors import DialectError
from api.dialect.figures import (
    Figures,
    average_ticks,
    day_figures,
    figures_of,
    mini_row,
    window_row,
)
from api.dialect.market_data import now_ms
from api.dialect.numbers import ZERO, milliseconds, notional, price, size
from api.dialect.symbols import symbol_of
from api.exchange.book import Book
from api.exchange.market_history import CANDLES_MAX, DAY_MS
from domain.market import Market
from projections.candle import LENGTH_MS, Candle, Interval, next_open_at_ms, open_at_ms

ROWS = 500
_MINUTE_MS = 60_000
_WINDOW = re.compile(r"^([1-9][0-9]?)([mhd])$")
_WINDOW_MAX = {"m": 59, "h": 23, "d": 7}
_WINDOW_MS = {"m": _MINUTE_MS, "h": 60 * _MINUTE_MS, "d": DAY_MS}
_WINDOW_CANDLES = {"m": Interval.MINUTE, "h": Interval.MINUTE_5, "d": Interval.MINUTE_15}
INTERVALS = {each.value: each for each in Interval}
_UTC = {"0", "+0", "-0", "00:00", "0:00", "+00:00", "-00:00", "+0:00", "-0:00"}


async def klines(call: Call) -> list[list[Any]]:
    market = call.market()
    call.parameters.required("interval")
    interval = INTERVALS.get(call.parameters["interval"])
    if interval is None:
        raise DialectError(-1120, "Invalid interval.")
    if call.parameters.get("timeZone", "0") not in _UTC:
        raise errors.invalid("timeZone")
    start, end = call.milliseconds("startTime"), call.milliseconds("endTime")
    if start is not None:
        start = max(start, await _birth(call, market, interval))
    limit = call.parameters.limit(ROWS, CANDLES_MAX)
    found = await call.services.trading.history.candles(
        market.id, interval, start_ms=start, end_ms=now_ms() if end is None else end, limit=limit
    )
    await _say_lag(call)
    return [kline_row(market, each) for each in found if end is None or each.open_at_ms <= end]


async def _birth(call: Call, market: Market, interval: Interval) -> int:
    """The start of the market's first candle: who asks from 1970 on means from there."""
    births = call.parts.births
    if market.id not in births:
        moment = await call.parts.search.first_traded_at(market.id)
        if moment is None:
            trades = call.services.trading.market_data.book(market.id).trades
            return open_at_ms(interval, trades[0].time_us // 1000 if trades else now_ms())
        births[market.id] = milliseconds(moment)
    return open_at_ms(interval, births[market.id])


def kline_row(market: Market, candle: Candle) -> list[Any]:
    return [
        candle.open_at_ms,
        price(market, candle.open_ticks),
        price(market, candle.high_ticks),
        price(market, candle.low_ticks),
        price(market, candle.close_ticks),
        size(market, candle.lots),
        next_open_at_ms(candle.interval, candle.open_at_ms) - 1,
        notional(market, candle.notional),
        candle.trade_count,
        size(market, candle.taker_buy_lots),
        notional(market, candle.taker_buy_notional),
        "0",
    ]


async def ticker_day(call: Call) -> Any:
    """The last 24 hours."""

    def row(market: Market) -> dict[str, Any]:
        figures = day_figures(call.services.trading.history.day(market.id), market)
        book = call.services.trading.market_data.book(market.id)
        return mini_row(figures) if is_mini else day_row(figures, book, last_lots(call, market))

    is_mini = _is_mini(call)
    await _say_lag(call)
    return _each(call, row)


async def ticker_window(call: Call) -> Any:
    """A window of any size, to the minute."""
    text = call.parameters.get("windowSize", "1d")
    match = _WINDOW.match(text)
    if match is None or int(match[1]) > _WINDOW_MAX[match[2]]:
        raise errors.invalid("windowSize")
    length_ms, interval = int(match[1]) * _WINDOW_MS[match[2]], _WINDOW_CANDLES[match[2]]
    return await _of_candles(call, interval, now_ms() - length_ms)


async def ticker_trading_day(call: Call) -> Any:
    """Since midnight UTC."""
    return await _of_candles(call, Interval.MINUTE_5, open_at_ms(Interval.DAY, now_ms()))


async def _of_candles(call: Call, interval: Interval, start_ms: int) -> Any:
    if "symbol" not in call.parameters and "symbols" not in call.parameters:
        raise DialectError(
            -1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!"
        )
    is_mini, end_ms = _is_mini(call), now_ms()
    markets, alone = call.parts.symbols.several(call.parameters)
    rows = []
    for market in markets:
        candles = await call.services.trading.history.candles(
            market.id,
            interval,
            start_ms=max(start_ms, await _birth(call, market, interval)),
            end_ms=end_ms,
            limit=min(CANDLES_MAX, (end_ms - start_ms) // LENGTH_MS[interval] + 1),
        )
        figures = figures_of(market, candles, start_ms, end_ms)
        rows.append(mini_row(figures) if is_mini else window_row(figures))
    await _say_lag(call)
    return rows[0] if alone else rows


async def _say_lag(call: Call) -> None:
    """In a header: Binance's answers have no place for how late their candles may be."""
    call.headers |= await call.services.search.explorer.lag.headers()


async def average_price(call: Call) -> dict[str, Any]:
    market, end_ms = call.market(), now_ms()
    await _say_lag(call)
    ticks = average_ticks(call.services.trading.history, market, end_ms)
    ticks = ticks or call.services.trading.market_data.book(market.id).last_price
    return {"mins": 5, "price": price(market, ticks), "closeTime": end_ms}


async def ticker_price(call: Call) -> Any:
    def row(market: Market) -> dict[str, Any]:
        last = call.services.trading.market_data.book(market.id).last_price
        return {"symbol": symbol_of(market), "price": price(market, last)}

    return _each(call, row)


async def ticker_book(call: Call) -> Any:
    def row(market: Market) -> dict[str, Any]:
        book = call.services.trading.market_data.book(market.id)
        return {"symbol": symbol_of(market), **_best(market, book)}

    return _each(call, row)


def _each(call: Call, row: Callable[[Market], dict[str, Any]]) -> Any:
    markets, alone = call.parts.symbols.several(call.parameters)
    return row(markets[0]) if alone else [row(market) for market in markets]


def _is_mini(call: Call) -> bool:
    return call.parameters.choice("type", {"FULL": "full", "MINI": "mini"}) == "mini"


def last_lots(call: Call, market: Market) -> int:
    trades = call.services.trading.market_data.book(market.id).trades
    return trades[-1].lots if trades else 0


def day_row(figures: Figures, book: Book, lots: int) -> dict[str, Any]:
    return {
        **window_row(figures),
        "prevClosePrice": price(figures.market, figures.open),
        "lastQty": size(figures.market, lots),
        **_best(figures.market, book),
    }


def _best(market: Market, book: Book) -> dict[str, str]:
    bid, ask = book.best_bid, book.best_ask
    return {
        "bidPrice": price(market, bid[0]) if bid else ZERO,
        "bidQty": size(market, bid[1]) if bid else ZERO,
        "askPrice": price(market, ask[0]) if ask else ZERO,
        "askQty": size(market, ask[1]) if ask else ZERO,
    }
