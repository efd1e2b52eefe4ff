"""Deposits that no block takes in, and the children that were to pull them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_STUCK = text("""
    SELECT d.txid, d.index AS vout, d.address, a.script, d.units
    FROM deposits d JOIN deposit_addresses a ON a.chain = d.chain AND a.address = d.address
    WHERE d.chain = 'bitcoin' AND d.status = 'detected' AND d.height IS NULL
        AND d.sweep_payment_id IS NULL AND (d.screening ->> 'is_clear')::boolean
        AND d.first_seen_at < now() - make_interval(secs => :older_than)
    ORDER BY d.units DESC, d.id LIMIT :limit
    FOR UPDATE OF d
""")
_ORPHANS = text("""
    SELECT DISTINCT p.id AS payment_id, u.txid AS parent_txid
    FROM payments p
    JOIN utxo_reservations r ON r.payment_id = p.id
    JOIN utxos u ON u.txid = r.txid AND u.vout = r.vout AND u.height IS NULL
    JOIN deposits d ON d.chain = 'bitcoin' AND d.txid = u.txid AND d.index = u.vout
    WHERE p.chain = 'bitcoin' AND p.kind = 'sweep' AND p.posted_at IS NULL
        AND p.height IS NULL AND d.status = 'orphaned'
""")


@dataclass(frozen=True, slots=True)
class StuckDeposit:
    txid: str
    vout: int
    address: str
    script: bytes
    units: int


@dataclass(frozen=True, slots=True)
class Orphan:
    payment_id: str
    parent_txid: str


async def stuck(
    connection: AsyncConnection, *, older_than_seconds: float, limit: int = 20
) -> list[StuckDeposit]:
    """Screened clear, in no block for so long, and without a child; the largest first, locked."""
    parameters = {"older_than": older_than_seconds, "limit": limit}
    return [
        StuckDeposit(row.txid, row.vout, row.address, bytes(row.script), int(row.units))
        for row in await connection.execute(_STUCK, parameters)
    ]


async def orphans(connection: AsyncConnection) -> list[Orphan]:
    """Open sweeps that spend what a deposit would have brought that is not coming any more."""
    return [Orphan(row.payment_id, row.parent_txid) for row in await connection.execute(_ORPHANS)]


async def release_deposits(connection: AsyncConnection, payment_id: str) -> None:
    """No sweep has these deposits any more."""
    await connection.execute(
        text("UPDATE deposits SET sweep_payment_id = NULL WHERE sweep_payment_id = :payment_id"),
        {"payment_id": payment_id},
    )
