"""Detached processes that outlive the command which started them, found again by pid and birth."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from devstack.site import write_private

KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Plan:
    """How a part is started. It sees the given variables and no others."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path


@dataclass(frozen=True)
class Running:
    """A started process. The birth time tells it from a later one that got the same pid."""

    pid: int
    born_at: float
    plan_digest: str

    @classmethod
    def of(cls, pid: int, *, plan_digest: str) -> Self:
        return cls(pid, psutil.Process(pid).create_time(), plan_digest)

    def is_alive(self) -> bool:
        return self._find() is not None

    def _find(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            if process.create_time() != self.born_at or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return process

    def resident_bytes(self, *, with_children: bool) -> int:
        """Memory of the process and its children; what is shared by n processes counts 1/n."""
        process = self._find()
        if process is None:
            return 0
        family = [process, *(_children(process) if with_children else [])]
        return sum(_proportional_bytes(each) for each in family)

    def stop(self, *, request: signal.Signals, grace_seconds: float, with_children: bool) -> None:
        """Ask, wait, then kill what is left of the process and of its children."""
        process = self._find()
        if process is None:
            return
        family = [process, *(_children(process) if with_children else [])]
        _signal(process, request)
        _wait_until_ended([process], grace_seconds)
        for each in family:
            _signal(each, signal.SIGKILL)
        _wait_until_ended(family, KILL_SECONDS)


def spawn(plan: Plan, *, log: Path) -> int:
    """Start a process in a session of its own, so that closing the terminal does not end it."""
    plan.directory.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            plan.argv,
            cwd=plan.directory,
            env=dict(plan.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return child.pid


def read_record(path: Path) -> Running | None:
    try:
        return Running(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def write_record(path: Path, running: Running) -> None:
    write_private(path, json.dumps(running.__dict__))


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _proportional_bytes(process: psutil.Process) -> int:
    try:
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:
        return 0  # It ended, or belongs to another user.
    [pss] = [line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")]
    return int(pss) * 1024


def _has_ended(process: psutil.Process) -> bool:
    """A zombie has: whoever should bury it may take long, or be a container's first process."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_until_ended(processes: Sequence[psutil.Process], timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not all(_has_ended(each) for each in processes) and time.monotonic() < deadline:
        time.sleep(0.02)  # They are not our children, so there is nothing to wait on.


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
