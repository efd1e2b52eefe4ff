"""Processor time of the parts of a rented stack."""

from __future__ import annotations

from collections.abc import Iterable

import psutil

from devstack.rented import RentedStack


def processor_seconds(stack: RentedStack, names: Iterable[str]) -> dict[str, float]:
    """Of each part that runs, so far; with its children, as PostgreSQL's do the work."""
    pids = {name: stack.pid(name) for name in names}
    return {name: _seconds(pid) for name, pid in pids.items() if pid is not None}


def busy_seconds() -> float:
    """Of all processors of this machine, whoever used them, since it started."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + times.irq + times.softirq)


def _seconds(pid: int) -> float:
    """Children that ended are in their parent's time, so this never goes back."""
    total = 0.0
    try:
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            times = each.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    except psutil.NoSuchProcess:
        pass
    return total
