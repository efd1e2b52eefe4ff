"""Orders a second through the whole of it: HTTP, ledger, queue, engine, fill report by WebSocket.

`rialto bench orders`: servers of its own, the load in a second process, all on this machine.
Closed loops for throughput; then half of that as an open loop, whose latencies count from when an
order was due. Acknowledged means held in the ledger and durably queued.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.report import BenchResult
from bench.trading_stack import DURABILITY, TradingStack, share_of, trading_stack

CUSTOMERS = 50
CROWDS = (16, 64, 256)
BATCHES = ((4, 20), (16, 20), (2, 100), (16, 100))
"""Connections, and orders in each of their requests; a hundred is what the API takes."""
SECONDS = 8.0
_WARM_SECONDS = 3.0
_OPEN_CONNECTIONS = 256


async def run(seconds: float = SECONDS) -> BenchResult:
    async with trading_stack() as trading:
        logins = [asdict(each) for each in await trading.customers(CUSTOMERS)]
        await _load(trading, logins, CROWDS[0], _WARM_SECONDS)
        notes, best = [], 0.0
        for crowd in CROWDS:
            found, note = await _load(trading, logins, crowd, seconds)
            notes.append(f"{crowd} connections: {note}")
            best = max(best, found["per_second"])
        for crowd, batch in BATCHES:
            _, note = await _load(trading, logins, crowd, seconds, batch=batch)
            notes.append(f"{crowd} connections, {batch} orders in each request: {note}")
        await trading.settled()  # What the crowds left behind is not this load's.
        half, note = await _load(trading, logins, _OPEN_CONNECTIONS, seconds, best / 2)
        notes.append(f"open loop of {best / 2:.0f}/s, which the latencies are of: {note}")
        notes.append(f"settled {await trading.settled():.0f} s after the last order")
        conservation = await trading.conservation()
    acknowledged = half["acknowledged_ms"]
    return BenchResult(
        "orders",
        best,
        acknowledged["p50"],
        acknowledged["p99"],
        acknowledged["p999"],
        DURABILITY,
        conservation,
        notes=notes,
    )


async def _load(
    trading: TradingStack,
    logins: list[dict[str, Any]],
    connections: int,
    seconds: float,
    rate: float | None = None,
    batch: int = 1,
) -> tuple[dict[str, Any], str]:
    before = trading.processor_seconds()
    found = await trading.load(
        "bench.order_load",
        logins=logins,
        connections=connections,
        seconds=seconds,
        rate=rate,
        batch=batch,
    )
    shares = share_of(trading.processor_seconds(), before, found["seconds"])
    load = f"load {100 * found['processor'] / found['seconds']:.0f} %"
    return found, (
        f"{found['per_second']:.0f}/s, acknowledged {_told(found['acknowledged_ms'])}, "
        f"{found['fills']} fills as taker reported {_told(found['filled_ms'])}, "
        f"refused {found['refused'] or 'none'}; of one core: {shares}, {load}"
    )


def _told(shares: dict[str, float]) -> str:
    return "p50 {p50:.1f} p99 {p99:.1f} p99.9 {p999:.1f} ms".format(**shares)
