"""The one table of everything `rialto up` starts."""

from __future__ import annotations

from collections.abc import Sequence

from devstack import postgres, temporal, web
from devstack.part import Part, Step
from devstack.rialto import PROCESSES, STEPS
from devstack.servers import SERVERS
from devstack.stack import StackError

ALL_SERVERS: tuple[Part, ...] = (postgres.PART, temporal.PART, *SERVERS)
ALL_STEPS: tuple[Step, ...] = STEPS
ALL_PARTS: tuple[Part, ...] = (*ALL_SERVERS, *PROCESSES, web.PART)
_ITEMS: tuple[Part | Step, ...] = (*ALL_PARTS, *ALL_STEPS)
BY_NAME = {item.name: item for item in _ITEMS}


def select(names: Sequence[str]) -> tuple[list[Part], list[Step]]:
    """The named parts and everything they need, in the order of the table."""
    wanted: set[str] = set()

    def want(name: str) -> None:
        if name not in BY_NAME:
            raise _unknown(name)
        if name not in wanted:
            wanted.add(name)
            for need in BY_NAME[name].needs:
                want(need)

    for name in names:
        want(name)
    return (
        [part for part in ALL_PARTS if part.name in wanted],
        [step for step in ALL_STEPS if step.name in wanted],
    )


def named(name: str) -> Part:
    for part in ALL_PARTS:
        if part.name == name:
            return part
    raise _unknown(name)


def _unknown(name: str) -> StackError:
    return StackError(f"no part is called {name}; there are: {', '.join(BY_NAME)}")
