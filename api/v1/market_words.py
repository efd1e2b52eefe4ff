"""Tickers and candles in the words of the product API, for REST and for the WebSocket."""

from __future__ import annotations

from typing import Any

from api.exchange.book import Book
from api.exchange.market_history import DayFigures
from api.fields import format_time_us
from domain.market import Market
from domain.money import format_units
from engine.events import BUY_AGGRESSOR, NO_AGGRESSOR, SELL_AGGRESSOR
from projections.candle import Candle

AGGRESSORS = {BUY_AGGRESSOR: "buy", SELL_AGGRESSOR: "sell", NO_AGGRESSOR: None}


def ticker_of(market: Market, figures: DayFigures, book: Book) -> dict[str, Any]:
    traded = figures.trades > 0
    bid, ask = book.best_bid, book.best_ask
    last = figures.last_ticks or book.last_price
    return {
        "market": market.id,
        "last": market.format_price(last) if last else None,
        "open": market.format_price(figures.open_ticks) if traded else None,
        "high": market.format_price(figures.high_ticks) if traded else None,
        "low": market.format_price(figures.low_ticks) if traded else None,
        "volume": market.format_size(figures.lots),
        "quote_volume": quote_amount(market, figures.notional),
        "trades": figures.trades,
        "bid": market.format_price(bid[0]) if bid else None,
        "bid_size": market.format_size(bid[1]) if bid else None,
        "ask": market.format_price(ask[0]) if ask else None,
        "ask_size": market.format_size(ask[1]) if ask else None,
        "time": format_time_us(figures.to_ms * 1000),
    }


def candle_fields(market: Market, candle: Candle) -> dict[str, Any]:
    return {
        "time": format_time_us(candle.open_at_ms * 1000),
        "open": market.format_price(candle.open_ticks),
        "high": market.format_price(candle.high_ticks),
        "low": market.format_price(candle.low_ticks),
        "close": market.format_price(candle.close_ticks),
        "volume": market.format_size(candle.lots),
        "quote_volume": quote_amount(market, candle.notional),
        "trades": candle.trade_count,
    }


def quote_amount(market: Market, notional: int) -> str:
    """Ticks x lots as a decimal of the quote asset."""
    return format_units(notional * market.quote_units_per_tick_lot, market.quote.scale)
