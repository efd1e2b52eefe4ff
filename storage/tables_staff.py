"""Staff: their logins, second factors and sessions. The public API cannot read them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)

from storage.metadata import metadata

_NOW = func.now()
_TIME = DateTime(timezone=True)

staff_users = Table(
    "staff_users",
    metadata,
    Column("login", Text, primary_key=True),
    Column("role", Text, nullable=False),  # compliance.staff.Role
    Column("password_hash", Text, nullable=False),  # argon2id
    Column("totp_sealed", LargeBinary, nullable=False),
    Column("totp_step", BigInteger, nullable=False, server_default=text("0")),  # A code works once.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("locked_until", _TIME),
    Column("disabled_at", _TIME),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    CheckConstraint(
        "role IN ('viewer', 'compliance', 'senior_compliance', 'operations', 'engineer')",
        name="role",
    ),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),  # SHA-256 of a 256-bit token.
    Column("login", Text, ForeignKey("staff_users.login"), nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    Column("last_seen_at", _TIME, nullable=False, server_default=_NOW),
    Column("expires_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
)
