"""The one writer: a paused one that wakes up publishes nothing, and the archive brings all back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devstack.rented import Database, RentedStack
from engine import snapshot
from engine.rules import Rules
from streams.aws import client
from streams.frames import pack
from streams.journal import DURABLE, Follower, durable_number, durable_path, newest_epoch, segments
from streams.journal_identity import identity
from streams.journal_writer import JournalWriter
from streams.lease import ForeignJournal, Lease, LeaseLost
from streams.order_queue import OrderQueue, Received
from streams.replica import Replica, recover
from tests.devstack.waiting import eventually
from tests.engine.journals import MARKET, written
from workers.engine_housekeeping import archive, bring_back, make_snapshot
from workers.engine_loop import SHORT, EngineLoop

PATIENCE_SECONDS = 120


def order(number: int) -> tuple[int, ...]:
    return (1, number, 7, number, 1, 100 + number, 5)


class SimulatedQueue(OrderQueue):
    """Remembers what was deleted."""

    def __init__(self) -> None:
        self.deleted: list[Received] = []

    async def delete(self, received: Sequence[Received]) -> None:
        self.deleted += received


class LapsedLease(Lease):
    """Held until somebody looks: what a process finds that slept through its lease."""

    def __init__(self) -> None:
        self.epoch = 1
        self._group = "spot"

    def is_held(self) -> bool:
        return False


async def test_a_writer_whose_lease_lapsed_neither_publishes_nor_deletes(tmp_path: Path):
    async def rules() -> dict[str, Rules]:
        return {}

    queue = SimulatedQueue()
    writer = JournalWriter(tmp_path, epoch=1, last_number=0, segment_bytes=1 << 16)
    loop = EngineLoop(queue, writer, Replica(), LapsedLease(), rules, SHORT)
    [frame] = pack([(MARKET, order(1))], group="spot")

    with pytest.raises(LeaseLost):
        await loop.take([Received(frame.body, "receipt", "id")])

    assert queue.deleted == []
    assert durable_number(tmp_path) == 0
    writer.close()


def test_an_archived_journal_comes_back_whole(tmp_path: Path, aws: None):
    bucket, group = f"journal-{uuid.uuid4()}", "spot"
    client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    here, there = tmp_path / "here", tmp_path / "there"
    live = written(here, frames=600)
    make_snapshot(here, records_min=1)
    closed = [segment.path for segment in segments(here)[:-1]]
    assert closed

    archive(here, bucket, group)
    shutil.copytree(here, there, ignore=shutil.ignore_patterns("*.archived"))
    for path in (*closed, *here.glob("*.snapshot")):
        (there / path.name).unlink()
    fetched = bring_back(there, bucket, group)

    assert fetched == sorted(path.name for path in (*closed, *here.glob("*.snapshot")))
    for path in there.glob("*.snapshot"):
        path.unlink()  # So that every archived record is replayed.
    recovered, torn = recover(there)
    assert torn is None
    assert snapshot.state_hash(recovered.exchange) == snapshot.state_hash(live.exchange)
    assert bring_back(there, bucket, group) != []
    assert bring_back(there, bucket, group) == []


def test_a_journal_has_one_name_whoever_asks(tmp_path: Path):
    with ThreadPoolExecutor(8) as asking:
        names = set(asking.map(lambda _: identity(tmp_path), range(8)))

    assert names == {identity(tmp_path)}
    assert [path.name for path in tmp_path.iterdir()] == ["journal.id"]


class Engine:
    """A matching-engine process of a group of its own."""

    def __init__(self, env: dict[str, str]) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "workers.matching_engine"], env=env)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def ended(self) -> int | None:
        return self.process.poll()


@pytest.fixture
def surroundings(
    stack: RentedStack, database: Database, aws: None, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """The variables of an engine with a queue, a lease table and a journal of its own."""
    stack.require("postgres")
    name = uuid.uuid4().hex[:8]
    for suffix in ("", "-dead"):
        client("sqs").create_queue(
            QueueName=f"{name}{suffix}.fifo",
            Attributes={"FifoQueue": "true", "VisibilityTimeout": "2"},
        )
    client("dynamodb").create_table(
        TableName=f"{name}-leases",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    (tmp_path / "journal").mkdir()
    yield {
        **os.environ,
        **stack.env,
        "RIALTO_DATABASE_URL": database.worker,
        "RIALTO_JOURNAL_DIR": str(tmp_path / "journal"),
        "RIALTO_JOURNAL_SEGMENT_BYTES": str(1 << 20),
        "RIALTO_ORDER_QUEUE": f"{name}.fifo",
        "RIALTO_TABLE_PREFIX": f"{name}-",
        "RIALTO_LEASE_SECONDS": "3",
    }
    client("dynamodb").delete_table(TableName=f"{name}-leases")


def journaled(directory: Path) -> list[int]:
    """Order ids of the acknowledged frames, in order."""
    follower = Follower(directory, 0)
    if not newest_epoch(directory):
        return []
    follower.look_for_epoch()
    replica, ids = Replica(), []
    while records := follower.poll():
        for record in records:
            for run in replica.apply(record):
                ids += [event[1] for event in run.events]
    follower.close()
    return ids


def send(surroundings: dict[str, str], number: int) -> None:
    queue = OrderQueue(surroundings["RIALTO_ORDER_QUEUE"])
    asyncio.run(queue.send(pack([("BTC-USDT", order(number))], group="spot")))


def holds(condition: Any) -> bool:
    return eventually(condition, within_seconds=PATIENCE_SECONDS)


@pytest.mark.stack
def test_a_paused_writer_that_wakes_up_publishes_nothing(surroundings: dict[str, str]):
    directory = Path(surroundings["RIALTO_JOURNAL_DIR"])
    old = Engine(surroundings)
    standby = None
    try:
        send(surroundings, 1)
        assert holds(lambda: 1 in journaled(directory))
        standby = Engine(surroundings)
        old.pause()
        published = durable_path(directory, 1).read_bytes()
        send(surroundings, 2)
        assert holds(lambda: 2 in journaled(directory))

        old.wake()
        send(surroundings, 3)

        assert holds(lambda: old.ended() is not None)
        assert old.ended() != 0
        assert holds(lambda: 3 in journaled(directory))
        assert newest_epoch(directory) == 2
        assert durable_path(directory, 1).read_bytes()[: DURABLE.size] == published[: DURABLE.size]
        assert journaled(directory) == [1, 2, 3]
    finally:
        for each in (old, standby):
            if each is not None and each.ended() is None:
                each.wake()
                each.process.kill()
                each.process.wait()


@pytest.mark.stack
def test_no_engine_begins_anew_beside_the_journal_that_was_written_last(
    surroundings: dict[str, str], stack: RentedStack, database: Database, tmp_path: Path
):
    """A pod that got an empty volume would forget every book. Only a human lets it go on."""
    first, empty = Path(surroundings["RIALTO_JOURNAL_DIR"]), tmp_path / "empty"
    writer = Engine(surroundings)
    other = None
    elsewhere = {
        **surroundings,
        "RIALTO_JOURNAL_DIR": str(empty),
        "RIALTO_HEALTH_PORT": str(port := free_port()),
    }
    try:
        send(surroundings, 1)
        assert holds(lambda: 1 in journaled(first))
        writer.process.terminate()
        assert writer.process.wait(PATIENCE_SECONDS) == 0
        other = Engine(elsewhere)
        assert holds(lambda: answers(port, "/livez") == 200)
        lease = Lease(
            f"{surroundings['RIALTO_TABLE_PREFIX']}leases", "spot", "x", journal=identity(empty)
        )
        with pytest.raises(ForeignJournal, match=identity(first)):
            asyncio.run(lease.try_acquire())
        assert answers(port, "/healthz") == 503
        assert newest_epoch(empty) == 0

        adopt = [
            *(sys.executable, "-m", "cli.main", "engine", "adopt", str(empty)),
            *("--reason", "a test of adoption", "--json"),
        ]
        env = {**elsewhere, "RIALTO_DATABASE_URL": database.owner}
        unasked = subprocess.run(adopt, env=env, stdin=subprocess.DEVNULL, check=False)
        assert unasked.returncode == 2
        done = subprocess.run([*adopt, "--yes"], env=env, capture_output=True, check=True)
        assert json.loads(done.stdout)["journal"] == identity(empty)

        send(surroundings, 2)
        assert holds(lambda: journaled(empty) == [2])
        assert journaled(first) == [1]
    finally:
        for each in (writer, other):
            if each is not None and each.ended() is None:
                each.process.kill()
                each.process.wait()


def answers(port: int, path: str) -> int:
    """The status; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
