"""Webhooks: where customers want to be told, what there was to tell, and how telling it went."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.metadata import metadata

_NOW = func.now()
_TIME = DateTime(timezone=True)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", BigInteger, ForeignKey("customers.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("label", Text, nullable=False, server_default=text("''")),
    Column("events", ARRAY(Text), nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("previous_secret_sealed", LargeBinary),  # Signs as well until then.
    Column("previous_secret_until", _TIME),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    Column("failing_since", _TIME),  # First failure since the last success.
    Column("disabled_at", _TIME),
    Column("disabled_reason", Text, nullable=False, server_default=text("''")),
    Column("removed_at", _TIME),
    CheckConstraint("(disabled_at IS NULL) = (disabled_reason = '')", name="disabled"),
    CheckConstraint(
        "(previous_secret_sealed IS NULL) = (previous_secret_until IS NULL)", name="previous"
    ),
    Index(
        "ix_webhook_endpoints_customer", "customer_id", postgresql_where=text("removed_at IS NULL")
    ),
)

webhook_messages = Table(
    "webhook_messages",
    metadata,
    Column(
        "id",
        Text,
        primary_key=True,
        server_default=text("('msg_' || replace((gen_random_uuid())::text, '-', ''))"),
    ),
    Column("customer_id", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("body", JSONB, nullable=False),  # Whole units; the sender writes decimals.
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Index("ix_webhook_messages_at", "at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("message_id", Text, ForeignKey("webhook_messages.id"), nullable=False),
    Column("status", Text, nullable=False, server_default=text("'waiting'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    Column("ended_at", _TIME),
    CheckConstraint("status IN ('waiting', 'sending', 'delivered', 'failed')", name="status"),
    CheckConstraint("(ended_at IS NULL) = (status IN ('waiting', 'sending'))", name="ended"),
    Index("ix_webhook_deliveries_endpoint", "endpoint_id", "id"),
    Index("ix_webhook_deliveries_message", "message_id"),
    Index(
        "ix_webhook_deliveries_open",
        "endpoint_id",
        "status",
        "id",
        postgresql_where=text("ended_at IS NULL"),
    ),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column(
        "delivery_id",
        BigInteger,
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", Integer, primary_key=True),
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Column("status_code", SmallInteger),  # Null: no answer.
    Column("problem", Text, nullable=False, server_default=text("''")),
    Column("took_ms", Integer, nullable=False),
)
