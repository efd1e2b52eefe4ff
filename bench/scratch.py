"""A database of a benchmark's own, on the server that RIALTO_DATABASE_URL names, and its costs."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg
import psutil
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from compliance.tiers import Tier
from domain.ids import CustomerId, EntryId
from domain.money import AssetCode
from ledger.account import AccountKind, available, house
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage.audit import audit_ledger
from storage.audit_chain import verify_chain
from storage.catalog import LISTED
from storage.engine import create_engine
from storage.ledger import Ledger
from storage.migrate import migrate
from storage.settlement import Settlements
from streams import collector

RICH = 10**30


@dataclass
class Scratch:
    """A migrated database that is dropped at the end."""

    engine: AsyncEngine
    ledger: Ledger
    url: URL
    postmaster: psutil.Process

    async def fund(self, customers: Sequence[CustomerId], *assets: str) -> None:
        """Give each customer more than the benchmark can use."""
        entries = [
            JournalEntry(
                EntryId(f"deposit:{asset}:{customer}"),
                EntryReason.DEPOSIT,
                "benchmark",
                (
                    Transfer(
                        house(AccountKind.DEPOSIT_WALLET, AssetCode(asset)),
                        available(customer, AssetCode(asset)),
                        RICH,
                    ),
                ),
            )
            for customer in customers
            for asset in assets
        ]
        await asyncio.gather(*(self.ledger.post(entry) for entry in entries))

    async def register(self, customers: Sequence[CustomerId], tier: Tier) -> None:
        """Make them customers whose orders count against the limits of `tier`."""
        connection = await asyncpg.connect(_plain(self.url.set(username="postgres")))
        await connection.executemany(
            "INSERT INTO customers (id, email, kyc_tier) OVERRIDING SYSTEM VALUE"
            " VALUES ($1, $2, $3)",
            [(each, f"bench{each}@example.test", int(tier)) for each in customers],
        )
        await connection.close()

    def settlements(self) -> Settlements:
        return Settlements(self.ledger, {market.id: market for market in LISTED})

    async def settle_down(self) -> None:
        """Fresh statistics and a checkpoint, so that neither falls into the measurement."""
        connection = await asyncpg.connect(_plain(self.url.set(username="postgres")))
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
        await connection.close()
        collector.calm()  # As every process that serves does.

    async def conservation(self) -> str:
        """`ok`, or the first finding of the audit and of the whole chain."""
        findings = [*await audit_ledger(self.engine), *(await verify_chain(self.engine)).findings]
        return str(findings[0]) if findings else "ok"

    def server_seconds(self) -> float:
        """Processor time of the database server so far, all its processes together."""
        total = 0.0
        for process in (self.postmaster, *self.postmaster.children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total


@dataclass
class Cost:
    """What a measured stretch took."""

    seconds: float = 0.0
    client_seconds: float = 0.0
    server_seconds: float = 0.0

    def per_operation(self, operations: int) -> str:
        client = 1e6 * self.client_seconds / max(operations, 1)
        server = 1e6 * self.server_seconds / max(operations, 1)
        return f"{client:.0f} us of processor in Python, {server:.0f} us in PostgreSQL"


@contextmanager
def measured(scratch: Scratch) -> Iterator[Cost]:
    cost = Cost()
    wall, client, server = time.perf_counter(), time.process_time(), scratch.server_seconds()
    yield cost
    cost.seconds = time.perf_counter() - wall
    cost.client_seconds = time.process_time() - client
    cost.server_seconds = scratch.server_seconds() - server


@asynccontextmanager
async def scratch_database() -> AsyncIterator[Scratch]:
    """Needs a server that lets `postgres` in, as the local stack's does."""
    text = os.environ.get("RIALTO_DATABASE_URL")
    if not text:
        sys.exit('RIALTO_DATABASE_URL is not set. On a local stack: eval "$(rialto env)"')
    url = make_url(text).set(database=f"bench_{secrets.token_hex(4)}")
    admin = await asyncpg.connect(_plain(url.set(username="postgres", database="postgres")))
    fsync = await admin.fetchval("SHOW fsync"), await admin.fetchval("SHOW synchronous_commit")
    if fsync != ("on", "on"):
        sys.exit("this server does not wait for the disk; its numbers would mean nothing")
    await admin.execute(f'CREATE DATABASE "{url.database}"')
    pid = await admin.fetchval("SELECT pg_backend_pid()")
    postmaster = psutil.Process(pid).parent()
    assert postmaster is not None
    try:
        await migrate(url.set(username="postgres").render_as_string(hide_password=False))
        engine = create_engine(
            url.set(username="rialto_worker").render_as_string(hide_password=False)
        )
        ledger = await Ledger.open(engine)
        yield Scratch(engine, ledger, url, postmaster)
        await ledger.close()
        await engine.dispose()
    finally:
        await admin.execute(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')
        await admin.close()


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
