"""One promise about the projections: how all of it is looked at, and how a part is looked at again.

Projections are behind by design, so what differs at first is a suspect only. It is read anew on
both sides until it agrees or time is up; then it is off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar

_T = TypeVar("_T")

PAGE = 500


class Suspect(NamedTuple):
    key: Any
    """What `again` needs to look at it once more."""
    subject: str
    detail: str


class Check(Protocol):
    @property
    def name(self) -> str: ...

    def first(self) -> AsyncIterator[Suspect]:
        """Everything, on both sides."""
        ...

    async def again(self, keys: Collection[Any]) -> list[Suspect]:
        """Those that still differ."""
        ...


async def pages(items: Iterable[_T], size: int = PAGE) -> AsyncIterator[list[_T]]:
    """Pages of an iterable that blocks."""
    iterator = iter(items)
    while page := await asyncio.to_thread(lambda: list(islice(iterator, size))):
        yield page


def differing(expected: dict[str, Any], found: dict[str, Any]) -> str:
    """Field by field; empty when they agree."""
    return ", ".join(
        f"{name} is {found.get(name)!r}, not {value!r}"
        for name, value in expected.items()
        if found.get(name) != value
    )
