"""Who may act: customers, their credentials, sessions and keys, and what each of them did."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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

customers = Table(
    "customers",
    metadata,
    Column("id", BigInteger, Identity(start=1001), primary_key=True),
    Column("email", Text, nullable=False, unique=True),  # Lower case; see storage.customers.
    Column("status", Text, nullable=False, server_default=text("'active'")),
    Column("kyc_tier", SmallInteger, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    CheckConstraint("status IN ('active', 'frozen', 'closed')", name="status"),
    CheckConstraint("kyc_tier BETWEEN 0 AND 9", name="kyc_tier"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("customer_id", BigInteger, ForeignKey("customers.id"), primary_key=True),
    Column("password_hash", Text, nullable=False),  # argon2id, with its parameters inside.
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),  # SHA-256 of a 256-bit token.
    Column("customer_id", BigInteger, ForeignKey("customers.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("last_seen_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("stepped_up_at", DateTime(timezone=True)),  # Last proof of a second factor.
    Column("user_agent", Text, nullable=False, server_default=text("''")),
    Column("ip", Text, nullable=False, server_default=text("''")),
    Index("ix_sessions_customer", "customer_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column(
        "id", Text, primary_key=True
    ),  # Public; 64 letters and digits, as trading clients expect.
    Column("customer_id", BigInteger, ForeignKey("customers.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column(
        "secret_sealed", LargeBinary
    ),  # HMAC only: the server needs the secret to check a signature.
    Column("public_key", Text),  # PEM, Ed25519 and RSA.
    Column("scopes", ARRAY(Text), nullable=False),
    Column("ip_allow_list", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Column("last_used_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('hmac', 'ed25519', 'rsa')", name="kind"),
    CheckConstraint("(kind = 'hmac') = (secret_sealed IS NOT NULL)", name="secret"),
    CheckConstraint("(kind = 'hmac') = (public_key IS NULL)", name="public_key"),
    Index("ix_api_keys_customer", "customer_id"),
)

totp_secrets = Table(
    "totp_secrets",
    metadata,
    Column("customer_id", BigInteger, ForeignKey("customers.id"), primary_key=True),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("last_step", BigInteger, nullable=False, server_default=text("0")),  # A code works once.
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("customer_id", BigInteger, ForeignKey("customers.id"), primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("used_at", DateTime(timezone=True)),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    Column("customer_id", BigInteger, ForeignKey("customers.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),  # COSE.
    Column("sign_count", BigInteger, nullable=False, server_default=text("0")),
    Column("label", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("last_used_at", DateTime(timezone=True)),
    Index("ix_passkeys_customer", "customer_id"),
)

challenges = Table(
    "challenges",
    metadata,
    Column("challenge_hash", LargeBinary, primary_key=True),
    Column("customer_id", BigInteger),  # Null: a login by passkey, the customer is not known yet.
    Column("purpose", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("customer_id", BigInteger, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),  # SHA-256 of method, path and body.
    Column("answer_status", SmallInteger),  # Null while the first request runs.
    Column("answer_sealed", LargeBinary),  # An answer may carry a secret, so it is sealed.
    Column("locked_until", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index("ix_idempotency_keys_created", "created_at"),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column(
        "subject", Text, primary_key=True
    ),  # `email:<sha256>`, `ip:<address>`, `code:<customer>`.
    Column("failures", Integer, nullable=False),
    Column("first_failed_at", DateTime(timezone=True), nullable=False),
    Column("locked_until", DateTime(timezone=True)),
)

sealing_keys = Table(
    "sealing_keys",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),  # An AES-256 key, encrypted by KMS.
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index("uq_sealing_keys_purpose", "purpose", unique=True),
)

customer_actions = Table(
    "customer_actions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("customer_id", BigInteger, ForeignKey("customers.id"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("action", Text, nullable=False),
    Column("succeeded", Boolean, nullable=False, server_default=text("true")),
    Column("actor", Text, nullable=False),  # `session:<id>`, `key:<first 8>`, `anonymous`.
    Column("ip", Text, nullable=False, server_default=text("''")),
    Column("user_agent", Text, nullable=False, server_default=text("''")),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Index("ix_customer_actions_customer", "customer_id", "id"),
)

dead_man_switches = Table(
    "dead_man_switches",
    metadata,
    Column("customer_id", BigInteger, ForeignKey("customers.id"), primary_key=True),
    Column("markets", ARRAY(Text), nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("fires_at", DateTime(timezone=True), nullable=False),
    Index("ix_dead_man_switches_fires", "fires_at"),
)
