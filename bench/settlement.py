"""Trades settled per second: legs, fees, remainders, order rows, cursor, all in one commit a run.

`rialto bench settlement`, or `python -m bench.settlement`. The orders are placed before anything is
measured; then runs of 500 trades are settled, one after another as a market's are, and all markets
beside each other. RIALTO_BENCH_ENTRIES=1000000 fills the ledger first: what settling costs must
not depend on its past.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import uvloop

from bench.filling import fill, wanted_entries
from bench.report import BenchResult, percentile
from bench.scratch import Cost, Scratch, measured, scratch_database
from domain.ids import CustomerId, OrderId
from domain.market import Market, Side
from engine import events
from ledger.settlement import SettlementBatch
from storage.catalog import LISTED
from storage.orders import NewOrder, Orders, PlacedOrder
from storage.settlement import Settlements

CROWDS = (1, 64, 1000)
RUN_TRADES = 500
RUNS = 10
"""Of each market, for each crowd."""
LOTS = 100
PRICE_TICKS = 1_000_000
DURABILITY = "one commit for a run of 500 trades, with fsync and synchronous_commit on"


@dataclass
class Tape:
    """A market's trades, numbered as its engine would."""

    market: Market
    sequence: int = 1
    trade: int = 1

    def batches(
        self, makers: Sequence[PlacedOrder], takers: Sequence[PlacedOrder], owners: Owners
    ) -> Iterator[SettlementBatch]:
        for start in range(0, len(makers), RUN_TRADES):
            first = self.sequence
            numbered = [
                self._filled(makers[n].order_id, takers[n].order_id, owners[n])
                for n in range(start, start + RUN_TRADES)
            ]
            text = msgspec.json.encode(numbered).decode()
            yield SettlementBatch(self.market.id, 1, first, self.sequence - 1, text)

    def _filled(self, maker: OrderId, taker: OrderId, owners: tuple[int, int]) -> tuple[int, ...]:
        event = (
            self.sequence, 1_700_000_000_000_000 + self.sequence, events.FILLED, self.trade,
            PRICE_TICKS, LOTS, maker, owners[0], 0, taker, owners[1], 0, events.BUY_AGGRESSOR,
        )  # fmt: skip
        self.sequence += 1
        self.trade += 1
        return event


Owners = Sequence[tuple[CustomerId, CustomerId]]
"""Maker, who sells, and taker of each trade."""


def pairs(customers: Sequence[CustomerId], count: int) -> Owners:
    """Everybody sells to the next one."""
    many = len(customers)
    return [(customers[n % many], customers[(n + 1) % many]) for n in range(count)]


async def placed(
    orders: Orders, market: Market, side: Side, owners: Sequence[CustomerId]
) -> list[PlacedOrder]:
    """An order of each owner, in their order."""
    found: list[PlacedOrder] = []
    for start in range(0, len(owners), 2_000):
        new = [
            NewOrder(
                customer_id=owner, market=market, side=side, kind="limit",
                price_ticks=PRICE_TICKS, lots=LOTS,
            )
            for owner in owners[start : start + 2_000]
        ]  # fmt: skip
        found += [each for each in await orders.place(new) if isinstance(each, PlacedOrder)]
    assert len(found) == len(owners)
    return found


async def prepared(orders: Orders, tape: Tape, owners: Owners) -> list[SettlementBatch]:
    makers = await placed(orders, tape.market, Side.SELL, [maker for maker, _ in owners])
    takers = await placed(orders, tape.market, Side.BUY, [taker for _, taker in owners])
    return list(tape.batches(makers, takers, owners))


async def settled(settlements: Settlements, batches: Sequence[SettlementBatch]) -> list[float]:
    """Settle one market's runs in order; milliseconds of each."""
    latencies = []
    for batch in batches:
        began = time.perf_counter()
        done = await settlements.settle(batch)
        assert done.trades == RUN_TRADES
        latencies.append(1000 * (time.perf_counter() - began))
    return latencies


async def run(runs: int = RUNS) -> BenchResult:
    async with scratch_database() as scratch:
        await fill(scratch, wanted_entries())
        orders, settlements = Orders(scratch.ledger), scratch.settlements()
        customers = [CustomerId(1 + n) for n in range(max(CROWDS) + 1)]
        await scratch.fund(customers, "BTC", "ETH", "USDT")
        tapes = [Tape(market) for market in LISTED]
        count = runs * RUN_TRADES
        notes = [f"{wanted_entries()} entries in the ledger before"]
        best: tuple[float, list[float]] = (0.0, [])
        for name, owners in _casts(customers, count):
            first = await prepared(orders, tapes[0], owners)
            rate, latencies, note = await _measure(scratch, settlements, [first])
            notes.append(f"{name}, one market: {note}")
            best = max(best, (rate, latencies))
        together = [await prepared(orders, tape, pairs(customers, count)) for tape in tapes]
        rate, latencies, note = await _measure(scratch, settlements, together)
        notes.append(f"1000 customers, {len(tapes)} markets beside each other: {note}")
        rate, latencies = max(best, (rate, latencies))
        await orders.close()
        conservation = await scratch.conservation()
    notes.append("latencies are those of a run of 500 trades")
    return BenchResult(
        "settlement",
        rate,
        percentile(latencies, 0.5),
        percentile(latencies, 0.99),
        percentile(latencies, 0.999),
        DURABILITY,
        conservation,
        notes=notes,
    )


def _casts(customers: Sequence[CustomerId], count: int) -> Iterator[tuple[str, Owners]]:
    for crowd in CROWDS:
        yield f"{crowd} customers", pairs(customers[: crowd + 1], count)
    hot = customers[0]
    others = customers[1:]
    yield (
        "a market maker in every trade (a hot account)",
        [(hot, others[n % len(others)]) for n in range(count)],
    )


async def _measure(
    scratch: Scratch, settlements: Settlements, flows: Sequence[Sequence[SettlementBatch]]
) -> tuple[float, list[float], str]:
    await scratch.settle_down()
    with measured(scratch) as cost:
        done = await asyncio.gather(*(settled(settlements, flow) for flow in flows))
    latencies = sorted(latency for each in done for latency in each)
    trades = RUN_TRADES * len(latencies)
    return trades / cost.seconds, latencies, _note(trades, latencies, cost)


def _note(trades: int, latencies: Sequence[float], cost: Cost) -> str:
    return (
        f"{trades / cost.seconds:.0f} trades/s, a run takes p50 {percentile(latencies, 0.5):.0f} "
        f"ms, p99 {percentile(latencies, 0.99):.0f} ms; each trade {cost.per_operation(trades)}"
    )


def main() -> None:
    print(json.dumps(uvloop.run(run()).as_json()))


if __name__ == "__main__":
    main()
