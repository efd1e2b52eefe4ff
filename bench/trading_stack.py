"""Trading on servers of its own: API, engine, shipper, relay and settlement, with customers."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.processors import processor_seconds
from bench.raw_http import Login
from compliance.tiers import Tier
from devstack.rented import Database, RentedStack, elsewhere
from domain.ids import CustomerId, EntryId
from domain.money import AssetCode
from ledger.account import AccountKind, available, house
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage.audit import audit_ledger
from storage.audit_chain import verify_chain
from storage.customers import set_kyc_tier
from storage.engine import create_engine
from storage.ledger import Ledger
from streams.aws import pointed_at

PROCESSES = ("api", "matching_engine", "shipper", "order_relay", "workflow_worker")
DURABILITY = (
    "PostgreSQL commit with fsync (hold, order row and command together), then in the SQS queue; "
    "matched means journaled with fsync"
)
_RICH = 10**30
_PASSWORD = "a password of the load"
_SETTLED_SECONDS = 180.0


@dataclass
class TradingStack:
    stack: RentedStack
    engine: AsyncEngine
    ledger: Ledger

    @property
    def port(self) -> int:
        return self.stack.port("api")

    async def customers(self, number: int) -> list[Login]:
        """Registered and logged in through the API, rich, each with a key to trade with."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=60) as http:
            return [await self._customer(http, each) for each in range(number)]

    async def _customer(self, http: httpx.AsyncClient, number: int) -> Login:
        credentials = {"email": f"load{number}@example.com", "password": _PASSWORD}
        await _asked(http, "/v1/registrations", credentials)
        session = await _asked(http, "/v1/sessions", credentials)
        key = await _asked(
            http,
            "/v1/api-keys",
            {"label": "load", "scopes": ["read", "trade"]},
            Authorization=f"Bearer {session['token']}",
        )
        customer = CustomerId(int(session["customer_id"]))
        await self._lift_limits(customer)
        for asset in ("BTC", "USDT"):
            await self._give(customer, AssetCode(asset))
        return Login(customer, key["id"], key["secret"], session["token"])

    async def _lift_limits(self, customer: CustomerId) -> None:
        """As for verified institutions: benchmarks trade more than a person may."""
        async with self.engine.begin() as connection:
            await set_kyc_tier(connection, customer, Tier.ENHANCED)

    async def _give(self, customer: CustomerId, asset: AssetCode) -> None:
        capital = house(AccountKind.DEPOSIT_WALLET, asset)
        transfer = Transfer(capital, available(customer, asset), _RICH)
        entry_id = EntryId(f"bench:{asset}:{customer}")
        await self.ledger.post(
            JournalEntry(entry_id, EntryReason.DEPOSIT, "benchmark", (transfer,))
        )

    async def load(self, module: str, **arguments: Any) -> Any:
        """Run `python -m module` beside us with these arguments; what it prints."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate(json.dumps({"port": self.port, **arguments}).encode())
        assert process.returncode == 0, f"{module} failed"
        return json.loads(out)

    def processor_seconds(self) -> dict[str, float]:
        """Of each process of the stack so far; PostgreSQL with its children."""
        return processor_seconds(self.stack, (*PROCESSES, "postgres", "roto", "valkey", "temporal"))

    async def settled(self) -> float:
        """Seconds until settlement has caught up with the engine: nothing is being posted."""
        began = time.perf_counter()
        before = -1
        while time.perf_counter() - began < _SETTLED_SECONDS:
            async with self.engine.connect() as connection:
                found = (await connection.execute(text(_STATE))).one()
            if found.unsent == 0 and found.settled == before:
                return time.perf_counter() - began
            before = found.settled
            await asyncio.sleep(2.0)
        return time.perf_counter() - began

    async def conservation(self) -> str:
        """`ok`, or the first finding of the audit and of the whole hash chain."""
        findings = [*await audit_ledger(self.engine), *(await verify_chain(self.engine)).findings]
        return str(findings[0]) if findings else "ok"


_STATE = """
    SELECT (SELECT count(*) FROM order_commands WHERE sent_at IS NULL) AS unsent,
           (SELECT coalesce(sum(next_sequence), 0) FROM settlement_cursors) AS settled
"""


@asynccontextmanager
async def trading_stack() -> AsyncIterator[TradingStack]:
    stack = await asyncio.to_thread(_rent)
    try:
        async with AsyncExitStack() as closing:
            closing.enter_context(pointed_at(stack.env))
            engine = create_engine(Database(stack.site, "rialto").worker)
            closing.push_async_callback(engine.dispose)
            ledger = await Ledger.open(engine)
            closing.push_async_callback(ledger.close)
            yield TradingStack(stack, engine, ledger)
    finally:
        await asyncio.to_thread(stack.close)


def share_of(used: dict[str, float], before: dict[str, float], seconds: float) -> str:
    """Who used the processors: percent of one core each, the busiest first."""
    shares = {name: 100 * (used[name] - before.get(name, 0)) / seconds for name in used}
    busiest: Sequence[tuple[str, float]] = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {share:.0f} %" for name, share in busiest if share >= 1)


def _rent() -> RentedStack:
    stack = RentedStack(RIALTO_DURABLE="yes", RIALTO_RATE_FACTOR="100")
    elsewhere(lambda: stack.require(*PROCESSES))
    return stack


async def _asked(http: httpx.AsyncClient, path: str, body: Any, **headers: str) -> Any:
    response = await http.post(path, json=body, headers=headers)
    response.raise_for_status()
    return response.json()
