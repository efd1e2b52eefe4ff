"""Expiry of holds: what was promised only for a time goes back to its customer, once."""

from __future__ import annotations

from domain.ids import CustomerId, EntryId, HoldId
from domain.money import AssetCode
from ledger.entry import EntryReason, JournalEntry, ReleaseHold
from storage.ledger import Ledger
from storage.posting import Posted

_CANDIDATES = """
SELECT id, account_id FROM holds
WHERE remaining > 0 AND expires_at <= clock_timestamp() ORDER BY expires_at LIMIT $1
"""

_LOCK = "SELECT id FROM accounts WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

# Read again under the locks: it may have been captured meanwhile, or its expiry lifted.
_EXPIRED = """
SELECT h.id, a.customer_id, a.asset FROM holds h JOIN accounts a ON a.id = h.account_id
WHERE h.id = ANY($1::text[]) AND h.remaining > 0 AND h.expires_at <= clock_timestamp()
FOR UPDATE OF h
"""


async def expire_holds(ledger: Ledger, limit: int = 500) -> list[HoldId]:
    """Release holds whose time has passed, oldest first; answers which.

    A hold whose `expires_at` was set to NULL before this saw it is kept: that is how a step after
    which money may leave makes sure that its hold stays.
    """
    async with ledger.pool.acquire() as connection:
        candidates = await connection.fetch(_CANDIDATES, limit)
        if not candidates:
            return []
        async with connection.transaction():
            await connection.execute(_LOCK, [row["account_id"] for row in candidates])
            rows = await connection.fetch(_EXPIRED, [row["id"] for row in candidates])
            entries = [
                _release(HoldId(row["id"]), CustomerId(row["customer_id"]), AssetCode(row["asset"]))
                for row in rows
            ]
            if not entries:
                return []
            await ledger.poster.open_accounts(entries)
            outcomes, _ = await ledger.poster.post(connection, entries)
    return [
        HoldId(row["id"])
        for row, outcome in zip(rows, outcomes, strict=True)
        if isinstance(outcome, Posted)
    ]


def _release(hold_id: HoldId, customer_id: CustomerId, asset: AssetCode) -> JournalEntry:
    return JournalEntry(
        EntryId(f"{hold_id}:expired"),
        EntryReason.RELEASE,
        f"{hold_id} expired",
        (),
        (ReleaseHold(hold_id, customer_id, asset),),
    )
