"""Deposits credited a second, and how soon after its last confirmation a deposit is credited.

`rialto bench deposits`: real bitcoind, PostgreSQL and Temporal; the processes of production.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

import uvloop
from sqlalchemy import text

from api.wallet_service.desk import derivation
from bench.custody_stack import DURABILITY, CustodyStack, custody_stack, watch
from bench.report import BenchResult, percentile
from chains.bitcoin.network import network
from domain.ids import CustomerId
from storage.addresses import issue

AMOUNT = "0.001"
BURST = 1_000
_OUTPUTS = 100
"""Of one transaction of the burst."""
BLOCKS = 20
_PER_BLOCK = 5
"""A quiet exchange: latencies are those of deposits that need not queue behind others."""
_PATIENCE_SECONDS = 280.0

_CREDITED = text("""
    SELECT id, txid, height, customer_id FROM deposits
    WHERE chain = 'bitcoin' AND credited_units > 0 AND customer_id = ANY(:customers)
""")


async def addresses(stack: CustodyStack, customers: Sequence[CustomerId]) -> list[str]:
    async with stack.engine.begin() as connection:
        made = await issue(
            connection, "bitcoin", customers, derivation("bitcoin", network("regtest"))
        )
    return [each.address for each in made]


class Clock:
    """When each block was mined, and when each deposit's credit could be read."""

    def __init__(self, stack: CustodyStack, customers: Sequence[CustomerId]) -> None:
        self._stack = stack
        self._customers = list(customers)
        self.blocks: dict[int, float] = {}
        self.credits: dict[str, tuple[float, int]] = {}
        """Time and height by deposit."""

    async def mine(self) -> None:
        """One more block. Its time is from before it exists: latencies are never too short."""
        height = await self._stack.bitcoin.call("getblockcount")
        self.blocks[height + 1] = time.perf_counter()
        await self._stack.mine()

    async def look(self) -> bool:
        """True: everybody's deposit is credited."""
        async with self._stack.engine.connect() as connection:
            rows = (await connection.execute(_CREDITED, {"customers": self._customers})).all()
        now = time.perf_counter()
        for row in rows:
            self.credits.setdefault(row.id, (now, row.height))
        return len(self.credits) == len(self._customers)

    def latencies(self) -> list[float]:
        """Milliseconds from the confirmation that counts (the first) to the credit."""
        return sorted(1000 * (at - self.blocks[height]) for at, height in self.credits.values())


async def burst(stack: CustodyStack, size: int = BURST) -> tuple[float, list[float]]:
    """Many deposits in one block: credited a second until the last one, and all latencies."""
    customers = await stack.customers(size)
    payees = await addresses(stack, customers)
    clock = Clock(stack, customers)
    for start in range(0, size, _OUTPUTS):
        await stack.pay_many(dict.fromkeys(payees[start : start + _OUTPUTS], AMOUNT))
    await clock.mine()
    await watch(_PATIENCE_SECONDS, clock.look, "all of the burst credited")
    latencies = clock.latencies()
    first_block = min(clock.blocks[height] for _, height in clock.credits.values())
    last_credit = max(at for at, _ in clock.credits.values())
    return size / (last_credit - first_block), latencies


async def steady(stack: CustodyStack) -> list[float]:
    """A few deposits in each of many blocks; the next block is not waited for."""
    latencies: list[float] = []
    for _ in range(BLOCKS):
        customers = await stack.customers(_PER_BLOCK)
        clock = Clock(stack, customers)
        await stack.pay_many(dict.fromkeys(await addresses(stack, customers), AMOUNT))
        watching = asyncio.create_task(watch(_PATIENCE_SECONDS, clock.look, "a block's deposits"))
        await clock.mine()
        await watching
        latencies += clock.latencies()
    return sorted(latencies)


async def run() -> BenchResult:
    async with custody_stack() as stack:
        await steady_warm_up(stack)
        calm = await steady(stack)
        rate, crowded = await burst(stack)
        conservation = await stack.conservation()
    return BenchResult(
        "deposits",
        rate,
        percentile(calm, 0.5),
        percentile(calm, 0.99),
        percentile(calm, 0.999),
        DURABILITY,
        conservation,
        notes=[
            f"throughput: {BURST} deposits of as many customers in one block, to the last credit",
            (
                f"latencies: from before the last confirmation is mined to credit readable, of "
                f"{len(calm)} deposits, {_PER_BLOCK} a block; aim p99 < 1000 ms"
            ),
            (
                f"the same within the burst: p50 {percentile(crowded, 0.5):.0f} ms, "
                f"p99 {percentile(crowded, 0.99):.0f} ms"
            ),
            "real bitcoind, PostgreSQL with fsync, Temporal, KMS emulator; screening included",
        ],
    )


async def steady_warm_up(stack: CustodyStack) -> None:
    """Connections, caches and code are there when it counts."""
    for _ in range(2):
        [customer] = await stack.customers(1)
        clock = Clock(stack, [customer])
        await stack.pay_many(dict.fromkeys(await addresses(stack, [customer]), AMOUNT))
        await clock.mine()
        await watch(_PATIENCE_SECONDS, clock.look, "the first deposits")


def main() -> None:
    print(json.dumps(uvloop.run(run()).as_json()))


if __name__ == "__main__":
    main()
