"""Bitcoin's batches leave a second after the one before, the first of a quiet wallet at once.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SET = "UPDATE chain_policies SET batch_window_seconds = {} WHERE chain = 'bitcoin' AND {}"


def upgrade() -> None:
    # Where staff chose another window it stays.
    op.execute(_SET.format(1, "batch_window_seconds = 2"))


def downgrade() -> None:
    op.execute(_SET.format(2, "batch_window_seconds = 1"))
