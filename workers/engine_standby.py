"""A warm standby: the state of the exchange, kept up to date from another writer's journal."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from engine.journal import TornTail
from streams.journal import Follower, newest_epoch, replay
from streams.replica import Replica, restore

logger = logging.getLogger(__name__)

_MOMENT_SECONDS = 0.2


class Standby:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._replica = restore(directory)
        self._follower = Follower(directory, self._replica.exchange.number)

    def newest_epoch(self) -> int:
        return newest_epoch(self._directory)

    def follow(self) -> None:
        """Apply what became durable since the last call, as much as takes a moment."""
        self._follower.look_for_epoch()
        began = time.monotonic()
        while records := self._follower.poll():
            for record in records:
                self._replica.apply(record)
            if time.monotonic() - began > _MOMENT_SECONDS:
                return

    def finish(self) -> Replica:
        """The state after every whole record there is, also of those that nobody acknowledged.

        Only for the holder of the lease. Raises CorruptJournal or Diverged: then nobody may write.
        """
        self._follower.close()
        for found in replay(self._directory, self._replica.exchange.number):
            if isinstance(found, TornTail):
                logger.warning("a torn tail is left out", extra={"tail": str(found)})
            else:
                self._replica.apply(found)
        return self._replica
