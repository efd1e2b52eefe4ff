"""Valkey publish/subscribe: one subscriber per process that survives the server's restarts.

What is published while the connection is down is lost; after each (re)connection `on_connected` is
called, so that whoever follows a channel can read a snapshot and go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from valkey.asyncio import Valkey
from valkey.asyncio.client import PubSub
from valkey.exceptions import ValkeyError

logger = logging.getLogger(__name__)

Handler = Callable[[str, bytes], None]
"""Called with channel and message; must not block."""

_RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0)
_POLL_SECONDS = 5.0
_PING_CHANNEL = "rialto:subscriber"
"""A subscription that is always there: without any, the connection could not be read from."""


class Subscriber:
    """Channels may be added and removed at any time, also while the server is away."""

    def __init__(
        self,
        valkey: Valkey,
        handler: Handler,
        on_connected: Callable[[Iterable[str]], Awaitable[None]],
    ) -> None:
        self._valkey = valkey
        self._handler = handler
        self._on_connected = on_connected
        self._channels: set[str] = set()
        self._pubsub: PubSub | None = None
        self.is_connected = False

    async def subscribe(self, *channels: str) -> None:
        """From the return on, messages arrive, if the server is there."""
        fresh = set(channels) - self._channels
        self._channels |= fresh
        if fresh and self._pubsub is not None:
            await self._quietly(self._pubsub.subscribe(*fresh))

    async def unsubscribe(self, *channels: str) -> None:
        gone = set(channels) & self._channels
        self._channels -= gone
        if gone and self._pubsub is not None:
            await self._quietly(self._pubsub.unsubscribe(*gone))

    async def run(self) -> None:
        """Listen for ever, reconnecting as often as needed."""
        attempt = 0
        while True:
            try:
                async with self._valkey.pubsub() as pubsub:
                    await pubsub.subscribe(_PING_CHANNEL, *self._channels)
                    self._pubsub, self.is_connected, attempt = pubsub, True, 0
                    await self._on_connected(frozenset(self._channels))
                    await self._listen(pubsub)
            except (ValkeyError, OSError) as fault:
                logger.warning("subscriber lost its server", extra={"fault": str(fault)[:200]})
            finally:
                self._pubsub, self.is_connected = None, False
            await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
            attempt += 1

    async def _listen(self, pubsub: PubSub) -> None:
        while True:
            message = await pubsub.get_message(
                ignore_subscribe_messages=True, timeout=_POLL_SECONDS
            )
            if message is None:
                await pubsub.ping()  # A connection that died silently shows itself.
            elif message["type"] == "message":
                self._handler(message["channel"].decode(), message["data"])

    async def _quietly(self, command: Awaitable[object]) -> None:
        """A command that fails means the connection is gone; `run` subscribes anew."""
        try:
            await command
        except (ValkeyError, OSError) as fault:
            logger.info("subscription waits for its server", extra={"fault": str(fault)[:200]})
