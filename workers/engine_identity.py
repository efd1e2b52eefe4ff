"""Who this process is, and whether another one on this machine has ended."""

from __future__ import annotations

from pathlib import Path

import psutil


def own_identity() -> str:
    """Machine boot, process namespace, process id and start: never the same twice."""
    me = psutil.Process()
    return f"{_machine()}/{me.pid}/{int(me.create_time() * 100)}"


def is_gone(identity: str) -> bool:
    """Whether that process surely ended. Of other machines and containers nothing is known."""
    machine, _, process = identity.rpartition("/")[0].rpartition("/")
    started = identity.rpartition("/")[2]
    if machine != _machine() or not process.isdigit():
        return False
    try:
        return int(psutil.Process(int(process)).create_time() * 100) != int(started)
    except (psutil.NoSuchProcess, ValueError):
        return True


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():
        return "unknown"
    return f"{boot.read_text().strip()}/{Path('/proc/self/ns/pid').readlink()}"
