"""Withdrawals that do not move, for operations."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.money import format_units

_STUCK = text("""
    SELECT w.id, w.asset, w.units, a.scale, w.status, w.reason, w.txid,
        CAST(extract(epoch FROM now() - w.changed_at) / 60 AS integer) AS age_minutes,
        t.node_answer
    FROM withdrawals w
    JOIN assets a ON a.code = w.asset
    LEFT JOIN LATERAL (
        SELECT node_answer FROM payment_attempts
        WHERE payment_id = w.payment_id ORDER BY attempt DESC LIMIT 1
    ) t ON TRUE
    WHERE w.status NOT IN ('done', 'cancelled', 'rejected')
        AND w.changed_at < now() - make_interval(mins => :minutes)
    ORDER BY w.changed_at
""")

_WHY = {
    "held": "its workflow did not begin",
    "review": "waits for staff",
    "approved": "waits to be paid",
    "reserved": "is not signed, or not sent",
    "broadcast": "no node has confirmed that it knows it",
    "seen": "in no block, or not deep enough",
}


@dataclass(frozen=True, slots=True)
class Stuck:
    id: str
    asset: str
    amount: str
    status: str
    age_minutes: int
    why: str
    txid: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


async def find_stuck(connection: AsyncConnection, *, minutes: int) -> list[Stuck]:
    """Unfinished withdrawals that have not changed for so long, longest first."""
    rows = await connection.execute(_STUCK, {"minutes": minutes})
    return [
        Stuck(
            row.id,
            row.asset,
            format_units(int(row.units), row.scale),
            row.status,
            row.age_minutes,
            row.reason or row.node_answer or _WHY.get(row.status, ""),
            row.txid or "",
        )
        for row in rows
    ]
