"""The commands of operations: they ask before money may move, leave a line, and speak JSON."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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

    def watched(self, *words: str) -> tuple[str, str]:
        """Standard output, and what a terminal shows meanwhile of standard error."""
        mine, theirs = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            env={**self._env, "COLUMNS": "120", "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            timeout=120,
            check=True,
        )
        os.close(theirs)
        shown = os.read(mine, 1 << 16).decode()
        os.close(mine)
        return done.stdout, shown

    @asynccontextmanager
    async def withdrawal(self, status: str) -> AsyncIterator[str]:
        """A row in this state, that no hold backs and no payment carries; over afterwards."""
        name, pool = str(uuid.uuid4()), self.world.ledger.pool
        await pool.execute(
            "INSERT INTO withdrawals (id, customer_id, idempotency_key, fingerprint, asset, chain,"
            " units, fee_units, address, status) VALUES"
            " ($1, 7, $1, '', 'BTC', 'bitcoin', 1, 0, 'somewhere', $2)",
            name, status,
        )  # fmt: skip
        try:
            yield name
        finally:
            await pool.execute("UPDATE withdrawals SET status = 'cancelled' WHERE id = $1", name)

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
    ("code", "words"),
    [
        ("unknown_asset", ("asset", "pause", "DOGE", "--reason", "x")),
        ("unknown_market", ("market", "halt", "DOGE-USDT")),
        ("unknown_withdrawal", ("withdrawals", "retry", "no-such")),
        ("unknown_withdrawal", ("withdrawals", "show", "no-such")),
        ("unknown_withdrawal", ("withdrawals", "bump", "no-such", "--reason", "x", "--yes")),
        ("unknown_reserves", ("reserves", "verify")),
        ("unknown_reserves", ("reserves", "leaf", "1")),
        ("invalid_input", ("deposits", "rescan", "dogecoin", "--from", "1", "--to", "2")),
        ("wrong_state", ("treasury", "unsigned", "4711")),
    ],
)
def test_what_does_not_exist_is_refused_with_a_code(ops: Ops, code: str, words: tuple[str, ...]):
    done = ops.run(*words, "--json")

    assert done.returncode == 1, done.stderr
    refused = json.loads(done.stdout.splitlines()[-1])["refused"]
    assert refused["code"] == code
    assert " " in refused["message"]
    assert "Traceback" not in done.stderr


def test_a_refusal_is_a_sentence_for_people(ops: Ops):
    done = ops.run("market", "halt", "DOGE-USDT")

    assert (done.returncode, done.stderr) == (1, "")
    assert "DOGE-USDT" in done.stdout
    assert done.stdout.endswith("(unknown_market)\n")


async def test_a_withdrawal_that_is_not_on_its_way_is_not_pushed(ops: Ops):
    said = []
    async with ops.withdrawal("done") as done, ops.withdrawal("approved") as waiting:
        for words in (("bump", done), ("bump", waiting), ("retry", done)):
            more = ("--reason", "a test of bumping", "--yes") if words[0] == "bump" else ()
            answer = ops.run("withdrawals", *words, *more, "--json")
            assert answer.returncode == 1, answer.stderr
            said.append(json.loads(answer.stdout)["refused"])

    assert {each["code"] for each in said} == {"wrong_state"}
    assert [each["message"] for each in said] == [
        f"{done} is done: no fee can be raised any more",
        f"{waiting} is approved: no transaction is on its way yet",
        f"{done} is done: there is nothing left to do",
    ]
    assert (await ops.deeds())[-3:] == [
        ("withdrawal.bump", done), ("withdrawal.bump", waiting), ("withdrawal.retry", done)
    ]  # fmt: skip


async def test_long_work_shows_how_far_it_is_and_leaves_the_answer_alone(ops: Ops):
    await ops.world.customer(BTC=100)

    told, shown = ops.watched("ledger", "verify", "--json")

    legs = json.loads(told)["legs"]
    assert legs > 0
    assert f"{legs:,} of {legs:,}" in shown
    assert "hash chain of every account" in shown
    assert "promises of conservation" in shown


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


GROUPS = (
    *("asset", "break", "deposits", "engine", "ledger", "market"),
    *("projections", "reserves", "screening", "treasury", "withdrawals"),
)


def test_every_command_of_operations_speaks_json():
    register_all()
    root: Any = get_command(app)
    commands = {name: root.commands[name] for name in ("status", "audit", "reconcile")}
    for group in GROUPS:
        for name, command in root.commands[group].commands.items():
            commands[f"{group} {name}"] = command

    deaf = {
        name
        for name, command in commands.items()
        if "--json" not in {option for each in command.params for option in each.opts}
    }

    assert deaf == set()
    for wanted in (
        "withdrawals stuck", "withdrawals show", "withdrawals retry", "withdrawals bump",
        "market halt", "market cancel-only", "market resume", "asset pause", "asset resume",
        "ledger verify", "ledger explain", "ledger trial-balance", "deposits rescan",
        "projections rebuild", "engine replay", "engine verify", "engine snapshot",
        "reserves prove", "break reorg", "break matcher", "break node",
    ):  # fmt: skip
        assert wanted in commands


def test_what_may_move_money_asks():
    register_all()
    root: Any = get_command(app)
    asking = {
        f"{group} {name}"
        for group in GROUPS
        for name, command in root.commands[group].commands.items()
        if "--yes" in {option for each in command.params for option in each.opts}
    }

    assert asking == {
        *("market resume", "asset resume"),
        *("withdrawals bump", "treasury sent", "engine adopt"),
    }
