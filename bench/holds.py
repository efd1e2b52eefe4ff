"""Orders held per second: order row, hold and command durable in one commit, then the next order.

`rialto bench holds`, or `python -m bench.holds`. Closed loops for throughput; then half of
that as an open loop, whose latencies count from when an order was due, so a stall is felt by
all behind it. RIALTO_BENCH_ENTRIES=1000000 fills the ledger first: what a hold costs must not
depend on its past.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence

import uvloop

from bench.filling import fill, wanted_entries
from bench.report import BenchResult, percentile
from bench.scratch import Cost, Scratch, measured, scratch_database
from compliance.tiers import Tier
from domain.ids import CustomerId
from domain.market import Side
from storage.catalog import LISTED
from storage.orders import NewOrder, Orders, PlacedOrder
from storage.trade_limits import TradeLimits

MARKET = LISTED[0]
CROWDS = (1, 64, 1000)
TIERS = {"none": None, "2": Tier.FULL, "3": Tier.ENHANCED}
TIER = TIERS[os.environ.get("RIALTO_BENCH_TIER", "2")]
"""Whose limits are checked with every order; `none`: nobody's, to see what the check costs."""
DURABILITY = "commit with fsync and synchronous_commit on; hold, order row and command together"


def order(customer: CustomerId) -> NewOrder:
    return NewOrder(
        customer_id=customer,
        market=MARKET,
        side=Side.BUY,
        kind="limit",
        price_ticks=6_000_000,
        lots=100,
    )


async def _place(orders: Orders, customer: CustomerId) -> None:
    [placed] = await orders.place([order(customer)])
    assert isinstance(placed, PlacedOrder), placed


async def closed_loop(
    orders: Orders, customers: Sequence[CustomerId], seconds: float
) -> list[float]:
    """Each customer places one order after the other; latencies in milliseconds."""
    latencies: list[float] = []
    deadline = time.perf_counter() + seconds

    async def customer_loop(customer: CustomerId) -> None:
        while (began := time.perf_counter()) < deadline:
            await _place(orders, customer)
            latencies.append(1000 * (time.perf_counter() - began))

    await asyncio.gather(*(customer_loop(customer) for customer in customers))
    return sorted(latencies)


async def open_loop(
    orders: Orders, customers: Sequence[CustomerId], rate: float, seconds: float
) -> list[float]:
    """`rate` orders a second, whether or not the ones before were answered."""
    latencies: list[float] = []
    tasks: set[asyncio.Task[None]] = set()
    began = time.perf_counter()

    async def one(due: float, customer: CustomerId) -> None:
        await _place(orders, customer)
        latencies.append(1000 * (time.perf_counter() - due))

    sent = 0
    while (now := time.perf_counter()) < began + seconds:
        while (due := began + sent / rate) <= now:
            task = asyncio.create_task(one(due, customers[sent % len(customers)]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    return sorted(latencies)


async def run(seconds: float = 5.0) -> BenchResult:
    async with scratch_database() as scratch:
        await fill(scratch, wanted_entries())
        orders = Orders(scratch.ledger, TradeLimits() if TIER is not None else None)
        customers = [CustomerId(1 + n) for n in range(max(CROWDS))]
        if TIER is not None:
            await scratch.register(customers, TIER)
        await scratch.fund(customers, "USDT")
        await closed_loop(orders, customers[:64], 1.0)
        await scratch.settle_down()
        notes, best = await _crowds(scratch, orders, customers, seconds)
        half = await open_loop(orders, customers, best / 2, seconds)
        notes.append(f"limits of tier: {'none checked' if TIER is None else int(TIER)}")
        notes.append(f"{wanted_entries()} entries in the ledger before")
        notes.append(f"latencies are those of an open loop of {best / 2:.0f} orders a second")
        await orders.close()
        conservation = await scratch.conservation()
    return BenchResult(
        "holds",
        best,
        percentile(half, 0.5),
        percentile(half, 0.99),
        percentile(half, 0.999),
        DURABILITY,
        conservation,
        notes=notes,
    )


async def _crowds(
    scratch: Scratch, orders: Orders, customers: Sequence[CustomerId], seconds: float
) -> tuple[list[str], float]:
    """Throughput for each size of crowd; the best counts."""
    notes, best = [], 0.0
    for name, crowd in (
        *((f"{size} customers", customers[:size]) for size in CROWDS),
        ("64 connections of one customer (a hot account)", [customers[0]] * 64),
    ):
        with measured(scratch) as cost:
            latencies = await closed_loop(orders, crowd, seconds)
        notes.append(_note(name, latencies, cost))
        best = max(best, len(latencies) / cost.seconds)
    return notes, best


def _note(name: str, latencies: Sequence[float], cost: Cost) -> str:
    count = len(latencies)
    return (
        f"{name}: {count / cost.seconds:.0f}/s, p50 {percentile(latencies, 0.5):.1f} ms, "
        f"p99 {percentile(latencies, 0.99):.1f} ms, p99.9 {percentile(latencies, 0.999):.1f} ms; "
        f"each {cost.per_operation(count)}"
    )


def main() -> None:
    print(json.dumps(uvloop.run(run()).as_json()))


if __name__ == "__main__":
    main()
