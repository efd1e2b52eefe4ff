"""Seals: from time to time the heads of all accounts that moved are hashed into a chain of seals.

Whoever rewrites an account's whole history, hashes and all, would also have to rewrite every seal
since; and the newest seal's hash is kept where the database's owner does not reach (the result of
the workflow that sealed).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.audit import Finding, snapshot

_MOVED = """
SELECT a.id, a.sequence, a.balance::text AS balance, a.head FROM accounts a
WHERE a.sequence > coalesce((
    SELECT s.sequence FROM sealed_accounts s WHERE s.account_id = a.id ORDER BY seal DESC LIMIT 1
), 0)
ORDER BY a.id
"""

_LAST = "SELECT number, hash FROM ledger_seals ORDER BY number DESC LIMIT 1"

_INSERT_SEAL = """
INSERT INTO ledger_seals (number, sealed_at, accounts, hash)
VALUES (:number, clock_timestamp(), :accounts, :hash) RETURNING sealed_at
"""

_INSERT_ACCOUNT = """
INSERT INTO sealed_accounts (seal, account_id, sequence, balance, head)
VALUES (:seal, :account_id, :sequence, :balance, :head)
"""

_SEALED = """
SELECT s.seal, s.account_id AS id, s.sequence, s.balance::text AS balance, s.head,
       coalesce(d.debit_hash, c.credit_hash) AS leg_hash,
       coalesce(d.debit_balance, c.credit_balance)::text AS leg_balance
FROM sealed_accounts s
LEFT JOIN transfers d ON d.debit_account = s.account_id AND d.debit_sequence = s.sequence
LEFT JOIN transfers c ON c.credit_account = s.account_id AND c.credit_sequence = s.sequence
WHERE s.seal = :seal ORDER BY s.account_id
"""


@dataclass(frozen=True, slots=True)
class Seal:
    number: int
    accounts: int
    hash: str
    """Hex. Keep it elsewhere, too."""
    sealed_at: datetime


async def seal(engine: AsyncEngine) -> Seal | None:
    """Seal what moved since the last seal; None when nothing did.

    Two at once: one of them fails on the seal's number, having sealed nothing.
    """
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin():
            last = (await connection.execute(text(_LAST))).one_or_none()
            rows = (await connection.execute(text(_MOVED))).all()
            if not rows:
                return None
            number = last.number + 1 if last else 1
            sealed = _hash(bytes(last.hash) if last else b"", number, rows)
            values = {"number": number, "accounts": len(rows), "hash": sealed}
            sealed_at = (await connection.execute(text(_INSERT_SEAL), values)).scalar_one()
            await connection.execute(
                text(_INSERT_ACCOUNT),
                [
                    {
                        "seal": number,
                        "account_id": row.id,
                        "sequence": row.sequence,
                        "balance": int(row.balance),
                        "head": row.head,
                    }
                    for row in rows
                ],
            )
    return Seal(number, len(rows), sealed.hex(), sealed_at)


async def newest_seal(engine: AsyncEngine) -> Seal | None:
    """None when nothing was ever sealed."""
    return await _read(engine, "ORDER BY number DESC LIMIT 1", {})


async def find_seal(engine: AsyncEngine, number: int) -> Seal | None:
    return await _read(engine, "WHERE number = :number", {"number": number})


async def _read(engine: AsyncEngine, which: str, values: dict[str, int]) -> Seal | None:
    query = f"SELECT number, accounts, hash, sealed_at FROM ledger_seals {which}"  # noqa: S608
    async with engine.connect() as connection:
        row = (await connection.execute(text(query), values)).one_or_none()
    return None if row is None else Seal(row.number, row.accounts, row.hash.hex(), row.sealed_at)


async def verify_seals(engine: AsyncEngine) -> list[Finding]:
    """Every seal against the chain of seals, and against the legs it sealed."""
    findings: list[Finding] = []
    previous, expected_number = b"", 1
    async with snapshot(engine) as connection:
        seals = (await connection.execute(text("SELECT * FROM ledger_seals ORDER BY number"))).all()
        for row in seals:
            sealed = (await connection.execute(text(_SEALED), {"seal": row.number})).all()
            subject = f"seal {row.number}"
            if row.number != expected_number:
                findings.append(
                    Finding("seals are without gaps", subject, f"{expected_number} is missing")
                )
            if _hash(previous, row.number, sealed) != row.hash:
                findings.append(
                    Finding("seals are chained", subject, "it or what it sealed was changed")
                )
            findings += [
                Finding("what was sealed stays", f"account {leg.id}", f"leg {leg.sequence} changed")
                for leg in sealed
                if leg.leg_hash != leg.head or leg.leg_balance != leg.balance
            ]
            previous, expected_number = bytes(row.hash), row.number + 1
    return findings


def _hash(previous: bytes, number: int, rows: Iterable[Any]) -> bytes:
    """Over the seal before, this one's number, and each account: `id|sequence|balance|head`."""
    digest = sha256(previous + str(number).encode())
    for row in rows:
        digest.update(f"\n{row.id}|{row.sequence}|{row.balance}|{row.head.hex()}".encode())
    return digest.digest()
