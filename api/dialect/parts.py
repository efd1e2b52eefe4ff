"""What the dialect has of its own in a process of the API."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.dialect.limits import Limits
from api.dialect.listen_keys import ListenKeys
from api.dialect.market_streams import MarketStreams
from api.dialect.symbols import Symbols
from api.exchange.recent import Recent
from api.exchange.replays import Replays
from domain.market import MarketId
from storage.order_search import OrderSearch

RECV_WINDOW_MS_MAX = 60_000
REPLAY_WINDOW_SECONDS = RECV_WINDOW_MS_MAX / 1000 + 1
"""A signature is good for so long: the largest recvWindow, and a second for clocks ahead."""


@dataclass(frozen=True, slots=True)
class DialectParts:
    symbols: Symbols
    limits: Limits
    listen_keys: ListenKeys
    search: OrderSearch
    replays: Replays
    streams: MarketStreams
    cancel_ids: Recent[int, str]
    """How the caller named the cancel of an order, for the report of it."""
    births: dict[MarketId, int] = field(default_factory=dict)
    """When each market first traded, in milliseconds."""
