"""Statements, and "explain my balance": a customer's money in an asset, line by line, with
its causes.

Every line is one transfer, with the balances it left behind; they add up from zero (or from the
opening balances) to the last unit. Lines are read through the accounts' own numbering, so a page
costs the same in the middle of a million lines as at the start.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import InvalidInput
from domain.ids import CustomerId, EntryId
from domain.money import AssetCode
from ledger.account import AccountKind
from ledger.entry import EntryReason
from storage.audit import snapshot

PAGE_MAX = 1000
LINES_MAX = 10_000
"""Of one statement."""


class Purpose(StrEnum):
    """What a line is to its customer."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    HOLD = "hold"
    RELEASE = "release"
    TRADE_PAID = "trade_paid"
    TRADE_RECEIVED = "trade_received"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader has come: the newest leg read of both accounts."""

    available: int = 0
    held: int = 0

    def __str__(self) -> str:
        return f"{self.available}-{self.held}"

    @classmethod
    def parse(cls, cursor: str) -> Position:
        available, _, held = cursor.partition("-")
        if not (available.isdecimal() and held.isdecimal() and len(available + held) < 36):
            raise InvalidInput(f"not a cursor of ours: {cursor[:40]!r}")
        return cls(int(available), int(held))


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer in or out of the customer's available or held balance, or between the two."""

    at: datetime
    entry_id: EntryId
    reason: EntryReason
    cause: str
    purpose: Purpose
    other: str
    """The kind of account on the other side; of another customer only the kind is told."""
    hold_id: str | None
    available_change_units: int
    held_change_units: int
    available_units: int
    """After this line."""
    held_units: int
    proof: str
    """Hex of the newest hash, which chains this line to all lines before it."""


@dataclass(frozen=True, slots=True)
class Page:
    lines: tuple[Line, ...]
    next: Position | None
    """Where the next page starts; None at the end."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A period of a customer's account in one asset."""

    customer_id: CustomerId
    asset: AssetCode
    since: datetime
    until: datetime
    opening_available_units: int
    opening_held_units: int
    closing_available_units: int
    closing_held_units: int
    totals: dict[Purpose, int]
    """Change of available and held together, by purpose; holds and releases change neither."""
    lines: tuple[Line, ...]


async def explain(
    engine: AsyncEngine,
    customer_id: CustomerId,
    asset: AssetCode,
    *,
    after: Position | None = None,
    limit: int = PAGE_MAX,
) -> Page:
    """The next lines of the customer's history in the asset, oldest first."""
    async with snapshot(engine) as connection:
        reader = await _Reader.open(connection, customer_id, asset, after or Position())
        return await reader.page(min(limit, PAGE_MAX))


async def history(
    engine: AsyncEngine, customer_id: CustomerId, asset: AssetCode
) -> AsyncIterator[Line]:
    """All lines from the very first, page by page, on one snapshot; for exports."""
    async with snapshot(engine) as connection:
        reader = await _Reader.open(connection, customer_id, asset, Position())
        while True:
            page = await reader.page(PAGE_MAX)
            for line in page.lines:
                yield line
            if page.next is None:
                return


async def statement(
    engine: AsyncEngine,
    customer_id: CustomerId,
    asset: AssetCode,
    *,
    since: datetime,
    until: datetime,
) -> Statement:
    """All lines with `since` <= time < `until`, between opening and closing balances.

    Raises InvalidInput for more than LINES_MAX of them: ask for a shorter period.
    """
    lines: list[Line] = []
    async with snapshot(engine) as connection:
        start = await _position_before(connection, customer_id, asset, since)
        end = await _position_before(connection, customer_id, asset, until)
        if end.available - start.available + end.held - start.held > 2 * LINES_MAX:
            raise InvalidInput(f"more than {LINES_MAX} lines: ask for a shorter period")
        reader = await _Reader.open(connection, customer_id, asset, start)
        opening = reader.balances
        reader.stop_at(end)
        page = await reader.page(PAGE_MAX)
        lines += page.lines
        while page.next is not None:
            page = await reader.page(PAGE_MAX)
            lines += page.lines
        closing = reader.balances
    totals: dict[Purpose, int] = {}
    for line in lines:
        change = line.available_change_units + line.held_change_units
        totals[line.purpose] = totals.get(line.purpose, 0) + change
    assert sum(totals.values()) == sum(closing) - sum(opening)
    return Statement(customer_id, asset, since, until, *opening, *closing, totals, tuple(lines))


_ACCOUNTS = """
SELECT (SELECT id FROM accounts WHERE customer_id = :customer_id AND asset = :asset
            AND kind = 'customer_available') AS available,
       (SELECT id FROM accounts WHERE customer_id = :customer_id AND asset = :asset
            AND kind = 'customer_held') AS held
"""

_BEFORE = "SELECT coalesce(sequence_before(:account, :moment), 0)"

_BALANCE = """
SELECT debit_balance FROM transfers WHERE debit_account = :account AND debit_sequence = :sequence
UNION ALL
SELECT credit_balance FROM transfers WHERE credit_account = :account AND credit_sequence = :sequence
"""

# The next legs of one account, whichever side of a transfer they are.
_LEGS = """
SELECT legs.*, e.id AS entry_id, e.reason, e.cause, a.kind AS other, a.customer_id AS other_customer
FROM (
    (SELECT debit_sequence AS sequence, entry_number, ordinal, -units AS change,
            debit_balance AS balance, debit_hash AS hash, credit_account AS other_id, hold_id,
            posted_at
     FROM transfers WHERE debit_account = :account AND debit_sequence > :after
        AND debit_sequence <= :last ORDER BY debit_sequence LIMIT :limit)
    UNION ALL
    (SELECT credit_sequence, entry_number, ordinal, units, credit_balance, credit_hash,
            debit_account, hold_id, posted_at
     FROM transfers WHERE credit_account = :account AND credit_sequence > :after
        AND credit_sequence <= :last ORDER BY credit_sequence LIMIT :limit)
) AS legs
JOIN journal_entries e ON e.number = legs.entry_number
JOIN accounts a ON a.id = legs.other_id
ORDER BY legs.sequence LIMIT :limit
"""

_NO_LEG = 2**62


async def _ids(
    connection: AsyncConnection, customer_id: CustomerId, asset: AssetCode
) -> tuple[int | None, int | None]:
    values = {"customer_id": customer_id, "asset": asset}
    row = (await connection.execute(text(_ACCOUNTS), values)).one()
    return row.available, row.held


async def _position_before(
    connection: AsyncConnection, customer_id: CustomerId, asset: AssetCode, moment: datetime
) -> Position:
    found = []
    for account in await _ids(connection, customer_id, asset):
        values = {"account": account, "moment": moment}
        found.append((await connection.execute(text(_BEFORE), values)).scalar_one())
    return Position(*found)


class _Reader:
    """Merges the legs of the two accounts into lines, in the order in which they happened."""

    def __init__(
        self,
        connection: AsyncConnection,
        accounts: tuple[int | None, int | None],
        position: Position,
        balances: tuple[int, int],
    ) -> None:
        self._connection = connection
        self._accounts = accounts
        self._position = position
        self._end = Position(_NO_LEG, _NO_LEG)
        self.balances = balances

    @classmethod
    async def open(
        cls,
        connection: AsyncConnection,
        customer_id: CustomerId,
        asset: AssetCode,
        position: Position,
    ) -> _Reader:
        accounts = await _ids(connection, customer_id, asset)
        balances = []
        for account, sequence in zip(accounts, (position.available, position.held), strict=True):
            values = {"account": account, "sequence": sequence}
            found = (await connection.execute(text(_BALANCE), values)).scalar_one_or_none()
            balances.append(int(found or 0))
        return cls(connection, accounts, position, (balances[0], balances[1]))

    def stop_at(self, end: Position) -> None:
        """Read no leg after these."""
        self._end = end

    async def page(self, limit: int) -> Page:
        available = await self._legs(
            self._accounts[0], self._position.available, self._end.available, limit
        )
        held = await self._legs(self._accounts[1], self._position.held, self._end.held, limit)
        merged = _merge(available, held)
        lines = [self._line(own_available, own_held) for own_available, own_held in merged[:limit]]
        more = len(merged) > limit or max(len(available), len(held)) == limit
        return Page(tuple(lines), self._position if more else None)

    async def _legs(self, account: int | None, after: int, last: int, limit: int) -> list[Any]:
        if account is None:
            return []
        values = {"account": account, "after": after, "last": last, "limit": limit}
        return list((await self._connection.execute(text(_LEGS), values)).all())

    def _line(self, available: Any | None, held: Any | None) -> Line:
        """A line from the legs of one transfer; both are there when it moved between the two."""
        leg = available or held
        assert leg is not None
        if available is not None:
            self._position = Position(available.sequence, self._position.held)
            self.balances = (int(available.balance), self.balances[1])
        if held is not None:
            self._position = Position(self._position.available, held.sequence)
            self.balances = (self.balances[0], int(held.balance))
        available_change = int(available.change) if available else 0
        held_change = int(held.change) if held else 0
        return Line(
            leg.posted_at,
            EntryId(leg.entry_id),
            EntryReason(leg.reason),
            leg.cause,
            _purpose(leg, available_change, held_change),
            leg.other,
            leg.hold_id,
            available_change,
            held_change,
            *self.balances,
            leg.hash.hex(),
        )


def _merge(available: Iterable[Any], held: Iterable[Any]) -> list[tuple[Any | None, Any | None]]:
    """Legs of both accounts by transfer. Each account's legs are in order of time already."""
    by_transfer: dict[tuple[datetime, int, int], list[Any | None]] = {}
    for place, legs in enumerate((available, held)):
        for leg in legs:
            key = (leg.posted_at, leg.entry_number, leg.ordinal)
            by_transfer.setdefault(key, [None, None])[place] = leg
    return [(pair[0], pair[1]) for _, pair in sorted(by_transfer.items())]


_BY_REASON = {
    EntryReason.DEPOSIT: Purpose.DEPOSIT,
    EntryReason.WITHDRAWAL: Purpose.WITHDRAWAL,
    EntryReason.FEE: Purpose.FEE,
    EntryReason.ADJUSTMENT: Purpose.ADJUSTMENT,
    EntryReason.REVERSAL: Purpose.REVERSAL,
}


def _purpose(leg: Any, available_change: int, held_change: int) -> Purpose:
    if available_change and held_change:
        return Purpose.HOLD if held_change > 0 else Purpose.RELEASE
    if leg.other == AccountKind.FEE_INCOME:
        return Purpose.FEE
    if leg.reason == EntryReason.TRADE:
        return Purpose.TRADE_PAID if held_change else Purpose.TRADE_RECEIVED
    return _BY_REASON.get(EntryReason(leg.reason), Purpose.TRANSFER)
