"""The outbox of deposits and withdrawals: every change, and whether the projections were told."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, func, text
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
    Column("told_at", DateTime(timezone=True)),  # Kept afterwards: a rebuild reads them all.
    Index("ix_custody_changes_waiting", "version", postgresql_where=text("told_at IS NULL")),
)
