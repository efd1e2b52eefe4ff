"""What operations look at: the treasury, the newest reconciliations, and what waits where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.money import format_units

# Owed: customers' balances, and what is confirmed as leaving. Owned: coins on chain, by the books.
_TREASURY = text("""
    SELECT a.code AS asset, a.chain, a.scale, p.withdraw_enabled, p.pause_reason,
        p.hot_low_units, p.hot_target_units,
        coalesce(sum(-c.balance) FILTER (WHERE c.kind = 'hot_wallet'), 0) AS hot_units,
        coalesce(sum(-c.balance) FILTER (WHERE c.kind = 'warm_wallet'), 0) AS warm_units,
        coalesce(sum(-c.balance) FILTER (WHERE c.kind = 'cold_wallet'), 0) AS cold_units,
        coalesce(sum(-c.balance) FILTER (WHERE c.kind = 'deposit_wallet'), 0) AS unswept_units,
        coalesce(sum(c.balance) FILTER (WHERE c.kind IN
            ('customer_available', 'customer_held', 'pending_withdrawal')), 0) AS owed_units,
        (SELECT count(*) FROM refill_requests r
            WHERE r.asset = a.code AND r.status IN ('open', 'sent')) AS refills
    FROM custody_assets p JOIN assets a ON a.code = p.asset
    LEFT JOIN accounts c ON c.asset = a.code
    GROUP BY a.code, a.chain, a.scale, p.asset ORDER BY a.code
""")
_RECONCILED = text("""
    SELECT DISTINCT ON (r.asset) r.asset, a.scale, r.at, r.ledger_units, r.chain_units,
        r.difference_units
    FROM reconciliations r JOIN assets a ON a.code = r.asset
    ORDER BY r.asset, r.at DESC, r.id DESC
""")
_WAITING = text("""
    SELECT 'orders not yet sent to the engine' AS what, count(*) AS number,
        min(created_at) AS oldest
        FROM order_commands WHERE sent_at IS NULL
    UNION ALL SELECT 'deposits ' || status, count(*), min(first_seen_at) FROM deposits
        WHERE status IN ('detected', 'confirming', 'held') GROUP BY status
    UNION ALL SELECT 'withdrawals ' || status, count(*), min(created_at) FROM withdrawals
        WHERE status NOT IN ('done', 'cancelled', 'rejected') GROUP BY status
    ORDER BY what
""")
_CHAINS = text("""
    SELECT chain, height, node_height, coalesce(halted_reason, '') AS halted_reason, updated_at
    FROM chain_cursors ORDER BY chain
""")


@dataclass(frozen=True, slots=True)
class Treasury:
    """Of one asset, as decimal text of it."""

    asset: str
    chain: str
    hot: str
    hot_low: str
    hot_target: str
    warm: str
    cold: str
    unswept: str
    """On customers' deposit addresses."""
    owed: str
    covered: bool
    """By the books we own at least what we owe."""
    is_low: bool
    refills: int
    """Asked of the keepers of the cold wallet and not booked yet."""
    paused: str
    """Why withdrawals are switched off; empty: they are on."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The last comparison of one asset, as decimal text of it."""

    asset: str
    at: datetime
    ledger: str
    chain: str
    difference: str


@dataclass(frozen=True, slots=True)
class Waiting:
    what: str
    number: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Listener:
    chain: str
    height: int
    behind: int | None
    """Blocks that the node has and the listener has not; None: the node has not said."""
    halted: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StaffFigures:
    treasury: list[Treasury]
    reconciliation: list[Reconciled]
    waiting: list[Waiting]
    listeners: list[Listener]


async def read_figures(connection: AsyncConnection) -> StaffFigures:
    """All of the caller's one snapshot."""
    return StaffFigures(
        [_treasury(row) for row in await _rows(connection, _TREASURY)],
        [_reconciled(row) for row in await _rows(connection, _RECONCILED)],
        [Waiting(row.what, row.number, row.oldest) for row in await _rows(connection, _WAITING)],
        [_listener(row) for row in await _rows(connection, _CHAINS)],
    )


async def _rows(connection: AsyncConnection, query: Any) -> Sequence[Row[Any]]:
    return (await connection.execute(query)).all()


def _treasury(row: Row[Any]) -> Treasury:
    owned = int(row.hot_units + row.warm_units + row.cold_units + row.unswept_units)
    return Treasury(
        asset=row.asset,
        chain=row.chain,
        hot=format_units(int(row.hot_units), row.scale),
        hot_low=format_units(int(row.hot_low_units), row.scale),
        hot_target=format_units(int(row.hot_target_units), row.scale),
        warm=format_units(int(row.warm_units), row.scale),
        cold=format_units(int(row.cold_units), row.scale),
        unswept=format_units(int(row.unswept_units), row.scale),
        owed=format_units(int(row.owed_units), row.scale),
        covered=owned >= int(row.owed_units),
        is_low=int(row.hot_units) < int(row.hot_low_units),
        refills=row.refills,
        paused="" if row.withdraw_enabled else row.pause_reason or "switched off",
    )


def _reconciled(row: Row[Any]) -> Reconciled:
    return Reconciled(
        row.asset,
        row.at,
        format_units(int(row.ledger_units), row.scale),
        format_units(int(row.chain_units), row.scale),
        format_units(int(row.difference_units), row.scale),
    )


def _listener(row: Row[Any]) -> Listener:
    behind = None if row.node_height is None else max(0, row.node_height - row.height)
    return Listener(row.chain, row.height, behind, row.halted_reason, row.updated_at)
