"""The hash chain: every leg of an account carries a hash over the leg before it, so a changed row
shows.

A chain for each account needs no global order, so accounts that do not meet are written in
parallel. All numbers are hashed as decimal text, so anybody can check the chain with any tool.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

_encode = msgspec.json.encode


def entry_digest(
    number: int,
    entry_id: str,
    reason: str,
    cause: str,
    body_hash: bytes,
    reverses: int | None,
    posted_at: str,
) -> bytes:
    """Digest of a journal entry's row. `posted_at`: UTC, `2026-01-31T23:59:59.123456+00:00`."""
    return sha256(
        _encode((number, entry_id, reason, cause, body_hash.hex(), reverses, posted_at))
    ).digest()


def leg_hash(  # noqa: PLR0913, PLR0917 - One argument for each column that it protects.
    previous: bytes,
    digest: bytes,
    ordinal: int,
    account_id: int,
    sequence: int,
    change: int,
    balance: int,
    other_account_id: int,
    hold_id: str | None,
) -> bytes:
    """Hash of one leg: `change` units (negative for a debit) brought the account to `balance`."""
    leg = f"{ordinal}|{account_id}|{sequence}|{change}|{balance}|{other_account_id}|{hold_id or ''}"
    return sha256(previous + digest + leg.encode()).digest()
