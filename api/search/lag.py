"""How far the projections are behind. Shown on every answer that was read from one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from storage.dynamo import Dynamo
from storage.dynamo_checkpoints import ShardPosition, read_positions

FRESH_SECONDS = 1.0
HEARTBEAT_MS = 3000
"""A reader looks at each shard every second; one that has not for this long counts as away."""


class ProjectionLag:
    """Asked often, looked up once a second."""

    def __init__(
        self, dynamo: Dynamo, streams: tuple[str, ...], clock: Callable[[], float] = time.time
    ) -> None:
        self._dynamo = dynamo
        self._streams = streams
        self._clock = clock
        self._known: int | None = None
        self._asked_at = 0.0
        self._turn = asyncio.Lock()

    async def milliseconds(self) -> int | None:
        """None while nobody has read the streams yet, or the tables do not answer."""
        async with self._turn:
            if self._clock() - self._asked_at > FRESH_SECONDS:
                self._asked_at = self._clock()
                try:
                    self._known = await asyncio.to_thread(self._look)
                except Exception:  # noqa: BLE001 - a page is shown without its lag rather than not at all
                    self._known = None
        return self._known

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
