"""The promise of the whole: deposits, trades and withdrawals, with every unit accounted for."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

import httpx
import pytest

from api.v1.reserves import leaf_answer
from cli.audit import run_audit
from cli.demo.customer import eventually
from cli.demo.outside import OutsideBitcoin, OutsideEthereum
from cli.demo.staff import Staff
from cli.demo.story import MAKERS, SCALES, TRADERS, WITHDRAWALS, Story
from cli.reconcile import temporal_of
from cli.running import Running
from devstack.rented import RentedStack
from storage import reserves
from storage.engine import create_engine
from tests.clients.reserves_verifiers import Case, by_browser, by_program
from tests.end_to_end.command import rialto

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


WAY_OF_AN_ORDER = {
    ("api", "POST /v1/orders:batch"),
    ("api", "queue frames"),
    ("matching_engine", "match and journal"),
    ("shipper", "start settlement"),
    ("workflow_worker", "RunWorkflow:SettlementWorkflow"),
    ("workflow_worker", "RunActivity:settle_batch"),
}
"""Process and span: what one trace passes, from HTTP through SQS, engine and Temporal."""


def traces(folder: Path) -> dict[str, set[tuple[str, str]]]:
    """Every trace id that any process has written down, with its spans."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for file in folder.glob("*.jsonl"):
        for line in file.read_text().splitlines():
            span = json.loads(line)
            found[span["trace"]].add((span["process"], span["name"]))
    return found


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

    async def traced() -> bool | None:
        found = traces(running.site.home / "traces").values()
        return any(spans >= WAY_OF_AN_ORDER for spans in found) or None

    await eventually("one trace leads from an order to its settlement", traced, 20)


SHOWN = {
    "api": {"order_stage_seconds_count", "api_request_seconds_count", "api_requests_in_flight"},
    "matching_engine": {"engine_queue_wait_seconds_count", "journal_sync_seconds_count",
                        "engine_take_seconds_count", "engine_writing"},
    "shipper": {"settlement_lag_seconds", "shipper_unsettled_events"},
    "event_listener": {'listener_height{chain="bitcoin"}', 'listener_height{chain="ethereum"}',
                       'listener_lag_blocks{chain="bitcoin"}',
                       'listener_lag_blocks{chain="ethereum"}'},
    "workflow_worker": {'hot_wallet_units{asset="BTC"}', 'hot_wallet_units{asset="USDT"}',
                        'withdrawal_oldest_seconds{chain="bitcoin"}', "ledger_untied_assets",
                        "ledger_tie_age_seconds", 'temporal_queue_lag_seconds{queue="signer"}',
                        "reserves_age_seconds", "order_outbox_oldest_seconds"},
    "data_processor": {"projection_lag_seconds"},
}  # fmt: skip
"""What somebody on duty looks at, and who shows it; with the labels it must have."""


async def test_a_running_exchange_shows_what_somebody_on_duty_looks_at(exchange: RentedStack):
    """After the story: not only named, but measured."""
    async with httpx.AsyncClient(timeout=30) as scraper:
        missing = {name: set(metrics) for name, metrics in SHOWN.items()}

        async def all_shown() -> bool | None:
            for name, wanted in SHOWN.items():
                port = exchange.port(f"{name}_metrics")
                page = (await scraper.get(f"http://127.0.0.1:{port}/metrics")).text
                lines = [each.rsplit(" ", 1) for each in page.splitlines() if each[:1] != "#"]
                told = {each[0] for each in lines if each[-1] != "NaN"}
                bare = {each.split("{")[0] for each in told}
                missing[name] = wanted - told - bare
            return not any(missing.values()) or None

        try:
            await eventually("every metric is shown", all_shown, 60)
        finally:
            assert not any(missing.values()), missing


async def test_the_exchange_proves_its_reserves_by_command_and_on_a_schedule(
    running: Running, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    """After the story: customers own coins, and the web site's verifier agrees with the command."""
    proved = rialto(running, "reserves", "prove", "--json")
    bundle = (await api.get("/v1/proof-of-reserves")).json()
    engine = create_engine(running.database_url, application="tests")
    async with engine.connect() as connection:
        found = await reserves.read_bundle(connection)
        everybody = await reserves.read_leaves(connection, found.id)
        leaf, steps = await reserves.read_leaf(connection, found, everybody[0].customer_id)
    await engine.dispose()
    own = leaf_answer(found, leaf, steps).model_dump(mode="json")
    case = Case(bundle, own, customer=own["customer_id"])
    status, told = by_program(case, tmp_path)

    assert proved.returncode == 0, proved.stdout + proved.stderr
    answer = json.loads(proved.stdout)
    assert answer["bundle"] == bundle["bundle"]
    assert {asset for asset, each in answer["assets"].items() if int(each["owed"])} == set(SCALES)
    assert status == 0, told
    assert by_browser([case], tmp_path) == [""]
    client = await temporal_of(running)
    schedule = await client.get_schedule_handle("proof-of-reserves").describe()
    [interval] = schedule.schedule.spec.intervals
    assert interval.every.days == 1


def test_the_exchange_reconciles_by_command(running: Running) -> None:
    answer = rialto(running, "reconcile", "--json")

    assert answer.returncode == 0, answer.stdout + answer.stderr
    told = json.loads(answer.stdout)
    assert told["ties"]
    assert any(line.startswith("BTC at height") for line in told["lines"])


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("ledger", "trial-balance"), "off_by"),
        (("engine", "verify"), "state_hash"),
        (("engine", "snapshot"), "snapshot"),
        (("deposits", "rescan", "bitcoin", "--from", "100", "--to", "102"), "blocks"),
        (("audit",), "findings"),
    ],
)
def test_commands_find_the_exchange_that_runs_here(
    running: Running, words: tuple[str, ...], field: str
) -> None:
    """As somebody types them who has set nothing but where its state is."""
    plain = {
        key: value for key, value in os.environ.items() if not key.startswith(("RIALTO", "AWS"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *words, "--json"],
        env=plain | {"RIALTO_HOME": str(running.site.home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert field in json.loads(done.stdout.splitlines()[-1])


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
