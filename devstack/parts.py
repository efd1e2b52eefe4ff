"""The one table of everything `rialto up` starts."""

from __future__ import annotations

from collections.abc import Sequence

from devstack import postgres, temporal
from devstack.part import Part, Step
from devstack.rialto import PROCESSES, STEPS
from devstack.servers import SERVERS
from devstack.stack import StackError

ALL_SERVERS: tuple[Part, ...] = (postgres.PART, temporal.PART, *SERVERS)
ALL_STEPS: tuple[Step, ...] = STEPS
ALL_PARTS: tuple[Part, ...] = (*ALL_SERVERS, *PROCESSES)
BY_NAME = {part.name: part for part in ALL_PARTS}


def select(names: Sequence[str]) -> list[Part]:
    """The named parts and everything they need, in the order of the table."""
    wanted: set[str] = set()

    def want(name: str) -> None:
        if name not in BY_NAME:
            raise StackError(f"no part is called {name}; there are: {', '.join(BY_NAME)}")
        wanted.add(name)
        for need in BY_NAME[name].needs:
            if need in BY_NAME and need not in wanted:
                want(need)

    for name in names:
        want(name)
    return [part for part in ALL_PARTS if part.name in wanted]
