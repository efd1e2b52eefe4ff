"""What the table of parts holds: one row per thing that `rialto up` starts."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devstack.process import Plan
from devstack.site import CHECKOUT, Site

VENV_BIN = Path(sys.prefix) / "bin"


def nothing(_site: Site) -> None:
    """The `prepare` and `finish` of a part that needs none."""


@dataclass(frozen=True)
class Part:
    """A long-running process of the stack."""

    name: str
    kind: Literal["server", "rialto"]
    ports: tuple[str, ...]
    """Names of the ports it listens on, if any; the first is its address."""
    plan: Callable[[Site], Plan]
    probe: Callable[[Site], float | None]
    """Raises `Unhealthy` until the part works; then says how far behind it is, if it knows."""
    needs: tuple[str, ...] = ()
    prepare: Callable[[Site], None] = nothing
    """Runs before every start, also after a crash."""
    finish: Callable[[Site], None] = nothing
    """Runs when the part is healthy for the first time in an `up`; must be idempotent."""
    is_forked: bool = False
    """Whether the nursery, if there is one, starts it: `python -m MODULE` with our libraries."""
    owns_children: bool = True
    """Whether its children end and count with it; the nursery's are parts of their own."""
    before_stop: Callable[[Site], None] = nothing
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 15.0
    patience_seconds: float = 180.0
    """How long a start may take before `up` gives up."""


@dataclass(frozen=True)
class Step:
    """What runs to its end before the processes start; running it again changes nothing."""

    name: str
    plan: Callable[[Site], Plan]
    needs: tuple[str, ...]
    patience_seconds: float = 180.0


def plain_environment(
    site: Site, name: str, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What every process gets: a path, a home of its own, UTC; nothing of the caller's shell."""
    return {
        "PATH": os.pathsep.join([str(VENV_BIN), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(site.directory(name)),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        **(extra or {}),
    }


def server_plan(
    site: Site, name: str, *argv: str | Path, extra: Mapping[str, str] | None = None
) -> Plan:
    words = tuple(str(word) for word in argv)
    return Plan(words, plain_environment(site, name, extra), site.directory(name))


def python_plan(site: Site, name: str, module: str, variables: Mapping[str, str]) -> Plan:
    environment = plain_environment(site, name, {"PYTHONUNBUFFERED": "1", **variables})
    environment["TMPDIR"] = str(site.directory("tmp"))
    return Plan((sys.executable, "-m", module), environment, CHECKOUT)
