"""The ledger as its callers see it: post entries, read balances and holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import ExchangeError
from domain.ids import CustomerId, HoldId
from domain.money import AssetCode
from ledger.entry import JournalEntry
from storage.accounts import AccountDirectory
from storage.engine import for_looking
from storage.group_commit import GroupCommit, OutcomeUnknown
from storage.pool import DriverConnection, open_pool
from storage.posting import Posted, Poster, remember_refusals

__all__ = ["Balance", "HoldState", "Ledger", "OutcomeUnknown", "Posted"]


@dataclass(frozen=True, slots=True)
class Balance:
    """What a customer owns of an asset: available is free to use, held is promised."""

    asset: AssetCode
    available_units: int
    held_units: int


@dataclass(frozen=True, slots=True)
class HoldState:
    id: HoldId
    customer_id: CustomerId
    asset: AssetCode
    units: int
    remaining_units: int
    """0: resolved."""


@dataclass(frozen=True, slots=True)
class _Post:
    entry: JournalEntry
    refusal_is_final: bool


class Ledger:
    """One per process. Closing it finishes what was submitted."""

    def __init__(self, engine: AsyncEngine, pool: asyncpg.Pool, directory: asyncpg.Pool) -> None:
        self.engine = engine
        self._looking = for_looking(engine)
        self.pool = pool
        self.poster = Poster(AccountDirectory(directory))
        self._directory = directory
        self._group: GroupCommit[_Post, Posted] = GroupCommit(pool, self._commit)

    @classmethod
    async def open(cls, engine: AsyncEngine) -> Ledger:
        """Opens two pools of its own: a task that holds a connection must not wait for another."""
        return cls(engine, await open_pool(engine.url, size=6), await open_pool(engine.url, size=1))

    async def close(self) -> None:
        await self._group.close()
        await self.pool.close()
        await self._directory.close()

    async def post(self, entry: JournalEntry, *, refusal_is_final: bool = True) -> Posted:
        """Post the entry, sharing a database transaction with whoever posts at the same time.

        Raises InsufficientAvailable, WrongState, IdempotencyBodyDiffers or OutcomeUnknown.
        The same entry again answers `replayed`; a refused one is refused again, though it
        might fit by then, so that nobody who gave up is surprised by a late success (unless
        `refusal_is_final` is off).
        """
        return await self._group.submit(_Post(entry, refusal_is_final))

    async def post_in(
        self, connection: AsyncConnection, entries: Sequence[JournalEntry]
    ) -> list[Posted]:
        """Post all entries or none, inside the caller's transaction, which the caller commits.

        Raises the first refusal, after which the caller must roll back. Call it once a
        transaction: locks are taken in one order, and a second call could break that order.
        """
        await self.poster.open_accounts(entries)
        outcomes, _posted_at = await self.poster.post(await driver_of(connection), entries)
        for outcome in outcomes:
            if isinstance(outcome, ExchangeError):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, Posted)]

    async def balances(self, customer_id: CustomerId) -> list[Balance]:
        """Of every asset the customer ever had, by asset code."""
        async with self._looking.connect() as connection:
            rows = await connection.execute(text(_BALANCES), {"customer_id": customer_id})
            return [Balance(AssetCode(row[0]), int(row[1]), int(row[2])) for row in rows]

    async def hold(self, hold_id: HoldId) -> HoldState | None:
        async with self.engine.connect() as connection:
            row = (await connection.execute(text(_HOLD), {"hold_id": hold_id})).one_or_none()
        if row is None:
            return None
        return HoldState(
            HoldId(row.id),
            CustomerId(row.customer_id),
            AssetCode(row.asset),
            int(row.units),
            int(row.remaining),
        )

    async def _commit(
        self, connection: DriverConnection, posts: Sequence[_Post]
    ) -> Sequence[Posted | Exception]:
        entries = [post.entry for post in posts]
        await self.poster.open_accounts(entries)
        async with connection.transaction():
            outcomes, _posted_at = await self.poster.post(connection, entries)
            refused = [
                (post.entry, outcome)
                for post, outcome in zip(posts, outcomes, strict=True)
                if isinstance(outcome, ExchangeError) and post.refusal_is_final
            ]
            await remember_refusals(connection, refused)
        return outcomes


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """The asyncpg connection below, inside the same transaction."""
    await connection.execute(text("SELECT 1"))  # Only a first statement begins the transaction.
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    assert driver.is_in_transaction()
    return driver


_BALANCES = """
SELECT asset,
       coalesce(sum(balance) FILTER (WHERE kind = 'customer_available'), 0),
       coalesce(sum(balance) FILTER (WHERE kind = 'customer_held'), 0)
FROM accounts WHERE customer_id = :customer_id GROUP BY asset ORDER BY asset
"""

_HOLD = """
SELECT holds.id, accounts.customer_id, accounts.asset, holds.units, holds.remaining
FROM holds JOIN accounts ON accounts.id = holds.account_id WHERE holds.id = :hold_id
"""
