"""Reversals: an entry is never edited; its opposite is posted, once, and names what it undoes."""

from __future__ import annotations

from sqlalchemy import text

from domain.errors import WrongState
from domain.ids import EntryId
from ledger.account import AccountKind, AccountRef
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage.ledger import Ledger, Posted

_TRANSFERS = """
SELECT t.units, t.hold_id,
       d.kind AS debit_kind, d.customer_id AS debit_customer, d.market AS debit_market,
       c.kind AS credit_kind, c.customer_id AS credit_customer, c.market AS credit_market, t.asset
FROM journal_entries e
JOIN transfers t ON t.entry_number = e.number
JOIN accounts d ON d.id = t.debit_account
JOIN accounts c ON c.id = t.credit_account
WHERE e.id = :entry_id ORDER BY t.ordinal DESC
"""


def reversal_id(entry_id: EntryId) -> EntryId:
    """One id for each entry reversed: so an entry can be reversed only once."""
    return EntryId(f"reversal:{entry_id}")


async def reversal_of(ledger: Ledger, entry_id: EntryId, cause: str) -> JournalEntry:
    """The entry that undoes `entry_id`, its transfers backwards and in opposite order.

    Raises WrongState for an unknown entry, and for one that moved held money: a hold is resolved
    for good, so what went wrong there is put right by a new entry of its own.
    """
    async with ledger.engine.connect() as connection:
        rows = (await connection.execute(text(_TRANSFERS), {"entry_id": entry_id})).all()
    if not rows:
        raise WrongState(f"there is no entry {entry_id} to reverse")
    if any(row.hold_id is not None for row in rows):
        raise WrongState(f"entry {entry_id} moved held money: post a correcting entry instead")
    transfers = tuple(
        Transfer(
            AccountRef(
                AccountKind(row.credit_kind), row.asset, row.credit_customer, row.credit_market
            ),
            AccountRef(
                AccountKind(row.debit_kind), row.asset, row.debit_customer, row.debit_market
            ),
            int(row.units),
        )
        for row in rows
    )
    return JournalEntry(
        reversal_id(entry_id), EntryReason.REVERSAL, cause, transfers, reverses=entry_id
    )


async def reverse(ledger: Ledger, entry_id: EntryId, cause: str) -> Posted:
    """Reverse the entry; again answers `replayed`, with the same cause.

    Raises InsufficientAvailable while somebody no longer has what must be given back: not for good.
    """
    entry = await reversal_of(ledger, entry_id, cause)
    return await ledger.post(entry, refusal_is_final=False)
