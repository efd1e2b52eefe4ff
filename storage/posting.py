"""Posting a batch of entries inside one database transaction: lock, load, apply the rules, write.

Accounts are locked in the order of their numbers, so transactions never wait for each other in a
circle. Holds need no lock of their own: whoever changes a hold has locked its held account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from domain.errors import (
    ExchangeError,
    IdempotencyBodyDiffers,
    InsufficientAvailable,
    WrongState,
)
from domain.ids import EntryId, HoldId
from ledger.book import Account, Book, EntryRow, Hold, TransferRow
from ledger.entry import JournalEntry, PlaceHold, body_hash
from storage.accounts import AccountDirectory
from storage.ids import IdBlocks
from storage.pool import DriverConnection
from storage.row_writing import RowWriter
from storage.tables_ledger import journal_entries, transfers

# Lists come as one text each: asyncpg looks three times at every element of an array. Joined, not
# compared with ANY: whoever has waited for a row checks it again, and would read the whole list
# anew for each of thousands of rows.
_LOCK = """
SELECT a.id, a.balance::text, a.sequence, a.head, a.moved_at
FROM unnest(string_to_array($1, ',')::bigint[]) AS wanted (id) JOIN accounts a USING (id)
ORDER BY a.id FOR UPDATE OF a
"""

# Read after the locks are held, in a statement of its own: only then does it see what the
# transactions that held them before have done.
_LOAD = """
SELECT 'now' AS what, NULL AS id, NULL::bytea AS body_hash, NULL::bigint AS number,
       to_char(greatest(clock_timestamp(), $3::timestamptz) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS text
UNION ALL
SELECT 'entry', id, body_hash, number, NULL FROM journal_entries
WHERE id = ANY(ARRAY(SELECT json_array_elements_text($1::json)))
UNION ALL
SELECT code, id, body_hash, NULL, message FROM refused_entries
WHERE id = ANY(ARRAY(SELECT json_array_elements_text($1::json)))
UNION ALL
SELECT 'hold', id, NULL, account_id, remaining::text FROM holds
WHERE id = ANY(ARRAY(SELECT json_array_elements_text($2::json)))
"""

_ENTRY_COLUMNS = ("number", "id", "reason", "cause", "body_hash", "reverses", "posted_at")
_TRANSFER_COLUMNS = (*TransferRow._fields, "posted_at")

_WRITER = RowWriter((journal_entries, _ENTRY_COLUMNS), (transfers, _TRANSFER_COLUMNS))

_EXPIRY = """
UPDATE holds SET expires_at = r.expires_at
FROM unnest($1::text[], $2::timestamptz[]) AS r (id, expires_at) WHERE holds.id = r.id
"""

_REFUSE = """
INSERT INTO refused_entries (id, body_hash, code, message)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING
"""

_REFUSALS: dict[str, type[ExchangeError]] = {
    InsufficientAvailable.code: InsufficientAvailable,
    WrongState.code: WrongState,
}


@dataclass(frozen=True, slots=True)
class Posted:
    """The entry is in the ledger. `replayed`: it was there before this call, with the same body."""

    entry_id: EntryId
    replayed: bool = False


Outcome = Posted | ExchangeError


class _Loaded:
    """What the database knew about a batch after its accounts were locked."""

    def __init__(self) -> None:
        self.posted_at = ""
        self.entries: dict[str, asyncpg.Record | EntryRow] = {}
        self.refused: dict[str, asyncpg.Record] = {}
        self.holds: list[Hold] = []


class Poster:
    """Applies entries to the locked accounts of one transaction. Shared by all tasks of a
    process.
    """

    def __init__(self, accounts: AccountDirectory) -> None:
        self._accounts = accounts
        self._numbers = IdBlocks("entry_numbers")

    async def open_accounts(self, entries: Iterable[JournalEntry]) -> None:
        """Know every account of the entries. Before the transaction: it uses another connection."""
        await self._accounts.ids({ref for entry in entries for ref in entry.accounts()})

    async def post(
        self, connection: DriverConnection, entries: Sequence[JournalEntry]
    ) -> tuple[list[Outcome], datetime]:
        """Post each entry, in order, or refuse it alone. Needs an open transaction and open
        accounts.

        Also answers when: the time on every row written. Once a transaction, with all its entries:
        a second call could wait for locks in a circle with somebody else's.
        """
        accounts, moved_at = await self._lock(connection, entries)
        loaded = await self._load(connection, entries, moved_at)
        book = Book(accounts, loaded.holds, loaded.posted_at)
        numbers = await self._numbers.take(connection, len(entries))
        outcomes: list[Outcome] = []
        rows: list[EntryRow] = []
        for entry, number in zip(entries, numbers, strict=True):
            outcome = _apply(book, loaded, entry, number)
            if isinstance(outcome, EntryRow):
                rows.append(outcome)
                outcomes.append(Posted(entry.id))
            else:
                outcomes.append(outcome)
        posted_at = datetime.fromisoformat(loaded.posted_at)
        await _write(connection, rows, posted_at)
        await _write_expiries(connection, entries, rows)
        return outcomes, posted_at

    async def _lock(
        self, connection: DriverConnection, entries: Sequence[JournalEntry]
    ) -> tuple[list[Account], datetime]:
        """The accounts of the entries, and when the last of them moved."""
        refs = {ref for entry in entries for ref in entry.accounts()}
        ids = await self._accounts.ids(refs)
        rows = await connection.fetch(_LOCK, ",".join(str(ids[ref]) for ref in refs))
        assert len(rows) == len(refs), "an account has vanished"
        accounts = [
            Account(self._accounts.ref(row[0]), row[0], int(row[1]), row[2], row[3]) for row in rows
        ]
        return accounts, max(row[4] for row in rows)

    async def _load(
        self, connection: DriverConnection, entries: Sequence[JournalEntry], moved_at: datetime
    ) -> _Loaded:
        names = [entry.id for entry in entries] + [e.reverses for e in entries if e.reverses]
        holds = [hold.hold_id for entry in entries for hold in entry.holds]
        loaded = _Loaded()
        for row in await connection.fetch(_LOAD, _json(names), _json(holds), moved_at):
            what = row["what"]
            if what == "entry":
                loaded.entries[row["id"]] = row
            elif what == "hold":
                account = self._accounts.find_ref(row["number"])
                loaded.holds.append(Hold(HoldId(row["id"]), account, int(row["text"])))
            elif what == "now":
                loaded.posted_at = row["text"]
            else:
                loaded.refused[row["id"]] = row
        return loaded


def _json(names: Sequence[str]) -> str:
    return msgspec.json.encode(names).decode()


def _apply(book: Book, loaded: _Loaded, entry: JournalEntry, number: int) -> EntryRow | Outcome:
    before = loaded.entries.get(entry.id) or loaded.refused.get(entry.id)
    if before is not None:
        return _again(entry, before)
    reverses = None
    if entry.reverses is not None:
        reversed_row = loaded.entries.get(entry.reverses)
        if not isinstance(reversed_row, asyncpg.Record):
            return WrongState(f"there is no entry {entry.reverses} to reverse")
        reverses = reversed_row["number"]
    try:
        row = book.post(entry, number=number, reverses=reverses)
    except (InsufficientAvailable, WrongState) as refusal:
        return refusal
    loaded.entries[entry.id] = row  # The same id may come twice in one batch.
    return row


def _again(entry: JournalEntry, before: asyncpg.Record | EntryRow) -> Outcome:
    """What to answer to an id that was used before."""
    known = before.body_hash if isinstance(before, EntryRow) else before["body_hash"]
    if known != body_hash(entry):
        return IdempotencyBodyDiffers(f"entry {entry.id} exists with another body")
    if isinstance(before, EntryRow) or before["what"] == "entry":
        return Posted(entry.id, replayed=True)
    return _REFUSALS[before["what"]](before["text"])


async def _write(
    connection: DriverConnection, rows: Sequence[EntryRow], posted_at: datetime
) -> None:
    if not rows:
        return
    entries = [
        (row.number, row.id, row.reason, row.cause, row.body_hash, row.reverses, posted_at)
        for row in rows
    ]
    moved = [(*transfer, posted_at) for row in rows for transfer in row.transfers]
    await _WRITER.write(connection, entries, moved)


async def _write_expiries(
    connection: DriverConnection, entries: Sequence[JournalEntry], rows: Sequence[EntryRow]
) -> None:
    posted = {row.id for row in rows}
    expiring = [
        (hold.hold_id, hold.expires_at)
        for entry in entries
        if entry.id in posted
        for hold in entry.holds
        if isinstance(hold, PlaceHold) and hold.expires_at is not None
    ]
    if expiring:
        await connection.execute(_EXPIRY, *zip(*expiring, strict=True))


async def remember_refusals(
    connection: DriverConnection, refused: Sequence[tuple[JournalEntry, ExchangeError]]
) -> None:
    """Make refusals final: the same id asked again later is refused again, though it might fit
    then.

    So a caller who gave up on an answer cannot be surprised by a late success.
    """
    rows = [(e.id, body_hash(e), r.code, r.message) for e, r in refused if r.code in _REFUSALS]
    if rows:
        await connection.execute(_REFUSE, *zip(*rows, strict=True))
