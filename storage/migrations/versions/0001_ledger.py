"""The ledger and orders: tables, and the guards that make the database refuse wrong money."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from storage import tables_ledger as t
from storage.migrations.script import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    t.assets,
    t.markets,
    t.accounts,
    t.journal_entries,
    t.transfers,
    t.holds,
    t.refused_entries,
    t.orders,
    t.order_commands,
    t.trades,
    t.settlement_cursors,
    t.trading_volumes,
    t.fee_rates,
    t.audit_log,
    t.ledger_seals,
    t.sealed_accounts,
)
SEQUENCES = (t.order_ids, t.command_ids, t.entry_numbers)
GUARDS = Path(__file__).parent.parent / "sql" / "ledger_guards.sql"


def upgrade() -> None:
    bind = op.get_bind()
    for sequence in SEQUENCES:
        sequence.create(bind)
    for table in TABLES:
        table.create(bind)
    run_script(GUARDS)


def downgrade() -> None:
    bind = op.get_bind()
    for table in reversed(TABLES):
        table.drop(bind)
    for sequence in SEQUENCES:
        sequence.drop(bind)
    op.execute("DROP FUNCTION apply_transfers, refuse_change, sequence_before")
