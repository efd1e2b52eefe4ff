"""The bank test: many clients, cut connections, kill -9 of the server and of clients, lost answers.

Every snapshot on the way totals the same with nothing below zero; at the end everything that was
acknowledged is there, everything refused is not, and what was unknown is settled by asking again.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from devstack.rented import RentedStack
from domain.ids import CustomerId
from storage.audit import audit_ledger
from storage.engine import create_engine
from storage.ledger import Ledger
from tests.devstack.waiting import eventually
from tests.storage.bank import ASSETS, Client
from tests.storage.cutting_proxy import CuttingProxy
from tests.storage.world import World

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent
SECONDS = float(os.environ.get("RIALTO_BANK_SECONDS", "12"))
"""Of traffic after the last kill; more for a longer search."""
PATIENCE_SECONDS = 120.0
SEED = int(os.environ.get("RIALTO_BANK_SEED", "0")) or random.SystemRandom().randrange(10**6)
UNITS = 200  # Little enough that many payments are refused.


@pytest.fixture
async def customers(world: World) -> list[CustomerId]:
    return [await world.customer(BTC=UNITS, USDT=UNITS) for _ in range(10)]


async def in_the_ledger(world: World, names: list[str]) -> set[str]:
    rows = await world.ledger.pool.fetch(
        "SELECT id FROM journal_entries WHERE id = ANY($1::text[])", names
    )
    return {row["id"] for row in rows}


OUTAGES = (OSError, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def watch(world: World, stop: asyncio.Event) -> int:
    """Audit again and again, through outages; the number of snapshots, all of them clean."""
    clean = 0
    while not stop.is_set():
        with suppress(*OUTAGES):
            findings = await audit_ledger(world.engine)
            assert not findings, f"seed {SEED}: {findings}"
            clean += 1
    return clean


def kill_and_wait(stack: RentedStack) -> None:
    died = stack.kill("postgres")
    assert eventually(lambda: stack.pid("postgres") not in (None, died))


async def client_process(world: World, customers: list[CustomerId], number: int) -> list[str]:
    """A process of clients, killed in the middle of its work; what it had been told is done."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.bank", world.database.worker,
        f"process{number}", str(SEED + number), *map(str, customers),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    async with asyncio.timeout(PATIENCE_SECONDS):
        told = [(await process.stdout.readline()).decode().strip() for _ in range(50)]
    assert process.returncode is None, "the clients ended by themselves"
    process.kill()
    told += (await process.stdout.read()).decode().split()
    await process.wait()
    return [name for name in told if name]


async def trouble(
    world: World, stack: RentedStack, customers: list[CustomerId], proxy: CuttingProxy
) -> list[str]:
    """Kill processes of clients, and the server, twice; wait until connections were cut as well."""
    told: list[str] = []
    for number in (1, 2):
        told += await client_process(world, customers, number)
        await asyncio.to_thread(kill_and_wait, stack)
    assert await asyncio.to_thread(eventually, lambda: all(proxy.cuts.values()))
    await asyncio.sleep(SECONDS)
    return told


@asynccontextmanager
async def ledger_through(proxy: CuttingProxy, world: World) -> AsyncIterator[Ledger]:
    url = make_url(world.database.worker).set(port=proxy.port)
    engine = create_engine(url.render_as_string(hide_password=False))
    ledger = await Ledger.open(engine)
    yield ledger
    await ledger.close()
    await engine.dispose()


async def test_bank(world: World, stack: RentedStack, customers: list[CustomerId]):
    dice = random.Random(SEED)
    stop = asyncio.Event()
    proxy = CuttingProxy(
        stack.port("postgres"), dice, before_commit=0.03, after_commit=0.05, anywhere=0.001
    )
    async with proxy, ledger_through(proxy, world) as ledger:
        clients = [
            Client(ledger, f"client{n}", random.Random(SEED + n), customers) for n in range(40)
        ]
        working = asyncio.gather(*(client.work(stop) for client in clients))
        watching = asyncio.create_task(watch(world, stop))
        try:
            told = await trouble(world, stack, customers, proxy)
        finally:
            proxy.stop_cutting()
            stop.set()
        await working
        snapshots = await watching
        for client in clients:
            unknown, client.unknown = client.unknown, []
            for entry in unknown:
                await client.post(entry)

    acknowledged = [entry.id for client in clients for entry in client.acknowledged] + told
    refused = [entry.id for client in clients for entry in client.refused]
    assert set(acknowledged) <= await in_the_ledger(world, acknowledged), f"seed {SEED}"
    assert await in_the_ledger(world, refused) == set(), f"seed {SEED}"
    for asset in ASSETS:
        total = [sum(await world.balance(customer, asset)) for customer in customers]
        assert sum(total) == len(customers) * UNITS, f"seed {SEED}"
    # The faults and the traffic were there: without them the test would prove nothing.
    assert all(proxy.cuts.values())
    assert snapshots > 3
    assert len(refused) > 50
    assert len(told) >= 100
    assert len(acknowledged) > 500
