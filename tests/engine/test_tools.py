"""`rialto engine`: the same journal gives the same hash anywhere, and differences are named."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.engine import register
from engine import snapshot
from engine.events import BY_OWNER
from streams import snapshots
from streams.journal import segments
from streams.replica import Replica
from tests.engine.journals import Writing, written

ORDER = (1, 1, 7, 1, 1, 100, 5)

APP = typer.Typer()
register(APP)


def rialto(*words: object) -> tuple[int, str]:
    answer = CliRunner().invoke(APP, ["engine", *map(str, words)])
    return answer.exit_code, answer.stdout


def live_hash(replica: Replica) -> str:
    return snapshot.state_hash(replica.exchange)


def test_replay_verify_and_inspect_come_to_the_writers_hash(tmp_path: Path):
    live = written(tmp_path)

    for tool in ("replay", "verify", "inspect"):
        code, said = rialto(tool, tmp_path)

        assert code == 0
        assert json.loads(said)["state_hash"] == live_hash(live)


def test_a_copied_journal_replays_to_the_same_hash(tmp_path: Path):
    live = written(tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")

    assert json.loads(rialto("replay", tmp_path / "there")[1])["state_hash"] == live_hash(live)


def test_replay_prints_numbered_events(tmp_path: Path):
    writing = Writing(tmp_path)
    writing.frame([ORDER])
    writing.close()

    code, said = rialto("replay", tmp_path, "--events")

    assert code == 0
    assert said.startswith(
        "BTC-USDT 1 rested order_id=1 owner=7 is_buy=1 price=100 displayed_lots=5"
    )


def test_a_snapshot_and_its_tail_come_to_the_same_state(tmp_path: Path):
    written(tmp_path, frames=5)
    assert rialto("snapshot", tmp_path) == (0, "snapshot 6\n")
    assert rialto("snapshot", tmp_path) == (0, "nothing new since the last snapshot\n")

    code, said = rialto("verify", tmp_path)

    assert code == 0
    assert json.loads(said)["record"] == 6


def test_verify_names_a_snapshot_that_is_not_the_state(tmp_path: Path):
    written(tmp_path, frames=5)
    other = Replica()
    other.exchange.number = 3
    snapshots.write(tmp_path, 3, snapshot.dump(other.exchange))

    assert rialto("verify", tmp_path) == (1, "snapshot 3 is not the state after record 3\n")


def test_verify_names_the_first_record_where_a_replay_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    writing = Writing(tmp_path)
    writing.frame([ORDER])
    writing.frame([(3, 2, 7, 1)])
    writing.frame([(1, 3, 7, 2, 1, 100, 5)])
    writing.close()
    monkeypatch.setattr("engine.book.BY_OWNER", BY_OWNER + 1)  # An engine of other opinions.

    code, said = rialto("verify", tmp_path)

    assert code == 1
    assert said.startswith("before record 4: its writer had digest ")


def test_compare_prints_the_first_event_two_runs_do_not_share(tmp_path: Path):
    for name, price in (("a", 100), ("b", 101)):
        writing = Writing(tmp_path / name)
        writing.frame([(1, 1, 7, 1, 1, 90, 5)])
        writing.frame([(1, 2, 7, 2, 1, price, 5)])
        writing.close()

    code, said = rialto("compare", tmp_path / "a", tmp_path / "b")

    assert code == 1
    assert said == (
        "record 3: one says: BTC-USDT 2 rested order_id=2 owner=7 is_buy=1 price=100"
        " displayed_lots=5; the other: BTC-USDT 2 rested order_id=2 owner=7 is_buy=1 price=101"
        " displayed_lots=5\n"
    )
    assert rialto("compare", tmp_path / "a", tmp_path / "a")[0] == 0


def test_inspect_names_a_torn_tail_and_the_state_before_it(tmp_path: Path):
    written(tmp_path, frames=5)
    path = segments(tmp_path)[-1].path
    content = path.read_bytes().rstrip(b"\0")
    path.write_bytes(content[:-3] + bytes(100))
    for mark in tmp_path.glob("*.durable"):
        mark.unlink()  # Lost with the machine: nobody was told of the last record.

    code, said = rialto("inspect", tmp_path)

    assert code == 0
    assert json.loads(said)["record"] == 5
    assert "record 6" in json.loads(said)["torn_tail"]


def test_inspect_refuses_a_journal_that_lost_what_was_acknowledged(tmp_path: Path):
    written(tmp_path, frames=5)
    path = segments(tmp_path)[-1].path
    path.write_bytes(path.read_bytes().rstrip(b"\0")[:-3] + bytes(100))

    code, said = rialto("inspect", tmp_path)

    assert code == 1
    assert "acknowledged" in said
