"""Group commit: callers that come at the same time share one database transaction, and one fsync.

A batch is what waits when a connection becomes free, so an idle ledger commits at once and a busy
one in large groups, without any timer. One caller's refusal never touches its neighbours: it is
found in memory before anything is written. Should the database itself refuse a batch, its members
are tried one by one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import asyncpg

from storage.pool import DriverConnection

logger = logging.getLogger(__name__)

Work = TypeVar("Work")
Result = TypeVar("Result")

BATCH_MAX = 256
"""Longer batches hold hot accounts' locks longer and gain little: a commit is 1% of them."""

_COMMITTERS = (1, 1, BATCH_MAX)
"""How many works must wait for each of them. The third has something to do in a crowd, while the
others wait for the database; three small batches would only wait for each other's locks.
"""

_RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
PATIENCE_SECONDS = 10.0
"""How long an unreachable database is tried again before callers are told `OutcomeUnknown`."""

_GONE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
)
_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)


class OutcomeUnknown(Exception):
    """The database went away and did not come back in time: done or not, we cannot tell.

    Ask again with the same ids, or look them up. Never assume either answer.
    """


class GroupCommit(Generic[Work, Result]):
    """Runs `commit(connection, batch)` for batches of submitted works, a few batches at a time.

    `commit` opens and commits its own transaction and answers one result, or one exception, for
    each work. It must be safe to repeat: after a lost connection the same batch is run again.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        commit: Callable[
            [DriverConnection, Sequence[Work]], Awaitable[Sequence[Result | Exception]]
        ],
    ) -> None:
        self._pool = pool
        self._commit = commit
        self._waiting: deque[tuple[Work, asyncio.Future[Result]]] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._tasks = [asyncio.create_task(self._run(least)) for least in _COMMITTERS]

    async def submit(self, work: Work) -> Result:
        """The result once it is committed; raises what `commit` answered for this work."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        self._arrived.set()
        return await future

    async def submit_all(self, works: Sequence[Work]) -> list[Result | Exception]:
        """Results in the order of `works`, refusals as values."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Result]] = [loop.create_future() for _ in works]
        self._waiting.extend(zip(works, futures, strict=True))
        self._arrived.set()
        results: list[Result | Exception] = []
        for future in futures:
            try:
                results.append(await future)
            except Exception as refusal:  # noqa: BLE001 - the caller sorts them
                results.append(refusal)
        return results

    async def close(self) -> None:
        """Finish what was submitted, then stop."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._tasks)

    async def _run(self, least: int) -> None:
        """Commit whenever that many works wait."""
        while True:
            while len(self._waiting) < least:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            await asyncio.sleep(0)  # Lets everybody who is ready in this round join.
            count = min(len(self._waiting), BATCH_MAX)
            if count >= least:  # Another committer may have taken some meanwhile.
                await self._settle([self._waiting.popleft() for _ in range(count)])

    async def _settle(self, batch: Sequence[tuple[Work, asyncio.Future[Result]]]) -> None:
        """Commit the batch and answer its callers, whatever happens."""
        try:
            results = await self._committed([work for work, _ in batch])
        except Exception as fault:
            if len(batch) > 1 and not isinstance(fault, OutcomeUnknown):
                logger.exception("batch refused by the database; trying one by one")
                for one in batch:
                    await self._settle([one])
                return
            results = [fault] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            _answer(future, result)

    async def _committed(self, works: Sequence[Work]) -> Sequence[Result | Exception]:
        """Run `commit` until it answers. A lost connection leaves the outcome open: ask again."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        attempt = 0
        while True:
            try:
                async with self._pool.acquire() as connection:
                    return await self._commit(connection, works)
            except _AGAIN:
                pass
            except _GONE as fault:
                if asyncio.get_running_loop().time() > deadline:
                    raise OutcomeUnknown("the database is out of reach") from fault
                logger.warning(
                    "database connection lost; asking again", extra={"fault": str(fault)}
                )
            await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
            attempt += 1


def _answer(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():  # The caller gave up waiting; the work is done all the same.
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
