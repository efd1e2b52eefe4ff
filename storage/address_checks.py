"""Which deposit addresses the signer has derived itself, and which it has not yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables_custody import deposit_addresses, xpubs

_OVERDUE = text("""
    SELECT count(*) FROM deposit_addresses
    WHERE chain = :chain AND verified_at IS NULL AND created_at < now() - interval '10 minutes'
""")


@dataclass(frozen=True, slots=True)
class Unverified:
    xpub_id: int
    index: int
    chain: str
    address: str
    seed_id: str
    account_path: str


async def unverified_after(
    connection: AsyncConnection, known: Mapping[int, int], *, limit: int = 500
) -> list[Unverified]:
    """Above the highest index `known` of each xpub id, lowest first: indexes appear in order."""
    found: list[Unverified] = []
    for xpub_id in sorted(await connection.scalars(select(xpubs.c.id))):
        rows = await connection.execute(
            select(
                deposit_addresses.c.xpub_id,
                deposit_addresses.c.index,
                deposit_addresses.c.chain,
                deposit_addresses.c.address,
                xpubs.c.seed_id,
                xpubs.c.path,
            )
            .join(xpubs, xpubs.c.id == deposit_addresses.c.xpub_id)
            .where(
                deposit_addresses.c.xpub_id == xpub_id,
                deposit_addresses.c.index > known.get(xpub_id, -1),
                deposit_addresses.c.verified_at.is_(None),
            )
            .order_by(deposit_addresses.c.index)
            .limit(limit - len(found))
        )
        found += [Unverified(*row) for row in rows]
        if len(found) == limit:
            break
    return found


async def mark_verified(connection: AsyncConnection, chain: str, addresses: Sequence[str]) -> None:
    await connection.execute(
        update(deposit_addresses)
        .where(deposit_addresses.c.chain == chain, deposit_addresses.c.address.in_(addresses))
        .values(verified_at=func.now())
    )


async def overdue(connection: AsyncConnection, chain: str) -> int:
    """Addresses that customers were shown, and that the signer did not find within ten minutes."""
    return int(await connection.scalar(_OVERDUE, {"chain": chain}) or 0)
