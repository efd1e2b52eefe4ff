"""Withdrawals signed and broadcast a second, alone and batched, and how soon after the approval.

`rialto bench withdrawals`: real nodes, PostgreSQL and Temporal; the processes of production.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import uvloop
from eth_account import Account
from sqlalchemy import Row, text

from bench.custody_stack import DURABILITY, CustodyStack, custody_stack, watch
from bench.report import BenchResult, percentile
from devstack.chain_funds import MINER_WALLET
from domain.ids import CustomerId
from domain.money import AssetCode
from storage import withdrawals
from storage.withdrawals import WithdrawalRequest
from workflows.start import Subject, start_withdrawal

COIN, ETHER = 10**8, 10**18
_UNITS = {"BTC": COIN // 1000, "ETH": ETHER // 100}
_GIFT = {"BTC": COIN // 100, "ETH": ETHER // 10}
SINGLE, BATCHED = 150, 200
CALM = 40
_CALM_PAUSE_SECONDS = 0.5
"""Two a second: latencies are those of withdrawals that need not queue behind others."""
_PATIENCE_SECONDS = 240.0

_OUT = text("""
    SELECT id, extract(epoch FROM approved_at) AS approved_at, txid FROM withdrawals
    WHERE id = ANY(:ids) AND status IN ('seen', 'done')
""")
_OPEN = text("SELECT count(*) FROM withdrawals WHERE id = ANY(:ids) AND status <> 'done'")


class Crowd:
    """Withdrawals asked for, and when a node was seen to have each."""

    def __init__(self, stack: CustodyStack, asset: str) -> None:
        self._stack = stack
        self.asset = asset
        self.ids: list[str] = []
        self.out: dict[str, tuple[float, float, str]] = {}
        """Approved at, out at (both by the clock on the wall), txid."""

    async def ask(self, customer: CustomerId, address: str) -> None:
        """As the API does: hold, commit, start the workflow."""
        wanted = WithdrawalRequest(
            customer, "bench", AssetCode(self.asset), _UNITS[self.asset], address
        )
        row = (await withdrawals.request(self._stack.ledger, wanted)).row
        self.ids.append(row.id)
        await start_withdrawal(self._stack.client, row.id, _subject(row))

    async def look(self) -> bool:
        """True: all of them are out."""
        async with self._stack.engine.connect() as connection:
            rows = (await connection.execute(_OUT, {"ids": self.ids})).all()
        now = time.time()
        for row in rows:
            self.out.setdefault(row.id, (float(row.approved_at), now, row.txid))
        return len(self.out) == len(self.ids)

    async def look_done(self) -> bool:
        async with self._stack.engine.connect() as connection:
            left = await connection.scalar(_OPEN, {"ids": self.ids})
        if left:
            await self._stack.mine()
        return not left

    def latencies(self) -> list[float]:
        """Milliseconds from the approval until a node had it."""
        return sorted(1000 * (out - approved) for approved, out, _ in self.out.values())

    @property
    def transactions(self) -> int:
        return len({txid for _, _, txid in self.out.values()})


async def payees(stack: CustodyStack, asset: str, number: int) -> list[str]:
    if asset == "ETH":
        return [str(Account.create().address) for _ in range(number)]
    wallet = stack.bitcoin.wallet(MINER_WALLET)
    return [str(await wallet.call("getnewaddress")) for _ in range(number)]


async def ready(stack: CustodyStack, asset: str, number: int) -> list[tuple[CustomerId, str]]:
    customers = await stack.customers(number)
    await stack.give(customers, asset, _GIFT[asset])
    return list(zip(customers, await payees(stack, asset, number), strict=True))


async def burst(stack: CustodyStack, asset: str, number: int) -> tuple[float, Crowd]:
    """All at once; out a second, from the first request to the last broadcast."""
    who = await ready(stack, asset, number)
    crowd = Crowd(stack, asset)
    began = time.time()
    await asyncio.gather(*(crowd.ask(*each) for each in who))
    await watch(_PATIENCE_SECONDS, crowd.look, f"all {asset} withdrawals broadcast")
    ended = max(out for _, out, _ in crowd.out.values())
    return number / (ended - began), crowd


async def calm(stack: CustodyStack, asset: str, number: int) -> Crowd:
    """One after the other at a fixed pace, whether or not the one before is out."""
    who = await ready(stack, asset, number)
    crowd = Crowd(stack, asset)
    asking: set[asyncio.Task[None]] = set()
    for each in who:
        asking.add(asyncio.create_task(crowd.ask(*each)))
        until = time.time() + _CALM_PAUSE_SECONDS
        while time.time() < until:
            await crowd.look()
            await asyncio.sleep(0.005)
    await asyncio.gather(*asking)
    await watch(_PATIENCE_SECONDS, crowd.look, f"{asset} withdrawals broadcast")
    return crowd


async def run() -> BenchResult:
    async with custody_stack() as stack:
        await make_room(stack)
        crowds: list[Crowd] = [await calm(stack, asset, 3) for asset in ("ETH", "BTC")]
        quiet = await calm(stack, "ETH", CALM)
        quiet_bitcoin = await calm(stack, "BTC", CALM)
        single_rate, single = await burst(stack, "ETH", SINGLE)
        batched_rate, batched = await burst(stack, "BTC", BATCHED)
        for crowd in (*crowds, quiet, quiet_bitcoin, single, batched):
            await watch(_PATIENCE_SECONDS, crowd.look_done, "withdrawals confirmed and posted")
        conservation = await stack.conservation()
    latencies = quiet.latencies()
    return BenchResult(
        "withdrawals",
        batched_rate,
        percentile(latencies, 0.5),
        percentile(latencies, 0.99),
        percentile(latencies, 0.999),
        DURABILITY,
        conservation,
        notes=[
            (
                f"throughput: {BATCHED} bitcoin withdrawals at once, paid by "
                f"{batched.transactions} transactions"
            ),
            f"single (Ethereum, a transaction each): {single_rate:.1f}/s of {SINGLE} at once",
            (
                f"latencies: approval to broadcast of {CALM} single withdrawals at "
                f"{1 / _CALM_PAUSE_SECONDS:g}/s; aim p99 < 2000 ms"
            ),
            _note(
                f"bitcoin at the same pace, in {quiet_bitcoin.transactions} batches", quiet_bitcoin
            ),
            _note("single, all at once", single),
            _note("batched, all at once", batched),
            "risk screening, holds, limits and the signer's own checks included",
        ],
    )


async def make_room(stack: CustodyStack) -> None:
    """The hourly breaker and review limits are for attackers, not for this."""
    await stack.set("UPDATE custody_assets SET hourly_units_max = 10 ^ 30")


def _note(what: str, crowd: Crowd) -> str:
    latencies = crowd.latencies()
    return (
        f"{what}: p50 {percentile(latencies, 0.5):.0f} ms, p99 {percentile(latencies, 0.99):.0f} ms"
    )


def _subject(row: Row[Any]) -> Subject:
    return Subject(row.status, row.asset, row.chain, row.customer_id, f"{row.units} units")


def main() -> None:
    print(json.dumps(uvloop.run(run()).as_json()))


if __name__ == "__main__":
    main()
