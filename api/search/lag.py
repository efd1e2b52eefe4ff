"""How far the projections are behind. Shown on every answer that was read from one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from storage.dynamo import Dynamo
from storage.dynamo_checkpoints import ShardPosition, read_positions

LAG_HEADER = "Projection-Lag-Ms"
FRESH_SECONDS = 1.0
PATIENCE_SECONDS = 0.5
"""A look takes some milliseconds; after this an answer leaves without."""

HEARTBEAT_MS = 3000
"""A reader looks at each shard every second; one that has not for this long counts as away."""


class ProjectionLag:
    """Asked often, looked up once a second. Nobody waits long for it while the tables are away."""

    def __init__(
        self, dynamo: Dynamo, streams: tuple[str, ...], clock: Callable[[], float] = time.time
    ) -> None:
        self._dynamo = dynamo
        self._streams = streams
        self._clock = clock
        self._known: int | None = None
        self._asked_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def milliseconds(self) -> int | None:
        """None while nobody has read the streams yet, or the tables do not answer."""
        if self._asking is None and self._clock() - self._asked_at > FRESH_SECONDS:
            self._asked_at = self._clock()
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None:
            patience = self._asked_at + PATIENCE_SECONDS - self._clock()
            await asyncio.wait({self._asking}, timeout=max(0.0, patience))
        return None if self._asking is not None else self._known

    async def headers(self) -> dict[str, str]:
        """What an answer that has no field for it says; nothing while the lag is unknown."""
        behind_ms = await self.milliseconds()
        return {} if behind_ms is None else {LAG_HEADER: str(behind_ms)}

    async def _ask(self) -> None:
        try:
            self._known = await asyncio.to_thread(self._look)
        except Exception:  # noqa: BLE001 - a page is shown without its lag rather than not at all
            self._known = None
        finally:
            self._asking = None

    def _look(self) -> int | None:
        positions = [
            position
            for stream in self._streams
            for position in read_positions(self._dynamo, stream).values()
        ]
        return lag_ms(positions, int(self._clock() * 1000))


def lag_ms(positions: list[ShardPosition], now_ms: int) -> int | None:
    """Of the shard that is furthest behind, with the time since anybody last looked."""
    behind = []
    for position in positions:
        if not position.is_finished:
            silent_ms = now_ms - position.looked_at_ms
            behind.append(position.behind_ms + (silent_ms if silent_ms > HEARTBEAT_MS else 0))
    return max(behind, default=None)
