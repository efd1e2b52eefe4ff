"""Comparisons written down, and checks of custody's own rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables_payments import reconciliations

# Every signature belongs to a signed attempt, and every signed attempt has one for each input
# (Bitcoin), or one and one more for each address that it has delegate (Ethereum).
_SIGNATURE_FAULTS = text("""
    SELECT a.payment_id, a.attempt, count(s.input) AS made,
        a.wanted
    FROM (
        SELECT a.payment_id, a.attempt, CASE
            WHEN a.txid IS NULL THEN 0
            WHEN p.chain = 'bitcoin' THEN a.input_count
            ELSE 1 + (
                SELECT count(authorization_nonce) FROM payment_sources
                WHERE payment_id = a.payment_id
            ) END AS wanted
        FROM payment_attempts a JOIN payments p ON p.id = a.payment_id WHERE p.chain = :chain
    ) AS a
    LEFT JOIN signatures s ON s.payment_id = a.payment_id AND s.attempt = a.attempt
    GROUP BY a.payment_id, a.attempt, a.wanted
    HAVING count(s.input) <> a.wanted
""")

# A withdrawal on its way belongs to a payment that pays it, exactly; one that is done was paid.
_WITHOUT_WAY = text("""
    SELECT w.id, w.status FROM withdrawals w
    LEFT JOIN payment_outputs o ON o.withdrawal_id = w.id
        AND o.payment_id = w.payment_id AND o.units = w.units AND o.address = w.address
    WHERE w.chain = :chain AND w.kind = 'chain' AND o.payment_id IS NULL
        AND w.status IN ('reserved', 'broadcast', 'seen', 'done')
""")


_NEWEST = text("""
    SELECT DISTINCT ON (asset) asset, at, difference_units FROM reconciliations
    ORDER BY asset, at DESC, id DESC
""")


_COMPARED = text("""
    SELECT count(DISTINCT asset) FROM reconciliations WHERE starts_with(run_id, :run_ids)
""")


async def newest(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """The last comparison of each asset."""
    return list((await connection.execute(_NEWEST)).all())


async def compared(connection: AsyncConnection, run_ids: str) -> int:
    """Of how many assets a comparison was written down by runs whose ids begin so."""
    found = await connection.execute(_COMPARED, {"run_ids": run_ids})
    return int(found.scalar_one())


async def write_down(
    connection: AsyncConnection,
    *,
    run_id: str,
    asset: str,
    ledger_units: int,
    chain_units: int,
    details: Mapping[str, object],
) -> None:
    """Once for each run and asset: a repeated run keeps its first result."""
    await connection.execute(
        insert(reconciliations)
        .values(
            run_id=run_id,
            asset=asset,
            ledger_units=ledger_units,
            chain_units=chain_units,
            difference_units=chain_units - ledger_units,
            details=dict(details),
        )
        .on_conflict_do_nothing(index_elements=["run_id", "asset"])
    )


async def signature_faults(connection: AsyncConnection, chain: str) -> list[str]:
    """Attempts whose number of signatures is not what it must be."""
    rows = await connection.execute(_SIGNATURE_FAULTS, {"chain": chain})
    return [
        f"payment {row.payment_id}, attempt {row.attempt}: {row.made} signatures, not {row.wanted}"
        for row in rows
    ]


async def money_without_way(connection: AsyncConnection, chain: str) -> list[str]:
    """Withdrawals that should be paid by a payment and are not."""
    rows = await connection.execute(_WITHOUT_WAY, {"chain": chain})
    return [f"withdrawal {row.id} is {row.status}, but no payment pays it" for row in rows]
