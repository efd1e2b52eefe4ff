"""Whether each part this process needs answers right now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

Check = Callable[[], Awaitable[object]]
_SECONDS_MAX = 2.0


@dataclass(frozen=True, slots=True)
class PartState:
    healthy: bool
    detail: str = ""


class Readiness:
    """Each check raises, or takes too long, when its part is down."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)

    async def parts(self) -> dict[str, PartState]:
        states = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
        return dict(zip(self._checks, states, strict=True))


async def _ask(check: Check) -> PartState:
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            await check()
    except TimeoutError:
        return PartState(healthy=False, detail="no answer in time")
    except Exception as fault:  # noqa: BLE001 - whatever is wrong with it, the part is not ready
        return PartState(healthy=False, detail=type(fault).__name__)
    return PartState(healthy=True)
