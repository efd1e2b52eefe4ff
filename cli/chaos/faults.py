"""What is broken, and when: a list that a seed decides, and the hand that does it."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from cli.chaos.proxy import Mood, NodeProxy
from cli.chaos.repeats import Repeats
from devstack.probes import json_rpc
from devstack.rented import RentedStack
from devstack.servers import bitcoin_credentials

VICTIMS: Final = (
    "api", "matching_engine", "shipper", "order_relay", "workflow_worker", "compliance_worker",
    "bitcoin_worker", "ethereum_worker", "signer_worker", "event_listener", "data_processor",
    "wallet_service", "kyc_vendor", "postgres", "temporal", "roto", "ministack", "valkey", "osmem",
)  # fmt: skip
"""Killed at random. Not the nodes: anvil keeps its chain in memory, and what it loses is not ours
to lose; they are paused, reorganised and hidden behind a bad line instead."""

PAUSED: Final = (
    "matching_engine", "shipper", "workflow_worker", "bitcoin_worker", "ethereum_worker",
    "signer_worker", "event_listener", "data_processor", "api", "temporal", "roto", "valkey",
    "ministack", "bitcoind", "anvil",
)  # fmt: skip

_PAUSE_SECONDS_MAX: Final = 9
"""Longer than the engine's lease, so that a woken engine finds it lost."""
MEAN_SECONDS: Final = 2.5
"""Between two faults: time for a killed process to come back before its neighbour goes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    at_seconds: float
    what: str
    whom: str
    size: int
    """Seconds of a pause, a bad line or a skewed clock; blocks of a reorg; how often a repeat."""

    def __str__(self) -> str:
        return f"{self.at_seconds:6.1f} s  {self.what} {self.whom} ({self.size})"


def schedule(seed: int, seconds: float, *, mean_seconds: float = MEAN_SECONDS) -> list[Fault]:
    """Every victim is killed once if time allows; between the kills, everything else."""
    chance = random.Random(seed)  # noqa: S311 - The same seed, the same faults.
    count = max(1, int(seconds / mean_seconds))
    victims = list(VICTIMS)
    chance.shuffle(victims)
    faults = []
    for number in range(count):
        at = round((number + chance.random()) * seconds / count, 1)
        if number % 2 == 0:
            victim = victims[number // 2 % len(victims)]
            faults.append(Fault(at, "kill", victim, 9))
        else:
            faults.append(_other(chance, at))
    return faults


def _other(chance: random.Random, at: float) -> Fault:
    what = chance.choice(
        ("pause", "pause", "pause", "line", "line", "reorg", "reorg", "repeat", "flood", "clock")
    )
    chain = chance.choice(("bitcoin", "ethereum"))
    if what == "pause":
        return Fault(at, what, chance.choice(PAUSED), chance.randint(1, _PAUSE_SECONDS_MAX))
    if what == "line":
        mood = chance.choice((Mood.SLOW, Mood.LOSSY, Mood.LOSSY, Mood.DEAF))
        return Fault(at, f"{mood} line to", chain, chance.randint(2, 8))
    if what == "reorg":
        return Fault(at, what, chain, chance.randint(1, 2))
    if what == "repeat":
        return Fault(at, what, chance.choice(("orders", "events")), chance.randint(1, 3))
    if what == "flood":
        return Fault(at, what, "orders", chance.randint(5, 30))
    return Fault(at, "clock of", chain, chance.randint(5, 600))


class Breaker:
    """Does what a schedule says to a rented exchange, and takes it all back in the end."""

    def __init__(
        self,
        stack: RentedStack,
        proxies: dict[str, NodeProxy],
        repeats: Repeats,
        seed: int,
        tell: Callable[[str], None],
    ) -> None:
        self._stack = stack
        self._proxies = proxies
        self._repeats = repeats
        self._chance = random.Random(seed)  # noqa: S311
        self._tell = tell
        self._later: list[asyncio.Task[None]] = []
        self._stopped: dict[str, int] = {}
        self._ethereum_floor = 0
        self.done = 0
        self.skipped = 0

    async def follow(self, faults: list[Fault]) -> None:
        began = time.monotonic()
        self._ethereum_floor = int(await self._ethereum("eth_blockNumber"), 16)
        for fault in faults:
            await asyncio.sleep(max(0.0, began + fault.at_seconds - time.monotonic()))
            try:
                await self._do(fault)
            except Exception as problem:  # noqa: BLE001 - Its object is broken already.
                self.skipped += 1
                self._tell(f"{fault} was not possible: {str(problem)[:120]}")
            else:
                self.done += 1
                self._tell(str(fault))

    async def heal(self) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        for name in list(self._stopped):
            self._go_on(name)
        for proxy in self._proxies.values():
            proxy.mood = Mood.KIND
        await self._bitcoin("setmocktime", 0)

    async def _do(self, fault: Fault) -> None:
        if fault.what == "kill":
            await asyncio.to_thread(self._stack.kill, fault.whom)
        elif fault.what == "pause":
            await self._pause(fault.whom, fault.size)
        elif fault.what.endswith("line to"):
            await self._line(self._proxies[fault.whom], Mood(fault.what.split()[0]), fault.size)
        elif fault.what == "clock of":
            await self._skew(fault.whom, fault.size)
        elif fault.what == "reorg":
            await (self._reorg_bitcoin if fault.whom == "bitcoin" else self._reorg_ethereum)(
                fault.size
            )
        elif fault.what == "flood":
            await self._pause("matching_engine", 3)
            await self._repeats.orders(self._chance, times=fault.size)
        elif fault.whom == "orders":
            await self._repeats.orders(self._chance, times=fault.size)
        else:
            await self._repeats.events(self._chance)

    async def _pause(self, name: str, seconds: float) -> None:
        if name in self._stopped:
            return
        self._stopped[name] = await asyncio.to_thread(self._stack.signal, name, signal.SIGSTOP)
        self._in(seconds, lambda: asyncio.to_thread(self._go_on, name))

    def _go_on(self, name: str) -> None:
        pid = self._stopped.pop(name, None)
        if pid is not None and self._stack.pid(name) == pid:
            self._stack.signal(name, signal.SIGCONT)

    async def _line(self, proxy: NodeProxy, mood: Mood, seconds: float) -> None:
        async def mend() -> None:
            proxy.mood = Mood.KIND

        proxy.mood = mood
        self._in(seconds, mend)

    def _in(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            await act()

        self._later.append(asyncio.ensure_future(later()))

    async def _skew(self, chain: str, seconds: int) -> None:
        """The clock of a chain's blocks: the only one on this machine that may be wrong alone."""
        if chain == "ethereum":
            await self._ethereum("evm_increaseTime", min(seconds, 60))
            return
        await self._bitcoin("setmocktime", int(time.time()) + seconds)
        self._in(5.0, lambda: self._bitcoin("setmocktime", 0))

    async def _reorg_bitcoin(self, blocks: int) -> None:
        height = await self._bitcoin("getblockcount")
        orphan = await self._bitcoin("getblockhash", height - blocks + 1)
        # To nobody, under a number of its own: paid as before and within the same second, the block
        # would be the one just thrown away.
        number = self._chance.getrandbits(32)
        pays = await self._bitcoin("getdescriptorinfo", f"raw(6a04{number:08x})")
        await self._bitcoin("invalidateblock", orphan)
        await self._bitcoin("generatetodescriptor", blocks + 1, pays["descriptor"])

    async def _reorg_ethereum(self, blocks: int) -> None:
        """Never below where it all began: what filled the house's wallets nobody pays again."""
        tip = int(await self._ethereum("eth_blockNumber"), 16)
        for _ in range(self._ethereum_floor + blocks - tip):
            await self._ethereum("evm_mine")
        await self._ethereum("anvil_reorg", blocks, [])
        await self._ethereum("evm_mine")

    async def _bitcoin(self, method: str, *params: object) -> Any:
        site = self._stack.site
        credentials = bitcoin_credentials(site)
        return await asyncio.to_thread(
            lambda: json_rpc(site.port("bitcoind"), method, *params, basic=credentials)
        )

    async def _ethereum(self, method: str, *params: object) -> Any:
        return await asyncio.to_thread(lambda: json_rpc(self._stack.port("anvil"), method, *params))
