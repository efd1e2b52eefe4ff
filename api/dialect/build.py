"""Puts together what the dialect has of its own."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from valkey.asyncio import Valkey

from api.dialect.limits import Limits
from api.dialect.listen_keys import ListenKeys
from api.dialect.market_streams import MarketStreams
from api.dialect.parts import REPLAY_WINDOW_SECONDS, DialectParts
from api.dialect.symbols import Symbols
from api.exchange.market_data import MarketData
from api.exchange.market_history import MarketHistory
from api.exchange.recent import Recent
from api.exchange.replays import Replays
from api.socket.topics import Topics
from storage.catalog import Catalog
from storage.ledger import Ledger
from storage.order_search import OrderSearch


def build_dialect(
    *,
    catalog: Catalog,
    ledger: Ledger,
    valkey: Valkey,
    market_data: MarketData,
    history: MarketHistory,
    topics: Topics,
) -> DialectParts:
    symbols = Symbols(catalog)
    return DialectParts(
        symbols=symbols,
        limits=Limits(valkey),
        listen_keys=ListenKeys(valkey),
        search=OrderSearch(ledger.pool),
        replays=Replays(valkey, window_seconds=REPLAY_WINDOW_SECONDS / 2),
        streams=MarketStreams(symbols, market_data, history, topics),
        cancel_ids=Recent(seconds=60.0, size=100_000),
    )


def loops(parts: DialectParts) -> tuple[Coroutine[Any, Any, None], ...]:
    """To run in the background, for ever."""
    return parts.streams.run(), parts.streams.run_klines()
