"""From a match in the engine to the last of 5,000 subscribers of the market's book.

`rialto bench websocket`: servers of its own, the subscribers in a second process. The engine's own
time of each match is read from the channel on which the shipper publishes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from valkey.asyncio import Valkey

from bench.report import BenchResult, percentile
from bench.trading_stack import TradingStack, share_of, trading_stack
from streams.market_data import MarketUpdate, decode, market_channel

MARKET = "BTC-USDT"
CROWDS = (1, 500, 5_000)
SECONDS = 10.0
MATCHES_PER_SECOND = 10.0
MESSAGES_PER_SECOND = 10_000.0
"""A match is two updates for each subscriber: for large crowds there are fewer matches, or a queue
would be measured.
"""


async def run(seconds: float = SECONDS) -> BenchResult:
    async with trading_stack() as trading:
        logins = [asdict(each) for each in await trading.customers(2)]
        notes: list[str] = []
        for crowd in CROWDS:
            found, last = await _crowd(trading, logins, crowd, seconds)
            notes.append(found)
        await trading.settled()
        conservation = await trading.conservation()
    return BenchResult(
        "websocket",
        2 * _rate(CROWDS[-1]) * CROWDS[-1],
        percentile(last, 0.5),
        percentile(last, 0.99),
        percentile(last, 0.999),
        "matches journaled with fsync before they are published",
        conservation,
        notes=notes,
    )


def _rate(subscribers: int) -> float:
    """Matches a second."""
    return min(MATCHES_PER_SECOND, MESSAGES_PER_SECOND / (2 * subscribers))


async def _crowd(
    trading: TradingStack, logins: list[dict[str, Any]], subscribers: int, seconds: float
) -> tuple[str, list[float]]:
    """A note, and the milliseconds from each match to the last subscriber."""
    before = trading.processor_seconds()
    async with _matches(trading) as matched:
        found = await trading.load(
            "bench.subscriber_load",
            logins=logins,
            subscribers=subscribers,
            rate=_rate(subscribers),
            seconds=seconds,
        )
    shares = share_of(trading.processor_seconds(), before, seconds)
    whole = {int(key): each for key, each in found["heard"].items() if each[0] == subscribers}
    first = sorted(1e3 * whole[each][1] - matched[each] / 1e3 for each in matched if each in whole)
    last = sorted(1e3 * whole[each][2] - matched[each] / 1e3 for each in matched if each in whole)
    note = (
        f"{subscribers} subscribers, {len(last)} matches heard by all of them: first after "
        f"p50 {percentile(first, 0.5):.1f} p99 {percentile(first, 0.99):.1f} ms, last after "
        f"p50 {percentile(last, 0.5):.1f} p99 {percentile(last, 0.99):.1f} ms; "
        f"{found['lost']} lost; of one core: {shares}"
    )
    return note, last


@asynccontextmanager
async def _matches(trading: TradingStack) -> AsyncIterator[dict[int, int]]:
    """The engine's time of every update with a trade, by sequence, while the block runs."""
    matched: dict[int, int] = {}
    # Nothing is published while thousands join: that is no fault of the server's.
    valkey = Valkey.from_url(trading.stack.env["RIALTO_VALKEY_URL"], socket_timeout=None)
    pubsub = valkey.pubsub()
    await pubsub.subscribe(market_channel(MARKET))

    async def listen() -> None:
        async for message in pubsub.listen():
            if message["type"] == "message":
                update = decode(message["data"])
                if isinstance(update, MarketUpdate) and update.trades:
                    matched[update.last_sequence] = update.time_us

    listening = asyncio.create_task(listen())
    yield matched
    assert not listening.done(), listening
    listening.cancel()
    await pubsub.aclose()
    await valkey.aclose()
