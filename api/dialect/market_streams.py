"""Public streams: each message is made once, when somebody listens, raw and combined.

A stream is a topic, `(DIALECT, name, is_combined)`. Trades and best prices leave at once, the rest
every 100 ms or every second.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Iterable
from typing import Any

import msgspec

from api.dialect.depth_stream import DepthStream
from api.dialect.stream_words import (
    average_event,
    book_ticker,
    kline_event,
    mini_ticker,
    partial_depth,
    ticker,
    trade_events,
)
from api.dialect.symbols import Symbols, symbol_of
from api.exchange.book import Book
from api.exchange.market_data import MarketData
from api.exchange.market_history import MarketHistory
from api.socket.topics import Topics
from domain.market import Market, MarketId
from projections.candle import Interval
from streams.market_data import MarketUpdate

logger = logging.getLogger(__name__)

DIALECT = "dialect"
Topic = tuple[str, str, bool]
_FAST_SECONDS, _SLOW_SECONDS = 0.1, 1.0
_PARTS = (5, 10, 20)
_KLINE = re.compile(r"^([a-z0-9]+)@kline_([0-9]+[smhdwM])$")
ALL_MINI, ALL_TICKERS = "!miniTicker@arr", "!ticker@arr"
_encoder = msgspec.json.Encoder()


def topics_of(name: str) -> tuple[Topic, Topic]:
    return (DIALECT, name, False), (DIALECT, name, True)


class MarketStreams:
    def __init__(
        self, symbols: Symbols, market_data: MarketData, history: MarketHistory, topics: Topics
    ) -> None:
        self._symbols = symbols
        self._market_data = market_data
        self._history = history
        self._topics = topics
        self._best: dict[MarketId, tuple[Any, Any]] = {}
        self._traded: set[MarketId] = set()
        self._last_candle: dict[str, int] = {}
        self._depths = {
            market.id: DepthStream(market, market_data.book(market.id))
            for market in symbols.by_symbol.values()
        }
        market_data.listen(self._heard, self._reloaded)

    async def run(self) -> None:
        """Streams that have a beat; for ever."""
        beat = 0
        while True:
            await asyncio.sleep(_FAST_SECONDS)
            beat += 1
            is_slow = beat % round(_SLOW_SECONDS / _FAST_SECONDS) == 0
            for symbol, market in self._symbols.by_symbol.items():
                self._depth(symbol.lower(), market, is_slow=is_slow)
                if is_slow:
                    self._each_second(symbol.lower(), market)
            if is_slow:
                self._all_tickers()

    async def run_klines(self) -> None:
        """Candles, which are read from the store; for ever."""
        while True:
            await asyncio.sleep(_SLOW_SECONDS)
            for name in self._listened():
                match = _KLINE.match(name)
                if match is None or match[1].upper() not in self._symbols.by_symbol:
                    continue
                try:
                    await self._kline(name, self._symbols.market(match[1].upper()), match[2])
                except Exception as fault:  # noqa: BLE001 - the store may be away
                    logger.warning("no candles to send", extra={"fault": repr(fault)[:200]})

    def publish(self, name: str, payload: Any) -> None:
        raw, combined = topics_of(name)
        is_raw, is_combined = self._topics.has(raw), self._topics.has(combined)
        if not (is_raw or is_combined):
            return
        text = _encoder.encode(payload)
        if is_raw:
            self._topics.publish(raw, text)
        if is_combined:
            self._topics.publish(
                combined, b'{"stream":' + _encoder.encode(name) + b',"data":' + text + b"}"
            )

    def _has(self, name: str) -> bool:
        return any(self._topics.has(topic) for topic in topics_of(name))

    def _listened(self) -> Iterable[str]:
        return {
            topic[1]
            for topic in self._topics.with_listeners()
            if isinstance(topic, tuple) and topic[0] == DIALECT
        }

    def _heard(self, update: MarketUpdate) -> None:
        market = self._symbols.by_symbol[_symbol(update.market)]
        symbol = symbol_of(market).lower()
        self._depths[market.id].add(update.levels)
        self._tell_best(symbol, market)
        if not update.trades:
            return
        self._traded.add(market.id)
        names = f"{symbol}@trade", f"{symbol}@aggTrade"
        if any(self._has(name) for name in names):
            for trade in update.trades:
                one, aggregate = trade_events(market, trade)
                self.publish(names[0], one)
                self.publish(names[1], aggregate)

    def _tell_best(self, symbol: str, market: Market) -> None:
        book = self._market_data.book(market.id)
        best = (book.best_bid, book.best_ask)
        if self._best.get(market.id) != best:
            self._best[market.id] = best
            name = f"{symbol}@bookTicker"
            if self._has(name):
                self.publish(name, book_ticker(market, book))

    def _reloaded(self, book: Book) -> None:
        self._depths[MarketId(book.market)].start_again()

    def _depth(self, symbol: str, market: Market, *, is_slow: bool) -> None:
        stream = self._depths[market.id]
        names = [f"{symbol}@depth@100ms", *([f"{symbol}@depth"] if is_slow else [])]
        for name in names:
            event = stream.flush(is_slow=not name.endswith("ms"), is_wanted=self._has(name))
            if event is not None:
                self.publish(name, event)
        for count in _PARTS:
            for suffix in ("@100ms", "") if is_slow else ("@100ms",):
                name = f"{symbol}@depth{count}{suffix}"
                if self._has(name):
                    book = self._market_data.book(market.id)
                    self.publish(name, partial_depth(market, book, count))

    def _each_second(self, symbol: str, market: Market) -> None:
        day, book = self._history.day(market.id), self._market_data.book(market.id)
        if self._has(f"{symbol}@miniTicker"):
            self.publish(f"{symbol}@miniTicker", mini_ticker(market, day, book))
        if self._has(f"{symbol}@ticker"):
            self.publish(f"{symbol}@ticker", ticker(market, day, book))
        if self._has(f"{symbol}@avgPrice"):
            self.publish(f"{symbol}@avgPrice", average_event(market, self._history, book))

    def _all_tickers(self) -> None:
        """Only of those that traded since the last time."""
        traded, self._traded = self._traded, set()
        if not traded or not (self._has(ALL_MINI) or self._has(ALL_TICKERS)):
            return
        rows = []
        for market in self._symbols.by_symbol.values():
            if market.id in traded:
                day, book = self._history.day(market.id), self._market_data.book(market.id)
                rows.append((mini_ticker(market, day, book), ticker(market, day, book)))
        self.publish(ALL_MINI, [mini for mini, _ in rows])
        self.publish(ALL_TICKERS, [full for _, full in rows])

    async def _kline(self, name: str, market: Market, text: str) -> None:
        """The running candle; when it is a new one, first the end of the one before."""
        interval = Interval(text)
        now_ms = time.time_ns() // 1_000_000
        candles = await self._history.candles(
            market.id, interval, start_ms=None, end_ms=now_ms, limit=2
        )
        if not candles:
            return
        running = candles[-1]
        before = self._last_candle.get(name)
        if before is not None and len(candles) > 1 and candles[-2].open_at_ms == before:
            self.publish(name, kline_event(market, candles[-2], now_ms, is_final=True))
        self._last_candle[name] = running.open_at_ms
        self.publish(name, kline_event(market, running, now_ms, is_final=False))


def _symbol(market_id: str) -> str:
    return market_id.replace("-", "")
