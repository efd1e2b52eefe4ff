"""Proofs of reserves: bundles, their trees, what was counted on chain, and the signatures.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from alembic import op

from storage.migrations.script import drop_tables

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = ("reserve_bundles", "reserve_nodes", "reserve_holdings", "reserve_signatures")

_BUNDLES = """
    CREATE TABLE reserve_bundles (
        id TEXT NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE,
        leaves BIGINT,
        root_hash TEXT,
        root_sums JSONB,
        blocks JSONB,
        published_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_reserve_bundles PRIMARY KEY (id)
    )
"""
_NODES = """
    CREATE TABLE reserve_nodes (
        bundle TEXT NOT NULL,
        level INTEGER NOT NULL,
        position BIGINT NOT NULL,
        hash TEXT NOT NULL,
        sums JSONB NOT NULL,
        customer_id BIGINT,
        nonce TEXT,
        CONSTRAINT pk_reserve_nodes PRIMARY KEY (bundle, level, position),
        CONSTRAINT fk_reserve_nodes_bundle_reserve_bundles FOREIGN KEY(bundle)
            REFERENCES reserve_bundles (id)
    )
"""
_HOLDINGS = """
    CREATE TABLE reserve_holdings (
        bundle TEXT NOT NULL,
        chain TEXT NOT NULL,
        address TEXT NOT NULL,
        asset TEXT NOT NULL,
        units NUMERIC(78, 0) NOT NULL,
        CONSTRAINT pk_reserve_holdings PRIMARY KEY (bundle, chain, address, asset),
        CONSTRAINT fk_reserve_holdings_bundle_reserve_bundles FOREIGN KEY(bundle)
            REFERENCES reserve_bundles (id)
    )
"""
_SIGNATURES = """
    CREATE TABLE reserve_signatures (
        bundle TEXT NOT NULL,
        chain TEXT NOT NULL,
        address TEXT NOT NULL,
        format TEXT NOT NULL,
        signature TEXT NOT NULL,
        key_id TEXT,
        signed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_reserve_signatures PRIMARY KEY (bundle, chain, address),
        CONSTRAINT fk_reserve_signatures_bundle_reserve_bundles FOREIGN KEY(bundle)
            REFERENCES reserve_bundles (id)
    )
"""
_REST = (
    "CREATE INDEX ix_reserve_bundles_published ON reserve_bundles (published_at)",
    """
    CREATE UNIQUE INDEX uq_reserve_nodes_customer ON reserve_nodes (bundle, customer_id)
    WHERE customer_id IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX uq_reserve_nodes_nonce ON reserve_nodes (nonce)
    WHERE nonce IS NOT NULL
    """,
    f"GRANT SELECT ON {', '.join(TABLES)} TO rialto_api, rialto_worker",
    "GRANT INSERT ON reserve_bundles, reserve_nodes, reserve_holdings TO rialto_worker",
    "GRANT DELETE ON reserve_holdings TO rialto_worker",
    "GRANT UPDATE ON reserve_bundles TO rialto_worker",
    # The signer sees what it signs for, but no customer's leaf; only it writes signatures.
    "GRANT SELECT ON reserve_bundles, reserve_holdings, reserve_signatures TO rialto_signer",
    "GRANT INSERT ON reserve_signatures TO rialto_signer",
)


def upgrade() -> None:
    for statement in (_BUNDLES, _NODES, _HOLDINGS, _SIGNATURES, *_REST):
        op.execute(statement)


def downgrade() -> None:
    drop_tables(TABLES)
