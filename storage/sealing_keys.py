"""Data keys that seal secrets at rest; each is itself encrypted by KMS."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.tables_customers import sealing_keys


async def find_wrapped(engine: AsyncEngine, purpose: str) -> bytes | None:
    statement = select(sealing_keys.c.wrapped).where(sealing_keys.c.purpose == purpose)
    async with engine.connect() as connection:
        return (await connection.execute(statement)).scalar_one_or_none()


async def store_wrapped(engine: AsyncEngine, purpose: str, wrapped: bytes) -> bytes:
    """Store a new key unless another process was quicker; returns the one that counts."""
    async with engine.begin() as connection:
        await connection.execute(
            insert(sealing_keys)
            .values(purpose=purpose, wrapped=wrapped)
            .on_conflict_do_nothing(index_elements=["purpose"])
        )
        statement = select(sealing_keys.c.wrapped).where(sealing_keys.c.purpose == purpose)
        counts: bytes = (await connection.execute(statement)).scalar_one()
        return counts
