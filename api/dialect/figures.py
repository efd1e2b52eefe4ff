"""What a market did between two moments, and how rows of tickers tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.dialect.numbers import notional, price, size
from api.dialect.symbols import symbol_of
from api.exchange.market_history import DayFigures, MarketHistory
from domain.market import Market
from projections.candle import Candle

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Figures:
    """What a market did between two moments, in ticks and lots."""

    market: Market
    open: int
    high: int
    low: int
    last: int
    lots: int
    notional: int
    start_ms: int
    end_ms: int
    first_id: int
    last_id: int
    count: int


def day_figures(day: DayFigures, market: Market) -> Figures:
    return Figures(
        market, day.open_ticks, day.high_ticks, day.low_ticks, day.last_ticks, day.lots,
        day.notional, day.from_ms, day.to_ms, day.first_id, day.last_id, day.trades,
    )  # fmt: skip


def figures_of(market: Market, candles: Sequence[Candle], start_ms: int, end_ms: int) -> Figures:
    traded = [each for each in candles if each.trades]
    if not traded:
        return Figures(market, 0, 0, 0, 0, 0, 0, start_ms, end_ms, -1, -1, 0)
    return Figures(
        market,
        traded[0].open_ticks,
        max(each.high_ticks for each in traded),
        min(each.low_ticks for each in traded),
        traded[-1].close_ticks,
        sum(each.lots for each in traded),
        sum(each.notional for each in traded),
        start_ms,
        end_ms,
        traded[0].trades[0][0],
        traded[-1].trades[-1][1],
        sum(each.trade_count for each in traded),
    )


def mini_row(figures: Figures) -> dict[str, Any]:
    market = figures.market
    return {
        "symbol": symbol_of(market),
        "openPrice": price(market, figures.open),
        "highPrice": price(market, figures.high),
        "lowPrice": price(market, figures.low),
        "lastPrice": price(market, figures.last),
        "volume": size(market, figures.lots),
        "quoteVolume": notional(market, figures.notional),
        "openTime": figures.start_ms,
        "closeTime": figures.end_ms,
        "firstId": figures.first_id,
        "lastId": figures.last_id,
        "count": figures.count,
    }


def window_row(figures: Figures) -> dict[str, Any]:
    market = figures.market
    average = figures.notional // figures.lots if figures.lots else 0
    return {
        **mini_row(figures),
        "priceChange": price(market, figures.last - figures.open),
        "priceChangePercent": percent(figures),
        "weightedAvgPrice": price(market, average),
    }


def percent(figures: Figures) -> str:
    """Three decimals; toward zero."""
    if not figures.open:
        return "0.000"
    change = figures.last - figures.open
    thousandths = abs(change) * 100_000 // figures.open
    sign = "-" if change < 0 and thousandths else ""
    return f"{sign}{thousandths // 1000}.{thousandths % 1000:03d}"


def average_ticks(history: MarketHistory, market: Market, at_ms: int) -> int:
    """The price of five minutes, weighted by size; 0 when nothing traded."""
    minutes = [history.minute(market.id, at_ms - back * _MINUTE_MS) for back in range(5)]
    candles = [each for each in minutes if each is not None and each.lots]
    lots = sum(each.lots for each in candles)
    return sum(each.notional for each in candles) // lots if lots else 0
