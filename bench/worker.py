"""The durable worker: decode, checks, match, journal with group commit, publish; then recovery.

The engine's real loop on a real journal of this disk, fsync on. Simulated are only its neighbours
over the network: a queue that hands out ten frames of a hundred commands at once, and a lease that
is always held. Then a snapshot is made by another process while trading goes on at 100,000 resting
orders, and the journal is recovered; the recovered state must be the worker's, hash for hash.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.engine import is_compiled
from bench.engine_core import steady
from bench.engine_mix import Mix, Workload
from bench.report import BenchResult, percentile
from engine import snapshot
from engine.commands import Command
from engine.rules import Rules
from streams.frames import pack
from streams.journal_writer import JournalWriter
from streams.lease import Lease
from streams.order_queue import MESSAGES_MAX, OrderQueue, Received
from streams.replica import Replica, recover
from workers.engine_loop import SHORT, EngineLoop

MARKET = "BTC-USDT"
FRAME = 100
"""Commands in one frame."""
COMMANDS = 200_000
DEEP = 100_000
DEEP_COMMANDS = 100_000
RECOVERED = 10_000_000
"""Commands of the journal that is recovered with RIALTO_BENCH_ALL=1; else what was measured."""
_SNAPSHOT = (
    "import sys; from pathlib import Path; from workers.engine_housekeeping import make_snapshot;"
    " print(make_snapshot(Path(sys.argv[1]), records_min=1))"
)


class SimulatedQueue(OrderQueue):
    """Everything is there already, and deleting always works."""

    def __init__(self) -> None:
        self.deleted = 0

    async def delete(self, received: Sequence[Received]) -> None:
        self.deleted += len(received)


class SimulatedLease(Lease):
    """Always held."""

    def __init__(self) -> None:
        self.epoch = 1

    def is_held(self) -> bool:
        return True


async def _rules() -> Mapping[str, Rules]:
    return {MARKET: Rules(orders_max=10**6)}


class Worker:
    """The engine's loop with its journal in a folder."""

    def __init__(self, directory: Path) -> None:
        self.writer = JournalWriter(directory, epoch=1, last_number=0)
        self.replica = Replica()
        self.loop = EngineLoop(
            SimulatedQueue(), self.writer, self.replica, SimulatedLease(), _rules, SHORT
        )

    async def take(self, receives: Sequence[Sequence[Received]]) -> list[float]:
        """Seconds from each receive's answer to its commands being durable and published."""
        taken = []
        for received in receives:
            began = time.perf_counter()
            await self.loop.take(received)
            taken.append(time.perf_counter() - began)
        return taken


def receives(commands: Sequence[Command]) -> list[list[Received]]:
    """Ten frames each."""
    frames = [
        Received(frame.body, "", "")
        for start in range(0, len(commands), FRAME)
        for frame in pack(((MARKET, c) for c in commands[start : start + FRAME]), group="spot")
    ]
    return [frames[at : at + MESSAGES_MAX] for at in range(0, len(frames), MESSAGES_MAX)]


async def run() -> BenchResult:
    shallow = Mix(resting=1_000).workload(COMMANDS)
    with tempfile.TemporaryDirectory() as folder:
        taken, cpu, recovery = await _measure(Path(folder), shallow)
    with tempfile.TemporaryDirectory() as folder:
        pause = await _snapshot_while_trading(Path(folder))
    wall = sum(taken)
    taken.sort()
    return BenchResult(
        "worker",
        COMMANDS / wall,
        1e3 * percentile(taken, 0.5),
        1e3 * percentile(taken, 0.99),
        1e3 * percentile(taken, 0.999),
        "fdatasync of the journal before publishing, one group commit a receive of 1,000 commands",
        recovery[0],
        notes=[
            f"core {'compiled' if is_compiled() else 'in plain Python'}, 1,000 resting orders",
            f"{COMMANDS / cpu:,.0f} commands per processor second, syncs included",
            *recovery[1:],
            pause,
        ],
    )


async def _measure(directory: Path, workload: Workload) -> tuple[list[float], float, list[str]]:
    worker = Worker(directory)
    await worker.loop.list_markets()
    await worker.take(receives(workload.filling))
    work = receives(workload.measured)
    with steady():
        cpu = time.process_time()
        taken = await worker.take(work)
        cpu = time.process_time() - cpu
    if os.environ.get("RIALTO_BENCH_ALL") == "1":
        await _grow(worker)
    worker.writer.close()
    return taken, cpu, _recover(directory, worker.replica)


async def _grow(worker: Worker) -> None:
    """Go on until the journal holds RECOVERED commands."""
    mix = Mix(resting=1_000, seed=8)
    mix.command_id = mix.order_id = 10**9
    done = COMMANDS
    while done < RECOVERED:
        step = mix.workload(COMMANDS)
        await worker.take(receives([*step.filling, *step.measured]))
        done += len(step.filling) + len(step.measured)


def _recover(directory: Path, live: Replica) -> list[str]:
    """`ok` and the rate, if the journal leads to the live state."""
    cpu, began = time.process_time(), time.perf_counter()
    recovered, _ = recover(directory)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    same = snapshot.state_hash(recovered.exchange) == snapshot.state_hash(live.exchange)
    commands = live.exchange.number * FRAME
    return [
        "ok" if same else "the recovered state differs from the worker's",
        f"recovery of about {commands:,} commands: {wall:.1f} s, {cpu:.1f} s of processor",
        f"at that rate ten million take {RECOVERED * cpu / commands:.0f} s of processor",
    ]


async def _snapshot_while_trading(directory: Path) -> str:
    """Another process makes a snapshot; what a frame takes meanwhile, beside what it takes else."""
    worker = Worker(directory)
    workload = Mix(resting=DEEP).workload(DEEP_COMMANDS)
    await worker.loop.list_markets()
    await worker.take(receives(workload.filling))
    work = [[frame] for each in receives(workload.measured) for frame in each]
    with steady():
        before = await worker.take(work[: len(work) // 4])
        making = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SNAPSHOT, str(directory), stdout=subprocess.DEVNULL
        )
        during, cpu = await _until_done(worker, work[len(work) // 4 :], making)
    worker.writer.close()
    made = "failed" if making.returncode else "made"
    return (
        f"{DEEP:,} resting: a frame took at most {1e3 * max(during):.1f} ms of wall and"
        f" {1e3 * max(cpu):.1f} ms of processor while a snapshot was made beside it"
        f" ({1e3 * max(before):.1f} ms of wall before); snapshot {made}"
    )


async def _until_done(
    worker: Worker, work: Sequence[Sequence[Received]], making: asyncio.subprocess.Process
) -> tuple[list[float], list[float]]:
    during, cpu = [], []
    for received in work:
        began = time.thread_time()
        during += await worker.take([received])
        cpu.append(time.thread_time() - began)
        if making.returncode is not None:
            break
        await asyncio.sleep(0.002)
    await making.wait()
    return during, cpu
