"""Entries that reverse nothing, nearly all, no longer stand in the index of reversals.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE journal_entries DROP CONSTRAINT uq_journal_entries_reverses")
    op.execute("""
        CREATE UNIQUE INDEX uq_journal_entries_reverses ON journal_entries (reverses)
        WHERE reverses IS NOT NULL
    """)


def downgrade() -> None:
    op.execute("DROP INDEX uq_journal_entries_reverses")
    op.execute("""
        ALTER TABLE journal_entries
        ADD CONSTRAINT uq_journal_entries_reverses UNIQUE (reverses)
    """)
