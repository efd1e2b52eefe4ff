"""Tokens gathered by one transaction, and warm wallets between the hot and the cold ones.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KINDS = "'withdrawal', 'sweep', 'gas', 'fill', 'consolidation', 'cold'"
_OWNED = "'deposit_wallet', 'hot_wallet', 'cold_wallet', 'network_fee'"

_SOURCES = """
    CREATE TABLE payment_sources (
        payment_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        address TEXT NOT NULL,
        units NUMERIC(78, 0) NOT NULL,
        authorization_nonce BIGINT,
        CONSTRAINT pk_payment_sources PRIMARY KEY (payment_id, position),
        CONSTRAINT uq_payment_sources_address_authorization_nonce
            UNIQUE (address, authorization_nonce),
        CONSTRAINT ck_payment_sources_units CHECK (units > 0),
        CONSTRAINT fk_payment_sources_payment_id FOREIGN KEY(payment_id) REFERENCES payments (id)
    )
"""

_WARM = """
    ALTER TABLE custody_assets
        ADD COLUMN warm_low_units NUMERIC(78, 0) NOT NULL DEFAULT 0,
        ADD COLUMN warm_target_units NUMERIC(78, 0) NOT NULL DEFAULT 0,
        ADD COLUMN warm_high_units NUMERIC(78, 0) NOT NULL DEFAULT 0,
        ADD CONSTRAINT ck_custody_assets_warm CHECK (
            warm_low_units <= warm_target_units AND warm_target_units <= warm_high_units
        )
"""


def upgrade() -> None:
    op.execute(_SOURCES)
    op.execute("CREATE INDEX ix_payment_sources_address ON payment_sources (address)")
    op.execute("GRANT SELECT ON payment_sources TO rialto_api, rialto_worker, rialto_signer")
    op.execute("GRANT INSERT ON payment_sources TO rialto_worker")
    op.execute(
        "ALTER TABLE chain_policies ADD COLUMN delegate_sweeps BOOLEAN NOT NULL DEFAULT true"
    )
    op.execute(_WARM)
    # What the hot wallet may need twice, five and twenty times over.
    op.execute("""
        UPDATE custody_assets SET warm_low_units = 2 * hot_target_units,
            warm_target_units = 5 * hot_target_units, warm_high_units = 20 * hot_target_units
    """)
    _limit("payments", "kind", f"kind IN ({_KINDS}, 'batch_sweep', 'warm')")
    _limit("accounts", "balance_not_negative", f"balance >= 0 OR kind IN ({_OWNED}, 'warm_wallet')")
    op.execute("DROP INDEX uq_refill_requests_open")
    op.execute("""
        CREATE UNIQUE INDEX uq_refill_requests_open
        ON refill_requests (asset, from_wallet_id, to_wallet_id) WHERE status = 'open'
    """)


def downgrade() -> None:
    op.execute("DROP INDEX uq_refill_requests_open")
    op.execute("""
        CREATE UNIQUE INDEX uq_refill_requests_open ON refill_requests (asset)
        WHERE status = 'open'
    """)
    _limit("accounts", "balance_not_negative", f"balance >= 0 OR kind IN ({_OWNED})")
    _limit("payments", "kind", f"kind IN ({_KINDS})")
    op.execute("ALTER TABLE custody_assets DROP CONSTRAINT ck_custody_assets_warm")
    op.execute("""
        ALTER TABLE custody_assets DROP COLUMN warm_low_units, DROP COLUMN warm_target_units,
            DROP COLUMN warm_high_units
    """)
    op.execute("ALTER TABLE chain_policies DROP COLUMN delegate_sweeps")
    op.execute("DROP TABLE payment_sources")


def _limit(table: str, name: str, rule: str) -> None:
    """The check of this name allows something else from now on."""
    constraint = f"ck_{table}_{name}"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({rule})")
