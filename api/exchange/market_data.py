"""Books, trades and tickers of every market, followed from Valkey and kept in memory."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from api.exchange.book import Book, Gap
from domain.errors import Unavailable
from domain.market import MarketId
from streams.market_data import (
    BookSnapshot,
    MarketUpdate,
    book_key,
    decode,
    market_channel,
)

logger = logging.getLogger(__name__)

Listener = Callable[[MarketUpdate], None]
Reloaded = Callable[[Book], None]
_RELOAD_SECONDS = 0.05
_WAITING_MAX = 10_000


class MarketData:
    """Called by the subscriber with each message; tells its listeners what is news."""

    def __init__(self, valkey: Valkey, markets: Iterable[MarketId]) -> None:
        self._valkey = valkey
        self._books = {market: Book(market) for market in markets}
        self._by_channel = {market_channel(market): market for market in self._books}
        self._listeners: list[Listener] = []
        self._reload_listeners: list[Reloaded] = []
        self._waiting: dict[MarketId, deque[MarketUpdate]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def channels(self) -> list[str]:
        return list(self._by_channel)

    def listen(self, listener: Listener, on_reload: Reloaded | None = None) -> None:
        """Call `listener` with every update, after it was applied; `on_reload` after a gap."""
        self._listeners.append(listener)
        if on_reload is not None:
            self._reload_listeners.append(on_reload)

    def book(self, market: MarketId) -> Book:
        return self._books[market]

    def state(self, market: MarketId) -> str:
        return self._books[market].state

    def current_book(self, market: MarketId) -> Book:
        """The book, for showing. Raises Unavailable while a gap is being filled."""
        if self._waiting.get(market):
            raise Unavailable("the book is being read again; try in a moment", part="market data")
        return self._books[market]

    def owns(self, channel: str) -> bool:
        return channel in self._by_channel

    def handle(self, channel: str, message: bytes) -> None:
        market = self._by_channel[channel]
        update = decode(message)
        if not isinstance(update, MarketUpdate):
            return
        waiting = self._waiting.get(market)
        if waiting is not None:
            waiting.append(update)
            return
        try:
            self._apply(market, update)
        except Gap:
            self._reload(market, [update])

    async def reload_all(self) -> None:
        """Read every snapshot; what arrives meanwhile waits and is applied on top."""
        for market in self._books:
            if market not in self._waiting:
                self._reload(market, [])

    def _apply(self, market: MarketId, update: MarketUpdate) -> None:
        if self._books[market].apply(update):
            for listener in self._listeners:
                listener(update)

    def _reload(self, market: MarketId, updates: Iterable[MarketUpdate]) -> None:
        self._waiting[market] = deque(updates, maxlen=_WAITING_MAX)
        task = asyncio.create_task(self._reload_until_whole(market))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload_until_whole(self, market: MarketId) -> None:
        """A snapshot is a little older than the updates, so it may take more than one look."""
        while True:
            await self._load_snapshot(market)
            waiting = self._waiting[market]
            try:
                while waiting:
                    self._apply(market, waiting[0])
                    waiting.popleft()
            except Gap:
                await asyncio.sleep(_RELOAD_SECONDS)
                continue
            del self._waiting[market]
            return

    async def _load_snapshot(self, market: MarketId) -> None:
        book = self._books[market]
        try:
            text = await self._valkey.get(book_key(market))
        except (ValkeyError, OSError) as fault:
            logger.warning("no snapshot of a book", extra={"fault": str(fault)[:200]})
            return
        snapshot = decode(text) if text is not None else None
        if isinstance(snapshot, BookSnapshot) and snapshot.sequence > book.sequence:
            book.load(snapshot)
            for listener in self._reload_listeners:
                listener(book)
