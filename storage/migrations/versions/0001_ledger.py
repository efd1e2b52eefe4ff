"""The ledger and orders: tables, and the guards that make the database refuse wrong money."""

from __future__ import annotations

from alembic import op

from storage.migrations.script import drop_tables, run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "assets",
    "markets",
    "accounts",
    "journal_entries",
    "transfers",
    "holds",
    "refused_entries",
    "orders",
    "order_commands",
    "trades",
    "settlement_cursors",
    "trading_volumes",
    "fee_rates",
    "audit_log",
    "ledger_seals",
    "sealed_accounts",
)


def upgrade() -> None:
    run_script("0001_ledger.sql")
    run_script("ledger_guards.sql")


def downgrade() -> None:
    drop_tables(TABLES)
    op.execute("DROP SEQUENCE order_ids, command_ids, entry_numbers")
    op.execute("DROP FUNCTION apply_transfers, refuse_change, sequence_before")
