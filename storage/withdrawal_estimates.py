"""What an estimate of a withdrawal's arrival is made of, read in one query for each question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.withdrawal import WithdrawalKind, WithdrawalStatus
from domain.withdrawal_estimate import AssetFacts, Estimate, estimate

_FACTS = text("""
    SELECT p.asset, p.withdraw_enabled AND s.is_on AS is_open,
        c.batch_window_seconds, c.block_seconds,
        coalesce((
            SELECT -balance FROM accounts WHERE kind = 'hot_wallet' AND asset = p.asset
        ), 0) AS hot_units,
        coalesce((
            SELECT sum(units) FROM payments o
            WHERE o.wallet_id = 'hot-' || a.chain AND o.asset = p.asset
                AND o.posted_at IS NULL AND o.status <> 'dead'
        ), 0) AS promised_units,
        coalesce((
            SELECT sum(credited_units) FROM deposits d
            WHERE d.asset = p.asset AND d.status = 'withdrawable' AND d.swept_at IS NULL
        ), 0) AS sweepable_units
    FROM custody_assets p
    JOIN assets a ON a.code = p.asset
    JOIN chain_policies c ON c.chain = a.chain
    JOIN switches s ON s.name = 'withdrawals'
    WHERE p.asset = ANY(:assets)
""")
_QUEUE = text("""
    SELECT id, sum(units) OVER (PARTITION BY asset ORDER BY approved_at, id) AS units
    FROM withdrawals WHERE status = 'approved' AND kind = 'chain' AND asset = ANY(:assets)
""")


async def facts(connection: AsyncConnection, assets: Sequence[str]) -> dict[str, AssetFacts]:
    rows = await connection.execute(_FACTS, {"assets": list(assets)})
    return {
        row.asset: AssetFacts(
            row.is_open,
            row.batch_window_seconds,
            row.block_seconds,
            int(row.hot_units),
            int(row.promised_units),
            int(row.sweepable_units),
        )
        for row in rows
    }


async def queued_units(connection: AsyncConnection, assets: Sequence[str]) -> dict[str, int]:
    """By withdrawal that waits to be paid: its units and those of all before it."""
    rows = await connection.execute(_QUEUE, {"assets": list(assets)})
    return {row.id: int(row.units) for row in rows}


async def estimates(
    connection: AsyncConnection, rows: Sequence[Row[Any]]
) -> dict[str, Estimate | None]:
    """By withdrawal id; nothing is asked when all are finished."""
    waiting = [row for row in rows if row.status not in ("done", "cancelled", "rejected")]
    if not waiting:
        return {}
    assets = sorted({row.asset for row in waiting})
    by_asset = await facts(connection, assets)
    queue = await queued_units(connection, assets)
    return {
        row.id: estimate(
            by_asset[row.asset],
            WithdrawalStatus(row.status),
            WithdrawalKind(row.kind),
            queue.get(row.id, int(row.units)),
        )
        for row in waiting
    }
