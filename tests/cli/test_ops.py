"""The commands of operations: they ask before money may move, leave a line, and speak JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command

from cli.main import app, register_all
from devstack.rented import Database, RentedStack
from tests.storage.world import World, opened

pytestmark = pytest.mark.stack


class Ops:
    """Types commands, for the module's database."""

    def __init__(self, stack: RentedStack, database: Database, world: World) -> None:
        self._env = {**os.environ, **stack.env, "RIALTO_DATABASE_URL": database.owner}
        self.world = world

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    async def deeds(self) -> list[tuple[str, str]]:
        rows = await self.world.ledger.pool.fetch(
            "SELECT action, subject FROM audit_log WHERE actor LIKE 'command line:%' ORDER BY id"
        )
        return [(row["action"], row["subject"]) for row in rows]

    async def newest_state(self, market: str) -> int:
        """The state that the newest command of the exchange itself gives the market."""
        found = await self.world.ledger.pool.fetchval(
            "SELECT command FROM order_commands WHERE market = $1 AND owner = 0"
            " ORDER BY id DESC LIMIT 1",
            market,
        )
        return int(found[-1])


@pytest.fixture(scope="module")
async def ops(stack: RentedStack, database: Database):
    async with opened(database) as world:
        yield Ops(stack, database, world)


async def test_a_market_is_restricted_at_once_and_resumed_on_purpose(ops: Ops):
    before = len(await ops.deeds())

    restricted = ops.json("market", "cancel-only", "BTC-USDT")
    assert await ops.newest_state("BTC-USDT") == 1
    halted = ops.json("market", "halt", "BTC-USDT")
    assert await ops.newest_state("BTC-USDT") == 2
    unasked = ops.run("market", "resume", "BTC-USDT")
    assert await ops.newest_state("BTC-USDT") == 2
    resumed = ops.json("market", "resume", "BTC-USDT", "--yes")
    again = ops.json("market", "resume", "BTC-USDT", "--yes")

    assert await ops.newest_state("BTC-USDT") == 0
    assert restricted == {"market": "BTC-USDT", "state": "cancel-only", "changed": True}
    assert halted["state"] == "halted"
    assert (resumed["changed"], again["changed"]) == (True, False)
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    assert (await ops.deeds())[before:] == [
        ("market.cancel-only", "BTC-USDT"),
        ("market.halted", "BTC-USDT"),
        ("market.trading", "BTC-USDT"),
        ("market.trading", "BTC-USDT"),
    ]


async def test_an_asset_is_paused_at_once_and_resumed_on_purpose(ops: Ops):
    paused = ops.json("asset", "pause", "btc", "--reason", "a test", "--no-deposits")
    unasked = ops.run("asset", "resume", "btc")
    resumed = ops.json("asset", "resume", "btc", "--yes")
    stopped = ops.json("asset", "pause", "all", "--reason", "a test")
    ops.json("asset", "resume", "all", "--yes")
    listed = ops.json("asset", "list")

    def btc(answer: Any) -> tuple[bool, bool, str]:
        [row] = [each for each in answer["assets"] if each["asset"] == "BTC"]
        return row["deposits"], row["withdrawals"], row["reason"]

    assert btc(paused) == (True, False, "a test")
    assert unasked.returncode == 2
    assert btc(resumed) == btc(listed) == (True, True, "")
    assert set(stopped["stopped_for_all"]) == {"withdrawals", "credits"}
    assert listed["stopped_for_all"] == []
    deeds = await ops.deeds()
    assert ("asset.pause", "btc") in deeds
    assert ("asset.resume", "all") in deeds


@pytest.mark.parametrize(
    "words",
    [
        ("asset", "pause", "DOGE", "--reason", "x"),
        ("market", "halt", "DOGE-USDT"),
        ("withdrawals", "retry", "no-such"),
        ("withdrawals", "show", "no-such"),
        ("reserves", "verify"),
        ("reserves", "leaf", "1"),
        ("deposits", "rescan", "dogecoin", "--from", "1", "--to", "2"),
    ],
)
def test_what_does_not_exist_is_refused_in_a_sentence(ops: Ops, words: tuple[str, ...]):
    done = ops.run(*words)

    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout.strip()


def test_a_higher_fee_is_not_paid_unasked(ops: Ops):
    done = ops.run("withdrawals", "bump", "w-1", "--reason", "a test")

    assert done.returncode == 2


async def test_the_ledger_is_verified_explained_and_summed_up_as_json(ops: Ops):
    alice = await ops.world.customer(BTC=700)

    verified = ops.json("ledger", "verify")
    explained = ops.json("ledger", "explain", str(alice), "BTC")
    balance = ops.json("ledger", "trial-balance")
    stuck = ops.run("withdrawals", "stuck", "--json")

    assert verified["findings"] == []
    assert [each["available"] for each in explained["lines"]] == ["0.000007"]
    assert explained["next"] is None
    assert balance["off_by"] == {}
    assert (json.loads(stuck.stdout), stuck.returncode) == ([], 0)


def test_every_command_of_operations_speaks_json():
    register_all()
    root = get_command(app)
    for words in (
        "status", "withdrawals stuck", "withdrawals show", "withdrawals retry", "withdrawals bump",
        "market halt", "market cancel-only", "market resume", "asset pause", "asset resume",
        "ledger verify", "ledger explain", "ledger trial-balance", "deposits rescan",
        "projections rebuild", "engine replay", "engine verify", "engine snapshot", "reconcile",
        "reserves prove", "reserves verify", "break reorg", "break matcher", "break node",
        "projections reindex", "projections replay",
    ):  # fmt: skip
        command: Any = root
        for word in words.split():
            command = command.commands[word]
        options = {option for each in command.params for option in each.opts}
        assert "--json" in options, words
