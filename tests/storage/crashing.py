"""A pool whose connections die at a chosen await: before the server got the statement, or after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


class Crash:
    """Counts the awaits on the database, and dies at one of them, once."""

    def __init__(self, at: int, *, after: bool) -> None:
        self._at = at
        self._after = after
        self.awaits = 0
        self.happened = False
        self.died: Any = None

    async def run(self, connection: Any, call: Any) -> Any:
        self.awaits += 1
        if self.happened or self.awaits != self._at:
            return await call()
        self.happened, self.died = True, connection
        if self._after:
            await call()
        connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError("crashed here")


class CrashingPool:
    """Stands in for an asyncpg pool."""

    def __init__(self, pool: asyncpg.Pool, crash: Crash) -> None:
        self._pool = pool
        self._crash = crash

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with self._pool.acquire() as connection:
            yield _Connection(connection, self._crash)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class _Connection:
    def __init__(self, connection: Any, crash: Crash) -> None:
        self._connection = connection
        self._crash = crash

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        transaction = self._connection.transaction()
        await self._crash.run(self._connection, transaction.start)
        try:
            yield
        except BaseException:
            if self._crash.died is not self._connection:
                await transaction.rollback()
            raise
        await self._crash.run(self._connection, transaction.commit)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._crash.run(self._connection, lambda: method(*args, **kwargs))

        return call
