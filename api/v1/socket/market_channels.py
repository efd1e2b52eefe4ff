"""Public channels: each message is made once, when somebody listens, and sent to all who do.

Under load several updates become one: a book's changes wait for `_FLUSH_SECONDS` after the message
before, never longer, and a quiet market's change leaves at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

import msgspec

from api.exchange.book import Book
from api.exchange.market_data import MarketData
from api.exchange.market_history import MarketHistory
from api.fields import format_time_us
from api.socket.topics import Topics
from api.v1.market_words import AGGRESSORS, candle_fields, ticker_of
from api.v1.socket.messages import (
    BookSnapshotMessage,
    BookUpdateMessage,
    CandleMessage,
    OrderRowChange,
    OrdersUpdateMessage,
    TickerMessage,
    TradeRow,
    TradesMessage,
)
from domain.market import Market, MarketId
from projections.candle import Interval, next_open_at_ms
from storage.catalog import Catalog
from streams.market_data import LevelChange, MarketUpdate, Trade

_FLUSH_SECONDS = 0.005
_KEPT_UPDATES = 2_000
_TICK_SECONDS = 1.0

BOOK, BOOK_ORDERS, TRADES, TICKER, CANDLES = "book", "book_orders", "trades", "ticker", "candles"
LIVE_INTERVALS = (Interval.SECOND, Interval.MINUTE)
"""Candles that live trades alone make whole; longer ones are read by REST and joined by callers."""
_encoder = msgspec.json.Encoder()


class BookChannel:
    """The L2 deltas of one market."""

    def __init__(self, market: Market, book: Book, topics: Topics) -> None:
        self._market = market
        self._book = book
        self._topics = topics
        self._sequence = book.sequence
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._kept: deque[tuple[int, int, bytes]] = deque(maxlen=_KEPT_UPDATES)
        self._timer: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0

    def add(self, levels: list[LevelChange]) -> None:
        for is_buy, price, lots, _ in levels:
            (self._bids if is_buy else self._asks)[price] = lots
        if self._timer is None:
            loop = asyncio.get_running_loop()
            wait = self._flushed_at + _FLUSH_SECONDS - loop.time()
            if wait <= 0:
                self.flush()
            else:
                self._timer = loop.call_later(wait, self.flush)

    def flush(self) -> None:
        """Send what has gathered; afterwards channel and book are at the same sequence."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sequence == self._book.sequence:
            return
        message = self._update()
        self._kept.append((message.previous_sequence, message.sequence, _encoder.encode(message)))
        self._bids, self._asks = {}, {}
        self._sequence = self._book.sequence
        self._flushed_at = asyncio.get_running_loop().time()
        self._topics.publish((BOOK, self._market.id), self._kept[-1][2])

    def start_again(self) -> None:
        """After a gap: nothing kept can be continued from, so everybody gets a snapshot."""
        self._kept.clear()
        self._bids, self._asks = {}, {}
        self._sequence = self._book.sequence
        self._topics.publish((BOOK, self._market.id), _encoder.encode(self.snapshot()))

    def since(self, sequence: int) -> list[bytes] | None:
        """The messages after `sequence`; None when they are not kept any more."""
        if sequence == self._sequence:
            return []
        missed = [payload for previous, _, payload in self._kept if previous >= sequence]
        starts = next((previous for previous, _, _ in self._kept if previous >= sequence), None)
        return missed if starts == sequence else None

    def snapshot(self) -> BookSnapshotMessage:
        """Call after `flush`, so that the next update continues it."""
        market, book = self._market, self._book
        return BookSnapshotMessage(
            market=market.id,
            sequence=book.sequence,
            time=format_time_us(book.time_us),
            bids=[(market.format_price(p), market.format_size(lots)) for p, lots, _ in book.bids()],
            asks=[(market.format_price(p), market.format_size(lots)) for p, lots, _ in book.asks()],
            checksum=book.checksum,
        )

    def _update(self) -> BookUpdateMessage:
        market, book = self._market, self._book
        return BookUpdateMessage(
            market=market.id,
            previous_sequence=self._sequence,
            sequence=book.sequence,
            time=format_time_us(book.time_us),
            bids=[(market.format_price(p), market.format_size(n)) for p, n in self._bids.items()],
            asks=[(market.format_price(p), market.format_size(n)) for p, n in self._asks.items()],
            checksum=book.checksum,
        )


class MarketChannels:
    def __init__(
        self, catalog: Catalog, market_data: MarketData, history: MarketHistory, topics: Topics
    ) -> None:
        self._catalog = catalog
        self._market_data = market_data
        self._history = history
        self._topics = topics
        self._traded: set[MarketId] = set()
        self._books = {
            market.id: BookChannel(market, market_data.book(market.id), topics)
            for market in catalog.markets.values()
        }
        market_data.listen(self._heard, self._reloaded)

    def book(self, market: MarketId) -> BookChannel:
        channel = self._books[market]
        channel.flush()
        return channel

    def ticker(self, market: Market) -> TickerMessage:
        figures = self._history.day(market.id)
        return TickerMessage(ticker_of(market, figures, self._market_data.book(market.id)))

    async def run(self) -> None:
        """Tickers and candles, once a second; for ever."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for market in self._catalog.markets.values():
                self._tick(market)

    def _heard(self, update: MarketUpdate) -> None:
        market = self._catalog.market(update.market)
        self._books[market.id].add(update.levels)
        if update.orders and self._topics.has((BOOK_ORDERS, market.id)):
            self._publish((BOOK_ORDERS, market.id), _orders_update(market, update))
        if update.trades:
            self._traded.add(market.id)
            if self._topics.has((TRADES, market.id)):
                rows = [trade_row(market, trade) for trade in update.trades]
                self._publish((TRADES, market.id), TradesMessage(market.id, rows))

    def _reloaded(self, book: Book) -> None:
        self._books[MarketId(book.market)].start_again()

    def _tick(self, market: Market) -> None:
        if self._topics.has((TICKER, market.id)):
            self._publish((TICKER, market.id), self.ticker(market))
        for interval in LIVE_INTERVALS:
            if self._topics.has((CANDLES, market.id, interval)):
                self._candle(market, interval)

    def _candle(self, market: Market, interval: Interval) -> None:
        now_ms = time.time_ns() // 1_000_000
        candle = self._history.running(market.id, interval, now_ms - 1000)
        if candle is None:
            return
        message = CandleMessage(
            market=market.id,
            interval=interval.value,
            candle=candle_fields(market, candle),
            is_final=next_open_at_ms(interval, candle.open_at_ms) <= now_ms,
        )
        self._publish((CANDLES, market.id, interval), message)

    def _publish(self, topic: tuple[str, ...], message: msgspec.Struct) -> None:
        self._topics.publish(topic, _encoder.encode(message))


def trade_row(market: Market, trade: Trade) -> TradeRow:
    return TradeRow(
        id=str(trade.trade_id),
        price=market.format_price(trade.price),
        size=market.format_size(trade.lots),
        taker_side=AGGRESSORS[trade.aggressor],
        time=format_time_us(trade.time_us),
    )


def _orders_update(market: Market, update: MarketUpdate) -> OrdersUpdateMessage:
    return OrdersUpdateMessage(
        market=market.id,
        previous_sequence=update.previous_sequence,
        sequence=update.last_sequence,
        changes=[
            OrderRowChange(
                sequence=sequence,
                order=str(order_id),
                side="buy" if is_buy else "sell",
                price=market.format_price(price),
                size=market.format_size(lots),
            )
            for sequence, order_id, is_buy, price, lots in update.orders
        ],
    )
