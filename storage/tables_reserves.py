"""Proofs of reserves: each bundle's tree of liabilities, what was counted, and who signed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.metadata import metadata

reserve_bundles = Table(
    "reserve_bundles",
    metadata,
    Column("id", Text, primary_key=True),
    Column("opened_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # From here on all empty until the liabilities are taken, in one snapshot.
    Column("taken_at", DateTime(timezone=True)),
    Column("leaves", BigInteger),
    Column("root_hash", Text),
    Column("root_sums", JSONB),
    Column("blocks", JSONB),  # By chain: height and hash up to which the ledger had it.
    Column("published_at", DateTime(timezone=True)),
    Index("ix_reserve_bundles_published", "published_at"),
)

reserve_nodes = Table(
    "reserve_nodes",
    metadata,
    Column("bundle", Text, ForeignKey("reserve_bundles.id"), primary_key=True),
    Column("level", Integer, primary_key=True),  # 0: the leaves.
    Column("position", BigInteger, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("sums", JSONB, nullable=False),
    Column("customer_id", BigInteger),  # Of leaves only, as the nonce.
    Column("nonce", Text),
    Index(
        "uq_reserve_nodes_customer",
        "bundle",
        "customer_id",
        unique=True,
        postgresql_where=text("customer_id IS NOT NULL"),
    ),
    Index(
        "uq_reserve_nodes_nonce",  # Of all bundles: a nonce never comes again.
        "nonce",
        unique=True,
        postgresql_where=text("nonce IS NOT NULL"),
    ),
)

reserve_holdings = Table(
    "reserve_holdings",
    metadata,
    Column("bundle", Text, ForeignKey("reserve_bundles.id"), primary_key=True),
    Column("chain", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("units", Numeric(78, 0), nullable=False),
)

reserve_signatures = Table(
    "reserve_signatures",
    metadata,
    Column("bundle", Text, ForeignKey("reserve_bundles.id"), primary_key=True),
    Column("chain", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("format", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("key_id", Text),  # Null: made offline, and attached.
    Column("signed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
