"""A signed request counts once: its signature is remembered while its timestamp is good."""

from __future__ import annotations

import hashlib

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from api.exchange.recent import Recent
from domain.errors import SignatureInvalid

_MEMORY_SIZE = 200_000


class Replays:
    """In Valkey, so that every process of the API knows; in memory alone while Valkey is down."""

    def __init__(self, valkey: Valkey, *, window_seconds: float) -> None:
        self._valkey = valkey
        # A timestamp may be this far in the past or in the future.
        self._seconds = 2 * window_seconds
        self._seen: Recent[bytes, bool] = Recent(seconds=self._seconds, size=_MEMORY_SIZE)

    async def refuse_seen(self, key_id: str, signature: str) -> None:
        """Raises SignatureInvalid the second time."""
        digest = hashlib.sha256(f"{key_id}\n{signature}".encode()).digest()
        if self._seen.get(digest) is not None:
            raise SignatureInvalid("this signature was used before")
        self._seen.put(digest, value=True)
        name = f"rate:replay:{digest.hex()[:32]}"
        try:
            first = await self._valkey.set(name, b"1", nx=True, px=int(self._seconds * 1000))
        except ValkeyError:
            return
        if not first:
            raise SignatureInvalid("this signature was used before")
