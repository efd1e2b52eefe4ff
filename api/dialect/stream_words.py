"""The payloads of public streams."""

from __future__ import annotations

import time
from typing import Any

from api.dialect.figures import average_ticks, day_figures, percent
from api.dialect.numbers import ZERO, notional, price, size
from api.dialect.symbols import symbol_of
from api.exchange.book import Book
from api.exchange.market_history import DayFigures, MarketHistory
from domain.market import Market
from engine.events import BUY_AGGRESSOR
from projections.candle import Candle, next_open_at_ms
from streams.market_data import Trade

Payload = dict[str, Any]


def trade_events(market: Market, trade: Trade) -> tuple[Payload, Payload]:
    """The trade, and the same as an aggregate of one."""
    number, at_ms = trade.trade_id, trade.time_us // 1000
    common = {
        "p": price(market, trade.price),
        "q": size(market, trade.lots),
        "T": at_ms,
        "m": trade.aggressor != BUY_AGGRESSOR,
        "M": True,
    }
    head = {"E": now_ms(), "s": symbol_of(market)}
    return (
        {"e": "trade", **head, "t": number, **common},
        {"e": "aggTrade", **head, "a": number, "f": number, "l": number, **common},
    )


def book_ticker(market: Market, book: Book) -> Payload:
    """Without an `e`: clients tell it by its fields."""
    bid, ask = book.best_bid, book.best_ask
    return {
        "u": book.sequence,
        "s": symbol_of(market),
        "b": price(market, bid[0]) if bid else ZERO,
        "B": size(market, bid[1]) if bid else ZERO,
        "a": price(market, ask[0]) if ask else ZERO,
        "A": size(market, ask[1]) if ask else ZERO,
    }


def partial_depth(market: Market, book: Book, count: int) -> Payload:
    return {
        "lastUpdateId": book.sequence,
        "bids": [[price(market, p), size(market, lots)] for p, lots, _ in book.bids(count)],
        "asks": [[price(market, p), size(market, lots)] for p, lots, _ in book.asks(count)],
    }


def mini_ticker(market: Market, day: DayFigures, book: Book) -> Payload:
    return {
        "e": "24hrMiniTicker",
        "E": now_ms(),
        "s": symbol_of(market),
        "c": price(market, day.last_ticks or book.last_price),
        "o": price(market, day.open_ticks),
        "h": price(market, day.high_ticks),
        "l": price(market, day.low_ticks),
        "v": size(market, day.lots),
        "q": notional(market, day.notional),
    }


def ticker(market: Market, day: DayFigures, book: Book) -> Payload:
    best = book_ticker(market, book)
    average = day.notional // day.lots if day.lots else 0
    return {
        **mini_ticker(market, day, book),
        "e": "24hrTicker",
        "p": price(market, day.last_ticks - day.open_ticks),
        "P": percent(day_figures(day, market)),
        "w": price(market, average),
        "x": price(market, day.open_ticks),
        "Q": size(market, day.last_lots),
        **{name: best[name] for name in ("b", "B", "a", "A")},
        "O": day.from_ms,
        "C": day.to_ms,
        "F": day.first_id,
        "L": day.last_id,
        "n": day.trades,
    }


def average_event(market: Market, history: MarketHistory, book: Book) -> Payload:
    at_ms = now_ms()
    ticks = average_ticks(history, market, at_ms) or book.last_price
    return {
        "e": "avgPrice",
        "E": at_ms,
        "s": symbol_of(market),
        "i": "5m",
        "w": price(market, ticks),
        "T": at_ms,
    }


def kline_event(market: Market, candle: Candle, at_ms: int, *, is_final: bool) -> Payload:
    trades = candle.trades
    return {
        "e": "kline",
        "E": at_ms,
        "s": symbol_of(market),
        "k": {
            "t": candle.open_at_ms,
            "T": next_open_at_ms(candle.interval, candle.open_at_ms) - 1,
            "s": symbol_of(market),
            "i": candle.interval.value,
            "f": trades[0][0] if trades else -1,
            "L": trades[-1][1] if trades else -1,
            "o": price(market, candle.open_ticks),
            "c": price(market, candle.close_ticks),
            "h": price(market, candle.high_ticks),
            "l": price(market, candle.low_ticks),
            "v": size(market, candle.lots),
            "n": candle.trade_count,
            "x": is_final,
            "q": notional(market, candle.notional),
            "V": size(market, candle.taker_buy_lots),
            "Q": notional(market, candle.taker_buy_notional),
            "B": "0",
        },
    }


def now_ms() -> int:
    return time.time_ns() // 1_000_000
