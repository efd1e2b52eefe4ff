"""One trial: an exchange of its own, people on it, and everything that goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import httpx

from cli.chaos import checks
from cli.chaos.faults import Breaker, Fault
from cli.chaos.proxy import NodeProxy
from cli.chaos.repeats import Repeats
from cli.chaos.strangers import PatientStaff, StubbornBitcoin, StubbornEthereum
from cli.demo.customer import eventually
from cli.demo.story import Story, Totals
from cli.running import Running
from devstack import whole
from devstack.parts import ALL_PARTS, ALL_STEPS
from devstack.rented import RentedStack, Silent, elsewhere
from devstack.servers import bitcoin_credentials

NODES: Final = {"bitcoin": "bitcoind", "ethereum": "anvil"}
_PATIENCE: Final = 3.0
"""Waiting may take three times as long as on a healthy exchange."""
_BACK_SECONDS: Final = 120.0
ORDERS: Final = 40
"""That takers place in one life."""

Tell = Callable[[str], None]


@dataclass
class Outcome:
    """What a trial did to an exchange, and what it broke."""

    seed: int
    seconds: float = 0.0
    faults: int = 0
    not_possible: int = 0
    answers_lost: int = 0
    healed_seconds: float = 0.0
    """From the last fault until everything had come to rest and was counted."""
    totals: Totals = field(default_factory=Totals)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Exchange:
    """A rented stack whose nodes stand behind proxies."""

    def __init__(self, seed: int, **more: str) -> None:
        """`more`: settings of the stack."""
        self.proxies = {chain: NodeProxy(seed) for chain in NODES}
        settings = {
            f"RIALTO_{node.upper()}_PROXY_PORT": str(self.proxies[chain].port)
            for chain, node in NODES.items()
        }
        self.stack = RentedStack(RIALTO_ETHEREUM_BLOCKS="keeper", **settings, **more)
        for chain, node in NODES.items():
            self.proxies[chain].server_port = self.stack.port(node)
        self.running = Running(self.stack.env, self.stack.site)

    def start(self) -> None:
        site = self.stack.site
        elsewhere(lambda: whole.up(site, ALL_PARTS, ALL_STEPS, Silent(), os.getpid()))

    def close(self) -> None:
        self.stack.close()
        for proxy in self.proxies.values():
            proxy.close()

    @property
    def bitcoin_url(self) -> str:
        credentials = bitcoin_credentials(self.stack.site)
        return f"http://{credentials}@127.0.0.1:{self.stack.port('bitcoind')}"

    @property
    def ethereum_url(self) -> str:
        return f"http://127.0.0.1:{self.stack.port('anvil')}"


class People:
    """Lives, one after another: new customers, deposits, trades, withdrawals, a little staff."""

    def __init__(self, make: Callable[[int], Story], seed: int) -> None:
        self._make = make
        self._seed = seed
        self._is_over = False
        self.stories: list[Story] = []
        self.problems: list[str] = []

    def stop(self) -> None:
        """No new life begins; the one under way is lived to its end."""
        self._is_over = True

    async def live(self) -> None:
        while not self._is_over:
            story = self._make(self._seed * 1_000 + len(self.stories))
            self.stories.append(story)
            try:
                await story.play()
            except Exception as problem:  # noqa: BLE001 - A promise to a customer was broken.
                self.problems.append(f"a customer's story: {type(problem).__name__}: {problem}")
                return

    def totals(self) -> Totals:
        total = Totals()
        for story in self.stories:
            for name, value in asdict(story.totals).items():
                setattr(total, name, getattr(total, name) + value)
        return total


async def try_out(
    exchange: Exchange,
    *,
    seed: int,
    seconds: float,
    faults: Sequence[Fault],
    tell: Tell,
    orders: int = ORDERS,
) -> Outcome:
    """Break a running exchange for so long; then heal it, and count everything."""
    outcome = Outcome(seed)
    began = time.monotonic()
    async with _people(exchange, seed, orders) as people:
        breaker = Breaker(exchange.stack, exchange.proxies, Repeats(exchange.running), seed, tell)
        living = asyncio.create_task(people.live())
        await breaker.follow(list(faults))
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        people.stop()
        await breaker.heal()
        tell("everything is mended; what is under way comes to its end")
        healed = time.monotonic()
        await eventually("every part works", lambda: _all_work(exchange), _BACK_SECONDS)
        await living
        outcome.problems += people.problems
        outcome.problems += await checks.everything(exchange.running, people.stories)
        outcome.totals = people.totals()
    outcome.healed_seconds = round(time.monotonic() - healed, 1)
    outcome.seconds = round(time.monotonic() - began, 1)
    outcome.faults, outcome.not_possible = breaker.done, breaker.skipped
    outcome.answers_lost = sum(proxy.lost for proxy in exchange.proxies.values())
    return outcome


@asynccontextmanager
async def _people(exchange: Exchange, seed: int, orders: int) -> AsyncIterator[People]:
    running = exchange.running
    async with (
        httpx.AsyncClient(base_url=running.api_url, timeout=30) as api,
        httpx.AsyncClient(timeout=30) as node,
    ):
        token = await running.token_contract("USDT")
        ethereum = StubbornEthereum(exchange.ethereum_url, token)
        bitcoin = StubbornBitcoin(node, exchange.bitcoin_url)
        staff = PatientStaff(running)
        sending = [asyncio.create_task(each.keep_sending()) for each in (bitcoin, ethereum)]

        def life(seed: int) -> Story:
            return Story(
                api, bitcoin, ethereum, staff, lambda _: None,
                seed=seed, orders=orders, patience=_PATIENCE,
            )  # fmt: skip

        try:
            yield People(life, seed)
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
            await staff.close()
            await ethereum.close()


async def _all_work(exchange: Exchange) -> bool | None:
    parts = await asyncio.to_thread(whole.status, exchange.stack.site)
    return True if all(part.healthy for part in parts) else None
