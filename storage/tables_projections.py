"""The outbox of deposits and withdrawals: what changed and is yet to be told to projections."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from storage.metadata import metadata

custody_changes = Table(
    "custody_changes",
    metadata,
    # Given while the row is locked: of two changes of one row the later has the higher number.
    Column("version", BigInteger, Identity(), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
