"""The promise of the whole: deposits, trades and withdrawals, with every unit accounted for."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

import httpx
import pytest

from cli.audit import run_audit
from cli.demo.customer import eventually
from cli.demo.outside import OutsideBitcoin, OutsideEthereum
from cli.demo.staff import Staff
from cli.demo.story import MAKERS, SCALES, TRADERS, WITHDRAWALS, Story
from cli.running import Running
from devstack.rented import RentedStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]

PEOPLE = len(TRADERS) + len(MAKERS)
VICTIMS = (
    "matching_engine",
    "shipper",
    "order_relay",
    "workflow_worker",
    "compliance_worker",
    "bitcoin_worker",
    "ethereum_worker",
    "signer_worker",
    "event_listener",
    "data_processor",
    "temporal",
    "api",
)


def story_of(
    running: Running,
    api: httpx.AsyncClient,
    bitcoin: OutsideBitcoin,
    ethereum: OutsideEthereum,
    *,
    seed: int,
    orders: int = 40,
) -> Story:
    heard: list[str] = []
    return Story(api, bitcoin, ethereum, Staff(running), heard.append, seed=seed, orders=orders)


async def test_the_story_ends_with_every_unit_accounted_for(
    running: Running,
    api: httpx.AsyncClient,
    bitcoin: OutsideBitcoin,
    ethereum: OutsideEthereum,
) -> None:
    totals = await story_of(running, api, bitcoin, ethereum, seed=1).play()

    assert totals.deposits == PEOPLE * len(SCALES)
    assert totals.withdrawals == len(TRADERS) * len(WITHDRAWALS)
    assert totals.trades > 0
    assert totals.search_hits > 0
    audit = await run_audit(running)
    assert audit.findings == []


async def test_the_story_ends_well_though_every_part_is_killed_in_its_middle(
    exchange: RentedStack,
    running: Running,
    api: httpx.AsyncClient,
    bitcoin: OutsideBitcoin,
    ethereum: OutsideEthereum,
) -> None:
    story = story_of(running, api, bitcoin, ethereum, seed=2)
    playing = asyncio.create_task(story.play())
    killed = 0
    for victim in itertools.cycle(VICTIMS):
        if playing.done():
            break
        before = exchange.kill(victim)
        back = partial(_is_back, exchange, victim, before)
        await eventually(f"{victim} is back", back, 90)
        killed += 1
    totals = await playing

    assert killed >= len(VICTIMS), "the story was over before every part was killed"
    assert totals.withdrawals == len(TRADERS) * len(WITHDRAWALS)
    audit = await run_audit(running)
    assert audit.findings == []


async def _is_back(exchange: RentedStack, name: str, before: int) -> bool | None:
    now = exchange.pid(name)
    return True if now not in {None, before} and exchange.is_healthy(name) else None
