"""Starting, finding and stopping the parts of one site."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Protocol

import psutil

from devstack import nursery
from devstack.part import Part, Step
from devstack.probes import Unhealthy, port_is_free
from devstack.process import Plan, Running, read_record, spawn, write_record
from devstack.site import CHECKOUT, Site

PROBE_SECONDS = 0.05
RELEASE_SECONDS = 3.0


class StackError(Exception):
    """Something the person at the terminal can understand and mend."""


class Progress(Protocol):
    def started(self, name: str) -> None: ...

    def ready(self, name: str, seconds: float, note: str) -> None: ...


class Stack:
    """The parts of one site. Any number of commands may use it; changes are made one at a time."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def running(self, part: Part) -> Running | None:
        running = read_record(self._record(part))
        return running if running is not None and running.is_alive() else None

    def launch(self, part: Part) -> Running:
        """Start a part that is not running. Raises StackError if its port is taken."""
        self._refuse_taken_ports(part)
        part.prepare(self.site)
        plan = part.plan(self.site)
        running = Running.of(self._start(part, plan), plan_digest=_digest(part, plan))
        write_record(self._record(part), running)
        return running

    def _start(self, part: Part, plan: Plan) -> int:
        log = self.site.log(part.name)
        if part.is_forked:
            with suppress(Unhealthy):  # Without a nursery it only starts more slowly.
                return nursery.fork(self.site, plan, log)
        return spawn(plan, log=log)

    def was_wanted(self, part: Part) -> bool:
        """Whether an `up` started it and no `down` stopped it since."""
        return self._record(part).exists()

    def stop(self, part: Part) -> None:
        running = self.running(part)
        if running is not None:
            part.before_stop(self.site)
            running.stop(
                request=part.stop_signal,
                grace_seconds=part.grace_seconds,
                with_children=part.owns_children,
            )
        self._record(part).unlink(missing_ok=True)

    async def up(self, parts: Sequence[Part], steps: Sequence[Step], progress: Progress) -> None:
        """Bring parts and steps up, each as soon as what it needs is there."""
        items: list[Part | Step] = [*parts, *steps]
        done = {item.name: asyncio.Event() for item in items}

        async def after_needs(item: Part | Step) -> None:
            for name in item.needs:
                if name in done:
                    await done[name].wait()
            if isinstance(item, Part):
                await self._bring_up(item, progress)
            else:
                await self._run(item, progress)
            done[item.name].set()

        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(after_needs(item))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Only one command at a time may change what runs."""
        with (self.site.directory("run") / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    async def _bring_up(self, part: Part, progress: Progress) -> None:
        began = time.monotonic()
        progress.started(part.name)
        running = self.running(part)
        note = "already running"
        if running is not None and running.plan_digest != _digest(part, part.plan(self.site)):
            await asyncio.to_thread(self.stop, part)
            running = None
        if running is None:
            running = await asyncio.to_thread(self.launch, part)
            note = ""
        await self._until(part, running, part.probe)
        await self._until(part, running, part.finish)
        progress.ready(part.name, time.monotonic() - began, note)

    async def _until(self, part: Part, running: Running, act: Callable[[Site], object]) -> None:
        """Do it until it works. On a busy machine an answer may come too late for one attempt."""
        deadline = time.monotonic() + part.patience_seconds
        while True:
            try:
                await asyncio.to_thread(act, self.site)
            except Unhealthy as problem:
                alive = running.is_alive()
                if not alive or time.monotonic() > deadline:
                    what = "does not become healthy" if alive else "stopped right after its start"
                    raise StackError(self._story(part.name, f"{what}: {problem}")) from problem
                await asyncio.sleep(PROBE_SECONDS)
            else:
                return

    async def _run(self, step: Step, progress: Progress) -> None:
        began = time.monotonic()
        progress.started(step.name)
        plan = step.plan(self.site)
        with self.site.log(step.name).open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *plan.argv,
                cwd=plan.directory,
                env=dict(plan.environment),
                stdout=output,
                stderr=output,
            )
            try:
                status = await asyncio.wait_for(process.wait(), step.patience_seconds)
            except TimeoutError:
                process.kill()
                raise StackError(self._story(step.name, "did not finish in time")) from None
        if status != 0:
            raise StackError(self._story(step.name, f"failed with exit status {status}"))
        progress.ready(step.name, time.monotonic() - began, "")

    def _refuse_taken_ports(self, part: Part) -> None:
        for name in part.ports:
            port = self.site.port(name)
            owner = _owner_of_taken(port)
            if owner is not None:
                raise StackError(
                    f"{part.name} needs port {port}, which is taken{owner}.\n"
                    f"Stop that program, or choose another port with "
                    f"RIALTO_PORT_{name.upper()}=NUMBER, or move the whole stack with "
                    f"RIALTO_PORT_BASE=NUMBER (now {self.site.port_base})."
                )

    def _story(self, name: str, what: str) -> str:
        log = self.site.log(name)
        lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
        tail = "\n".join(f"    {line}" for line in lines)
        return f"{name} {what}\nThe end of {log}:\n{tail}"

    def _record(self, part: Part) -> Path:
        return self.site.directory("run") / f"{part.name}.json"


def _digest(part: Part, plan: Plan) -> str:
    """Tells whether a running part was started as it would be started now, with the same code."""
    code = _state_of_code() if part.kind == "rialto" else ""
    text = json.dumps([plan.argv, dict(plan.environment), str(plan.directory), code])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _state_of_code() -> str:
    """Changes whenever a Python file of ours is written."""
    packages = (
        mark.parent for mark in CHECKOUT.glob("*/__init__.py") if mark.parent.name != "tests"
    )
    files = sorted(file for package in packages for file in package.rglob("*.py"))
    return json.dumps([(str(file), file.stat().st_mtime_ns) for file in files])


def _owner_of_taken(port: int) -> str | None:
    """Who has the port, in words; None when it is free.

    A port that nobody seems to have was held by a process that is just ending.
    """
    deadline = time.monotonic() + RELEASE_SECONDS
    while not port_is_free(port):
        owner = _owner_of(port)
        if owner or time.monotonic() > deadline:
            return owner
        time.sleep(PROBE_SECONDS)
    return None


def _owner_of(port: int) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.pid:
            name = psutil.Process(connection.pid).name()
            return f" by {name} (pid {connection.pid})"
    return ""
