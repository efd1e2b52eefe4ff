"""Public market data over HTTP, without login: book, trades and markets, asked again and again.

`rialto bench market_data`: servers of its own, the load in a second process, all on this machine.
The market has a book and trades, which the same load as that of `orders` made.
"""

from __future__ import annotations

from dataclasses import asdict

from bench.report import BenchResult
from bench.trading_stack import share_of, trading_stack

PATHS = (
    "/v1/markets/BTC-USDT/book?depth=50",
    "/v1/markets/BTC-USDT/trades?limit=100",
    "/v1/markets",
)
"""The first is what throughput and latencies are of."""
CUSTOMERS = 10
CONNECTIONS = 64
SECONDS = 5.0


async def run(seconds: float = SECONDS) -> BenchResult:
    async with trading_stack() as trading:
        logins = [asdict(each) for each in await trading.customers(CUSTOMERS)]
        await trading.load(
            "bench.order_load", logins=logins, connections=16, seconds=4.0, rate=None, batch=20
        )
        await trading.settled()
        before = trading.processor_seconds()
        found = await trading.load(
            "bench.market_data_load", paths=PATHS, connections=CONNECTIONS, seconds=seconds
        )
        shares = share_of(trading.processor_seconds(), before, seconds * len(PATHS))
        conservation = await trading.conservation()
    book = found[PATHS[0]]
    p50, p99, p999 = book["took_ms"]
    notes = [
        f"{path}: {each['per_second']:.0f}/s of {each['bytes']} bytes, p50 {each['took_ms'][0]:.1f}"
        f" p99 {each['took_ms'][1]:.1f} p99.9 {each['took_ms'][2]:.1f} ms"
        for path, each in found.items()
    ]
    return BenchResult(
        "market_data",
        book["per_second"],
        p50,
        p99,
        p999,
        "not applicable: nothing is changed",
        conservation,
        notes=[*notes, f"{CONNECTIONS} connections; of one core: {shares}"],
    )
