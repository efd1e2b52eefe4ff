"""Custody: what the chains said, keys and addresses, deposits, withdrawals, payments, treasury.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

from storage.migrations.script import drop_tables, run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "blocks",
    "chain_cursors",
    "chain_events",
    "wallets",
    "sealed_seeds",
    "xpubs",
    "deposit_addresses",
    "custody_assets",
    "chain_policies",
    "confirmation_policies",
    "switches",
    "deposits",
    "deposit_events",
    "withdrawals",
    "withdrawal_events",
    "address_book",
    "withdrawal_settings",
    "payments",
    "payment_outputs",
    "payment_attempts",
    "signatures",
    "utxos",
    "utxo_reservations",
    "nonces",
    "refill_requests",
    "reconciliations",
)

_SEEDS = {"sealed_seeds"}

GRANTS = (
    # The public API asks for withdrawals and hands out addresses; it moves nothing.
    "GRANT INSERT ON withdrawals, withdrawal_events, deposit_addresses TO rialto_api",
    "GRANT UPDATE (has_news, nudged_at) ON withdrawals TO rialto_api",
    "GRANT UPDATE (next_index) ON xpubs TO rialto_api",
    "GRANT INSERT, UPDATE ON address_book, withdrawal_settings TO rialto_api",
    # Only what the signer makes may the signer write.
    "GRANT UPDATE (status, raw, txid, signed_at) ON payment_attempts TO rialto_signer",
    "GRANT INSERT ON signatures TO rialto_signer",
    "GRANT SELECT (id, kyc_tier) ON customers TO rialto_signer",
    "GRANT UPDATE (verified_at) ON deposit_addresses TO rialto_signer",
    "GRANT SELECT ON sealed_seeds TO rialto_signer",
    # Workers do the rest, but no worker sees a seed or writes a signature.
    "GRANT DELETE ON utxo_reservations, payment_outputs TO rialto_worker",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO rialto_api, rialto_worker",
)


def upgrade() -> None:
    run_script("0003_custody.sql")
    names = [name for name in TABLES if name not in _SEEDS]
    op.execute(f"GRANT SELECT ON {', '.join(names)} TO rialto_api, rialto_worker, rialto_signer")
    written = [name for name in names if name != "signatures"]
    op.execute(f"GRANT INSERT, UPDATE ON {', '.join(written)} TO rialto_worker")
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    drop_tables(TABLES)
