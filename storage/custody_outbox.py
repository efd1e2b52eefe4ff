"""Reads the outbox of deposits and withdrawals: what is still to tell, and all that ever was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables_custody import chain_events
from storage.tables_projections import custody_changes as changes

PAGE = 500

Body = dict[str, object]


async def waiting(connection: AsyncConnection) -> list[tuple[int, Body]]:
    """(version, body) of the oldest changes that are not told yet."""
    rows = await connection.execute(
        select(changes.c.version, changes.c.body)
        .where(changes.c.told_at.is_(None))
        .order_by(changes.c.version)
        .limit(PAGE)
    )
    return [(row.version, row.body) for row in rows]


async def told(connection: AsyncConnection, versions: Sequence[int]) -> None:
    """They are on the stream."""
    await connection.execute(
        update(changes).where(changes.c.version.in_(versions)).values(told_at=func.now())
    )


async def changes_after(connection: AsyncConnection, version: int) -> list[tuple[int, Body]]:
    """Changes of all time, oldest first, a page at a time."""
    rows = await connection.execute(
        select(changes.c.version, changes.c.body)
        .where(changes.c.version > version)
        .order_by(changes.c.version)
        .limit(PAGE)
    )
    return [(row.version, row.body) for row in rows]


async def chain_events_after(connection: AsyncConnection, number: int) -> list[tuple[int, Body]]:
    """What the listeners said of all time, as they put it on the stream, a page at a time."""
    rows = await connection.execute(
        select(chain_events.c.id, chain_events.c.body, chain_events.c.at)
        .where(chain_events.c.id > number)
        .order_by(chain_events.c.id)
        .limit(PAGE)
    )
    return [
        (row.id, {**row.body, "sequence": row.id, "at_ms": int(row.at.timestamp() * 1000)})
        for row in rows
    ]


async def last_change_before(connection: AsyncConnection, moment: datetime) -> int:
    """Version of the newest change before that moment; 0 if there is none."""
    query = select(func.coalesce(func.max(changes.c.version), 0)).where(changes.c.at < moment)
    return int((await connection.execute(query)).scalar_one())


async def last_chain_event_before(connection: AsyncConnection, moment: datetime) -> int:
    """Number of the newest event before that moment; 0 if there is none."""
    query = select(func.coalesce(func.max(chain_events.c.id), 0))
    return int((await connection.execute(query.where(chain_events.c.at < moment))).scalar_one())


async def newest_change(connection: AsyncConnection) -> int:
    """Version of the newest change of all; 0 if there is none."""
    query = select(func.coalesce(func.max(changes.c.version), 0))
    return int((await connection.execute(query)).scalar_one())


async def newest_chain_event(connection: AsyncConnection) -> int:
    """Number of the newest event of all; 0 if there is none."""
    query = select(func.coalesce(func.max(chain_events.c.id), 0))
    return int((await connection.execute(query)).scalar_one())
