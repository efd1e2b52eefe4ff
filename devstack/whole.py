"""The stack as a whole: up, down, and what state it is in."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from devstack import environment, postgres
from devstack.part import Part, Step, python_plan
from devstack.parts import ALL_PARTS
from devstack.probes import Unhealthy
from devstack.process import Running, read_record, spawn, write_record
from devstack.site import Site
from devstack.stack import Progress, Stack, StackError


@dataclass(frozen=True)
class PartStatus:
    """One line of `rialto status`."""

    name: str
    kind: str
    address: str
    healthy: bool
    problem: str
    pid: int | None
    rss_bytes: int
    lag: float | None


def up(
    site: Site,
    parts: Sequence[Part],
    steps: Sequence[Step],
    progress: Progress,
    guarded_pid: int | None = None,
) -> None:
    """Start what does not run yet, wait until all of it works, and watch over it from then on."""
    site.save()
    environment.write_file(site)
    stack = Stack(site)
    with stack.exclusive():
        stop_supervisor(stack)
        try:
            asyncio.run(stack.up(parts, steps, progress))
        except ExceptionGroup as problems:
            # Not `except*`: what that raises is wrapped in a group again by Python 3.11.2.
            told = problems.subgroup(StackError)
            if told is None:
                raise
            raise told.exceptions[0] from None
        finally:
            start_supervisor(stack, guarded_pid)


def restart(site: Site, parts: Sequence[Part], progress: Progress) -> None:
    """Stop the parts and bring them up again."""
    stack = Stack(site)
    with stack.exclusive():
        stop_supervisor(stack)
        for part in parts:
            stack.stop(part)
    up(site, parts, (), progress)


def start_again(site: Site, part: Part) -> None:
    """Stop one part and start it as `site` says, which need not be how it is saved.

    Nothing else is touched. Should it die, the supervisor starts it as the saved site says.
    """
    stack = Stack(site)
    with stack.exclusive():
        stack.stop(part)
        stack.launch(part)


def healthy_pid(site: Site, part: Part) -> int | None:
    """The process of a part that says that it works; None if it does not."""
    found = _status_of(Stack(site), part)
    return found.pid if found.healthy else None


def down(site: Site) -> list[str]:
    """Stop the supervisor, then our processes, then the servers. Data stays."""
    stack = Stack(site)
    with stack.exclusive():
        stop_supervisor(stack)
        return stop_parts(stack)


def stop_parts(stack: Stack) -> list[str]:
    stopped: list[str] = []
    for _, parts in groupby(reversed(ALL_PARTS), key=lambda part: part.kind):
        known = [part for part in parts if stack.was_wanted(part)]
        with ThreadPoolExecutor(max_workers=max(1, len(known))) as pool:
            list(pool.map(stack.stop, known))
        stopped += [part.name for part in known]
    return stopped


def erase(site: Site) -> None:
    """Remove every trace of a site that is down."""
    data = postgres.Installation.of(site).data
    shutil.rmtree(data.parent, ignore_errors=True)
    shutil.rmtree(site.home, ignore_errors=True)


def status(site: Site) -> list[PartStatus]:
    """Ask every part that was started, all at once."""
    stack = Stack(site)
    known = [part for part in ALL_PARTS if stack.was_wanted(part)]
    with ThreadPoolExecutor(max_workers=max(1, len(known))) as pool:
        found = list(pool.map(lambda part: _status_of(stack, part), known))
    return [*found, _supervisor_status(stack)] if found else []


def start_supervisor(stack: Stack, guarded_pid: int | None = None) -> None:
    variables = {"RIALTO_HOME": str(stack.site.home)}
    plan = python_plan(stack.site, "supervisor", "devstack.supervisor", variables)
    if guarded_pid is not None:
        plan = replace(plan, argv=(*plan.argv, "--guard", str(guarded_pid)))
    pid = spawn(plan, log=stack.site.log("supervisor"))
    write_record(_supervisor_record(stack), Running.of(pid, plan_digest=""))


def stop_supervisor(stack: Stack) -> None:
    running = read_record(_supervisor_record(stack))
    if running is not None:
        running.stop(request=signal.SIGTERM, grace_seconds=10, with_children=False)
        _supervisor_record(stack).unlink()


def supervisor_is_alive(site: Site) -> bool:
    return _supervisor_status(Stack(site)).healthy


def _supervisor_status(stack: Stack) -> PartStatus:
    running = read_record(_supervisor_record(stack))
    is_alive = running is not None and running.is_alive()
    return PartStatus(
        name="supervisor",
        kind="server",
        address="",
        healthy=is_alive,
        problem="" if is_alive else "not running; rialto up starts it",
        pid=running.pid if running is not None and is_alive else None,
        rss_bytes=running.resident_bytes(with_children=False) if running is not None else 0,
        lag=None,
    )


def _supervisor_record(stack: Stack) -> Path:
    return stack.site.directory("run") / "supervisor.json"


def _status_of(stack: Stack, part: Part) -> PartStatus:
    running = stack.running(part)
    problem, lag = "", None
    if running is None:
        problem = "not running"
    else:
        try:
            lag = part.probe(stack.site)
        except Unhealthy as unhealthy:
            problem = str(unhealthy)
    return PartStatus(
        name=part.name,
        kind=part.kind,
        address=f"127.0.0.1:{stack.site.port(part.ports[0])}" if part.ports else "",
        healthy=not problem,
        problem=problem,
        pid=running.pid if running else None,
        rss_bytes=running.resident_bytes(with_children=part.owns_children) if running else 0,
        lag=lag,
    )
