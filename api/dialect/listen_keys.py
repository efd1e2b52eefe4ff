"""Listen keys: how older clients name the stream of their own account. Valid for an hour."""

from __future__ import annotations

import secrets
import string

from valkey.asyncio import Valkey

from api.dialect.errors import DialectError
from domain.ids import CustomerId

LENGTH = 64
_SECONDS = 3600
_ALPHABET = string.ascii_letters + string.digits


class ListenKeys:
    """In Valkey: they are lost with it, and clients ask for another as they do every hour."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def create(self, customer_id: CustomerId) -> str:
        """The account's key, good for another hour; the same one while it is valid."""
        fresh = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
        mine = f"listen:of:{customer_id}"
        known = await self._valkey.get(mine)
        key = known.decode() if known is not None else fresh
        await self._valkey.set(mine, key, ex=_SECONDS)
        await self._valkey.set(f"listen:key:{key}", str(customer_id), ex=_SECONDS)
        return key

    async def keep(self, customer_id: CustomerId, key: str) -> None:
        """Another hour. Raises -1125."""
        await self._require(customer_id, key)
        await self._valkey.expire(f"listen:key:{key}", _SECONDS)
        await self._valkey.expire(f"listen:of:{customer_id}", _SECONDS)

    async def close(self, customer_id: CustomerId, key: str) -> None:
        """Raises -1125."""
        await self._require(customer_id, key)
        await self._valkey.delete(f"listen:key:{key}", f"listen:of:{customer_id}")

    async def owner(self, key: str) -> CustomerId | None:
        if len(key) != LENGTH or not key.isalnum():
            return None
        found = await self._valkey.get(f"listen:key:{key}")
        return None if found is None else CustomerId(int(found))

    async def _require(self, customer_id: CustomerId, key: str) -> None:
        if await self.owner(key) != customer_id:
            raise DialectError(-1125, "This listenKey does not exist.")
