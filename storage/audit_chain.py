"""Re-deriving the ledger from zero: every balance from its transfers, every hash from its chain.

Works outside the database's own arithmetic: rows are read in the order of each account's legs, and
what they should say is computed here. Whoever changed, removed or added a row has to meet both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.progress import Watch, unwatched
from ledger.account import MAY_BE_NEGATIVE
from ledger.chain import entry_digest, leg_hash
from storage.audit import Finding
from storage.pool import open_pool

_PREFETCH = 5_000

_ACCOUNTS = """
SELECT id, kind, asset, customer_id, market, balance::text, sequence, head FROM accounts ORDER BY id
"""

_LEGS = """
SELECT legs.*, e.id, e.reason, e.cause, e.body_hash, e.reverses, e.posted_at AS entry_posted_at
FROM (
    SELECT debit_account AS account_id, debit_sequence AS sequence, entry_number, ordinal, asset,
           '-' || units AS change, debit_balance::text AS balance, debit_hash AS hash,
           credit_account AS other_id, hold_id, posted_at
    FROM transfers
    UNION ALL
    SELECT credit_account, credit_sequence, entry_number, ordinal, asset,
           units::text, credit_balance::text, credit_hash, debit_account, hold_id, posted_at
    FROM transfers
) AS legs LEFT JOIN journal_entries e ON e.number = legs.entry_number
ORDER BY account_id, sequence
"""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was walked, and what is off."""

    accounts: int
    legs: int
    findings: tuple[Finding, ...]


async def verify_chain(engine: AsyncEngine, watch: Watch = unwatched) -> Verification:
    """Walk every leg of every account on one consistent snapshot."""
    pool = await open_pool(engine.url, size=1, is_patient=True)
    try:
        async with pool.acquire() as connection:
            return await _verify(connection, watch)
    finally:
        await pool.close()


async def _verify(connection: Any, watch: Watch) -> Verification:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL work_mem = '256MB'")
        accounts = await connection.fetch(_ACCOUNTS)
        walks = {row["id"]: _Walk(row) for row in accounts}
        total = sum(row["sequence"] for row in accounts)
        findings: list[Finding] = []
        legs = 0
        async for row in connection.cursor(_LEGS, prefetch=_PREFETCH):
            if legs % _PREFETCH == 0:
                watch("hash chain of every account", legs, total)
            legs += 1
            walk = walks.get(row["account_id"])
            if walk is None:
                findings.append(
                    _finding("transfers belong to accounts", row, f"no account {row['account_id']}")
                )
            else:
                findings += walk.step(row)
        for walk in walks.values():
            findings += walk.end()
    watch("hash chain of every account", legs, total)
    return Verification(len(walks), legs, tuple(findings))


class _Walk:
    """One account's way from zero to its row."""

    def __init__(self, account: asyncpg.Record) -> None:
        self._account = account
        self._balance = 0
        self._sequence = 0
        self._head = b""
        self._posted_at = datetime.min.replace(tzinfo=UTC)
        parts = (account["kind"], account["asset"], account["customer_id"] or account["market"])
        self._name = f"account {account['id']} ({' '.join(str(part) for part in parts if part)})"

    def step(self, row: asyncpg.Record) -> Iterator[Finding]:
        if row["sequence"] != self._sequence + 1:
            yield self._off("legs are without gaps", row, f"leg {self._sequence + 1} is missing")
        self._sequence = row["sequence"]
        change = int(row["change"])
        self._balance += change
        if int(row["balance"]) != self._balance:
            yield self._off(
                "balances follow from transfers", row, f"{row['balance']} should be {self._balance}"
            )
            self._balance = int(row["balance"])
        if self._balance < 0 and self._account["kind"] not in MAY_BE_NEGATIVE:
            yield self._off("no balance is below zero", row, f"was {self._balance}")
        if row["asset"] != self._account["asset"]:
            yield self._off("one asset for each account", row, f"moved {row['asset']}")
        if row["posted_at"] < self._posted_at:
            yield self._off("legs are in the order of time", row, f"posted {row['posted_at']}")
        self._posted_at = row["posted_at"]
        yield from self._check_hash(row, change)
        self._head = row["hash"]

    def _check_hash(self, row: asyncpg.Record, change: int) -> Iterator[Finding]:
        if row["id"] is None:
            yield self._off("transfers belong to entries", row, "its journal entry is missing")
            return
        if row["posted_at"] != row["entry_posted_at"]:
            yield self._off("transfers are posted with their entry", row, "at another time")
        expected = leg_hash(
            self._head,
            digest_of(row),
            row["ordinal"],
            row["account_id"],
            row["sequence"],
            change,
            int(row["balance"]),
            row["other_id"],
            row["hold_id"],
        )
        if row["hash"] != expected:
            yield self._off("the hash chain holds", row, "the row was changed after it was written")

    def end(self) -> Iterator[Finding]:
        row = self._account
        for what, stored, derived in (
            ("balance", int(row["balance"]), self._balance),
            ("number of legs", row["sequence"], self._sequence),
            ("head of the chain", row["head"].hex(), self._head.hex()),
        ):
            if stored != derived:
                yield Finding(
                    "accounts end where their legs do",
                    self._name,
                    f"{what} is {stored}, its legs make {derived}",
                )

    def _off(self, check: str, row: asyncpg.Record, detail: str) -> Finding:
        return _finding(check, row, f"leg {row['sequence']} of {self._name}: {detail}")


def _finding(check: str, row: asyncpg.Record, detail: str) -> Finding:
    entry = row["id"] or "(missing)"
    return Finding(check, f"entry {entry}, transfer {row['entry_number']}/{row['ordinal']}", detail)


def digest_of(row: asyncpg.Record) -> bytes:
    """The entry's digest, from a row with all its columns."""
    return entry_digest(
        row["entry_number"],
        row["id"],
        row["reason"],
        row["cause"],
        row["body_hash"],
        row["reverses"],
        chain_time(row["entry_posted_at"]),
    )


def chain_time(at: datetime) -> str:
    """The time as it enters the chain: UTC, always with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
