"""Kill -9 and lost answers at every arrow of both state machines: paid once, debited once.

Rivals re-sent on a time-out, took a lost commit for a failure, or gave funds back that had left.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import pytest

from tests.custody.addresses import Addresses
from tests.custody.faults import Harm
from tests.custody.house import BTC, COIN, ETH, ETHER, House

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

_START_SECONDS = 60.0
_DEATH_SECONDS = 10.0

COMMITS = (
    Harm.DIE_BEFORE_COMMIT,
    Harm.DIE_AFTER_COMMIT,
    Harm.LOSE_COMMIT,
    Harm.LOSE_COMMIT_REPLY,
)
SENDINGS = (
    Harm.DIE_BEFORE_SENDING,
    Harm.DIE_AFTER_SENDING,
    Harm.LOSE_SENDING,
    Harm.LOSE_SENDING_REPLY,
)
WITHDRAWAL_ARROWS = [
    *((step, harm, 1) for step in ("assess_withdrawal", "reserve_withdrawal") for harm in COMMITS),
    *(("sign_payment", harm, 1) for harm in COMMITS),
    # Broadcasting commits twice: "may be out", and what the node said.
    *(("broadcast_attempt", harm, number) for number in (1, 2) for harm in COMMITS),
    *(("broadcast_attempt", harm, 1) for harm in SENDINGS),
    *(("settle_payment", harm, 1) for harm in COMMITS),
]
# Crediting commits each move: screened, credited, withdrawable.
DEPOSIT_ARROWS = [("advance_deposit", harm, number) for number in (1, 2, 3) for harm in COMMITS]


def names(arrows: list[tuple[str, Harm, int]]) -> list[str]:
    return [f"{step}-{number}-{harm}" for step, harm, number in arrows]


Fault = tuple[str, Harm, int]


class Workers:
    """Makes worker processes, quickly: their imports are done."""

    def __init__(
        self, process: asyncio.subprocess.Process, addresses: Addresses, folder: Path
    ) -> None:
        self._process = process
        self._addresses = addresses
        self._folder = folder

    async def start(self, fault: Fault | None) -> int:
        """Answers the process's number, once it works."""
        described = None
        if fault is not None:
            described = {"step": fault[0], "harm": fault[1], "number": fault[2]}
        ready = self._folder / uuid4().hex
        order = {"addresses": asdict(self._addresses), "fault": described, "ready": str(ready)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(_START_SECONDS):
            while not ready.exists() or not ready.read_text():  # noqa: ASYNC110 - a process
                await asyncio.sleep(0.02)
        return int(ready.read_text())

    @asynccontextmanager
    async def harmed(self, fault: Fault) -> AsyncIterator[None]:
        """A worker that is harmed once; if that kills it, another one takes its place."""
        pids = [await self.start(fault)]

        async def replace() -> None:
            await gone(pids[0])
            pids.append(await self.start(None))

        replacing = asyncio.create_task(replace())
        try:
            yield
            if "die" in fault[1]:
                await until_dead(pids[0])
        finally:
            if is_alive(pids[0]):
                replacing.cancel()  # Else wait for it: left over, it would work in later tests.
            await asyncio.gather(replacing, return_exceptions=True)
            for pid in filter(is_alive, pids):
                os.kill(pid, signal.SIGKILL)


async def until_dead(pid: int) -> None:
    """What a commit changed is seen a moment before the process that did it dies of it."""
    try:
        async with asyncio.timeout(_DEATH_SECONDS):
            await gone(pid)
    except TimeoutError:
        pytest.fail("the fault never struck")


async def gone(pid: int) -> None:
    while is_alive(pid):  # noqa: ASYNC110 - a process sends no event
        await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
async def workers(
    addresses: Addresses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Workers]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.custody.crashing_worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    yield Workers(process, addresses, tmp_path_factory.mktemp("ready"))
    process.kill()
    await process.wait()


@pytest.mark.parametrize("fault", WITHDRAWAL_ARROWS, ids=names(WITHDRAWAL_ARROWS))
async def test_bitcoins_are_paid_once(idle_house: House, workers: Workers, fault: Fault):
    house, units = idle_house, COIN // 100
    customer = await house.customer()
    await house.give(customer, BTC, COIN)
    payee = await house.miner.wallet.call("getnewaddress")

    async with workers.harmed(fault):
        row = await house.request(customer, BTC, units, payee)
        await house.until_status(row.id, "seen", "broadcast")
        await house.until_mined(row.id)
        await house.until_status(row.id, "done")

    received = await house.miner.wallet.call("listreceivedbyaddress", 0, False, False, payee)
    assert [(entry["amount"] * COIN, len(entry["txids"])) for entry in received] == [(units, 1)]
    assert await house.balance(customer, BTC) == (COIN - units - int(row.fee_units), 0)
    await house.assert_tied()


@pytest.mark.parametrize("fault", WITHDRAWAL_ARROWS, ids=names(WITHDRAWAL_ARROWS))
async def test_ether_is_paid_once(idle_house: House, workers: Workers, fault: Fault):
    house, units = idle_house, ETHER // 100
    customer = await house.customer()
    await house.give(customer, ETH, ETHER)
    payee = house.fresh_ethereum_address()

    async with workers.harmed(fault):
        row = await house.request(customer, ETH, units, payee)
        await house.until_status(row.id, "seen", "broadcast")
        await house.until_mined(row.id)
        await house.until_status(row.id, "done")

    assert await house.outside.node.balance(payee) == units
    assert await house.balance(customer, ETH) == (ETHER - units - int(row.fee_units), 0)
    await house.assert_tied()


@pytest.mark.parametrize("fault", DEPOSIT_ARROWS, ids=names(DEPOSIT_ARROWS))
async def test_a_deposit_is_credited_once(idle_house: House, workers: Workers, fault: Fault):
    house = idle_house
    customer = await house.customer()
    address = await house.address(customer, "bitcoin")

    async with workers.harmed(fault):
        txid = await house.miner.pay(address, "0.01")
        await house.mine("bitcoin", 1)
        await house.until_deposit(txid, "credited")
        await house.mine("bitcoin", 2)
        await house.until_deposit(txid, "withdrawable")

    assert await house.balance(customer, BTC) == (COIN // 100, 0)
    await house.assert_tied()
