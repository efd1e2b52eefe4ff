"""A running data processor on real servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack import seed_aws
from devstack.rented import Database, RentedStack
from storage import dynamo_checkpoints as checkpoints
from storage.dynamo import Dynamo
from storage.search_index import SearchUnavailable
from streams.aws import client, pointed_at
from workers.projection_parts import Parts, ProjectionSettings, build

CHECKOUT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 90.0
"""Bound of every wait; the machine that runs this may be busy."""


def until(is_so: Callable[[], object], what: str) -> None:
    """Poll until it is so. Fails after a bound, saying what was waited for."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)


def prepare_search(parts: Parts) -> None:
    """Indexes that serve, as soon as the server manages: a busy one may take longer than a call."""

    def is_prepared() -> bool:
        try:
            parts.stores()[0].search.prepare(serves=True)
        except SearchUnavailable:
            return False
        return True

    until(is_prepared, "the search index is prepared")


class Processor:
    """The process, as it runs in production; started, stopped and killed at will."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self._env = env
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **changes: str) -> None:
        assert self._process is None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers.data_processor"],
                cwd=CHECKOUT,
                env={**os.environ, **self._env, **changes},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None


@pytest.fixture(scope="module")
def aws(stack: RentedStack) -> Iterator[dict[str, str]]:
    """The emulators, with everything seeded, and this process's clients pointed at them."""
    stack.require("postgres", "ministack", "roto", "osmem")
    with pointed_at(stack.env), pytest.MonkeyPatch.context() as patched:
        for name, value in stack.env.items():
            patched.setenv(name, value)
        seed_aws.seed()
        yield stack.env


@pytest.fixture(scope="module")
def parts(aws: dict[str, str]) -> Parts:
    return build(ProjectionSettings(opensearch_url=aws["RIALTO_OPENSEARCH_URL"]))


@pytest.fixture
def processor(aws: dict[str, str], database: Database, tmp_path: Path) -> Iterator[Processor]:
    env = {**aws, "RIALTO_DATABASE_URL": database.worker}
    running = Processor(env, tmp_path / "processor.log")
    yield running
    running.stop()


def applied(dynamo: Dynamo, market: str) -> int:
    """The last sequence of the run without gaps that starts at 1."""
    progress = checkpoints.read_progress(dynamo, market)
    return progress.applied[0][1] if progress.applied else 0


def dynamo_of(prefix: str = "rialto-") -> Dynamo:
    return Dynamo(client("dynamodb"), prefix)
