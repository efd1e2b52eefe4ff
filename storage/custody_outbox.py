"""Reads the outbox of deposits and withdrawals, and fills it anew for a rebuild."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.tables_custody import deposits, withdrawals
from storage.tables_projections import custody_changes

_PAGE = 500
_SUBJECTS: tuple[tuple[Table, Any], ...] = (
    (deposits, func.deposit_body),
    (withdrawals, func.withdrawal_body),
)


async def waiting(
    connection: AsyncConnection, *, limit: int = _PAGE
) -> list[tuple[int, dict[str, object]]]:
    """(version, body) of the oldest changes that are not told yet."""
    rows = await connection.execute(
        select(custody_changes.c.version, custody_changes.c.body)
        .order_by(custody_changes.c.version)
        .limit(limit)
    )
    return [(row.version, row.body) for row in rows]


async def told(connection: AsyncConnection, versions: Sequence[int]) -> None:
    """They are on the stream; forget them."""
    await connection.execute(delete(custody_changes).where(custody_changes.c.version.in_(versions)))


async def tell_again(engine: AsyncEngine) -> AsyncIterator[int]:
    """Put every deposit and withdrawal into the outbox as it stands; yields how many at a time.

    The rows are locked before they are read and numbered, so no older state gets a higher version.
    """
    for table, body in _SUBJECTS:
        after = ""
        while True:
            async with engine.begin() as connection:
                page = (
                    select(table.c.id)
                    .where(table.c.id > after)
                    .order_by(table.c.id)
                    .limit(_PAGE)
                    .with_for_update(read=True)
                )
                ids = list((await connection.execute(page)).scalars())
                if not ids:
                    break
                as_they_stand = select(table.c.id, body(table.table_valued())).where(
                    table.c.id.in_(ids)
                )
                await connection.execute(
                    insert(custody_changes).from_select(["subject", "body"], as_they_stand)
                )
            after = ids[-1]
            yield len(ids)
