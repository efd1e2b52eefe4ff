"""KYC cases, screening, alerts and cases. What names a person is sealed before it gets here."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
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
_UNITS = Numeric(78, 0)
_NO_WORDS = text("'{}'::text[]")
_CUSTOMER = "customers.id"

# Know your customer ---------------------------------------------------------------------------

kyc_cases = Table(
    "kyc_cases",
    metadata,
    Column("customer_id", BigInteger, ForeignKey(_CUSTOMER), primary_key=True),
    Column("state", Text, nullable=False),
    Column("tier", SmallInteger, nullable=False),  # In force; customers.kyc_tier repeats it.
    Column("requested_tier", SmallInteger, nullable=False),
    Column("risk_score", SmallInteger, nullable=False, server_default=text("0")),
    Column("reasons", ARRAY(Text), nullable=False, server_default=_NO_WORDS),  # Codes.
    Column("question", LargeBinary),  # What the officer asked the customer; sealed.
    Column("check_id", Text),  # The vendor's id of the running check.
    Column("officers", ARRAY(Text), nullable=False, server_default=_NO_WORDS),
    Column("approved_at", _TIME),
    Column("expires_at", _TIME),
    Column("changed_at", _TIME, nullable=False),  # The workflow's clock; older writes are ignored.
    CheckConstraint("tier BETWEEN 0 AND 3 AND requested_tier BETWEEN 0 AND 3", name="tiers"),
    Index("ix_kyc_cases_state", "state"),
)

kyc_profiles = Table(
    "kyc_profiles",
    metadata,
    Column("customer_id", BigInteger, ForeignKey(_CUSTOMER), primary_key=True),
    Column("sealed", LargeBinary),  # Null once erased.
    Column("submitted_at", _TIME, nullable=False, server_default=_NOW),
    Column("erased_at", _TIME),
    CheckConstraint("(sealed IS NULL) = (erased_at IS NOT NULL)", name="erased"),
)

kyc_documents = Table(
    "kyc_documents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", BigInteger, ForeignKey(_CUSTOMER), nullable=False),
    Column("kind", Text, nullable=False),  # compliance.tiers.Requirement
    Column("content_type", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("object_key", Text),  # In the documents bucket; null once erased.
    Column("mrz_sealed", LargeBinary),  # The lines of the machine-readable zone, where given.
    Column("uploaded_at", _TIME, nullable=False, server_default=_NOW),
    Column("erased_at", _TIME),
    CheckConstraint("(object_key IS NULL) = (erased_at IS NOT NULL)", name="erased"),
    Index("ix_kyc_documents_customer", "customer_id", "kind"),
)

vendor_checks = Table(
    "vendor_checks",
    metadata,
    Column("id", Text, primary_key=True),  # The vendor's.
    Column("customer_id", BigInteger, ForeignKey(_CUSTOMER), nullable=False),
    Column("key", Text, nullable=False, unique=True),  # Ours: a retried submission finds its check.
    Column("outcome", Text),
    Column("reasons", ARRAY(Text), nullable=False, server_default=_NO_WORDS),
    Column("started_at", _TIME, nullable=False, server_default=_NOW),
    Column("finished_at", _TIME),
    Index("ix_vendor_checks_customer", "customer_id"),
)

vendor_events = Table(
    "vendor_events",
    metadata,
    Column("id", Text, primary_key=True),  # A webhook counts once, however often it comes.
    Column("check_id", Text, nullable=False),
    Column("received_at", _TIME, nullable=False, server_default=_NOW),
)

# Screening ------------------------------------------------------------------------------------

screening_lists = Table(
    "screening_lists",
    metadata,
    Column("name", Text, primary_key=True),  # ofac-sdn, ofac-consolidated, un, eu, pep, ...
    Column("version", Text, nullable=False),  # SHA-256 of the file it came from.
    Column("published_on", Date),
    Column("parties", Integer, nullable=False),
    Column("loaded_at", _TIME, nullable=False, server_default=_NOW),
)

listed_parties = Table(
    "listed_parties",
    metadata,
    Column("list", Text, ForeignKey("screening_lists.name"), primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # person, organisation, vessel, aircraft
    Column("names", ARRAY(Text), nullable=False),  # The first is the primary name.
    Column("birth_dates", ARRAY(Text), nullable=False, server_default=_NO_WORDS),  # ISO, or a year.
    Column("countries", ARRAY(Text), nullable=False, server_default=_NO_WORDS),  # Two letters.
    Column("programs", ARRAY(Text), nullable=False, server_default=_NO_WORDS),
)

listed_addresses = Table(
    "listed_addresses",
    metadata,
    Column("address", Text, primary_key=True),  # As compared: see compliance.addresses.
    Column("list", Text, ForeignKey("screening_lists.name"), primary_key=True),
    Column("category", Text, nullable=False),  # sanctioned, mixer, stolen, ...
    Column("party_uid", Text),
)

screenings = Table(
    "screenings",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),  # customer, address, originator
    Column("reference", Text, nullable=False),  # kyc/1001, deposit/..., withdrawal/...
    Column("lists", JSONB, nullable=False),  # Name -> version screened against.
    Column("clear", Boolean, nullable=False),
    Column("score", SmallInteger, nullable=False),
    Column("matches", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Index("ix_screenings_customer", "customer_id", "id"),
    Index("ix_screenings_reference", "reference"),
)

cleared_matches = Table(
    "cleared_matches",
    metadata,
    Column("customer_id", BigInteger, primary_key=True),
    Column("list", Text, primary_key=True),
    Column("uid", Text, primary_key=True),
    Column(
        "fingerprint", Text, primary_key=True
    ),  # Of the listed party: a changed one counts anew.
    Column("officer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", _TIME, nullable=False, server_default=_NOW),
)

# Monitoring -----------------------------------------------------------------------------------

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),  # rule/customer/window: found twice is raised once.
    Column("customer_id", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("score", SmallInteger, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("case_id", Text),
    Column("raised_at", _TIME, nullable=False, server_default=_NOW),
    Index("ix_alerts_customer", "customer_id", "raised_at"),
)

compliance_cases = Table(
    "compliance_cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("risk_score", SmallInteger, nullable=False),
    Column("outcome", Text),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("officers", ARRAY(Text), nullable=False, server_default=_NO_WORDS),
    Column("opened_at", _TIME, nullable=False),
    Column("closed_at", _TIME),
    Column("changed_at", _TIME, nullable=False),
    Index("ix_compliance_cases_customer", "customer_id"),
)

case_links = Table(
    "case_links",
    metadata,
    Column("case_id", Text, ForeignKey("compliance_cases.id"), primary_key=True),
    Column("reference", Text, primary_key=True),  # deposit/..., withdrawal/..., alert/...
)

travel_rule_messages = Table(
    "travel_rule_messages",
    metadata,
    Column("reference", Text, primary_key=True),  # withdrawal/..., deposit/...
    Column("customer_id", BigInteger, nullable=False),
    Column("direction", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sealed", LargeBinary),  # The IVMS101 payload; null while the other side owes it.
    Column("changed_at", _TIME, nullable=False, server_default=_NOW),
    CheckConstraint("direction IN ('outgoing', 'incoming')", name="direction"),
    CheckConstraint("state IN ('awaited', 'received', 'sent', 'not_needed')", name="state"),
)

# Limits ---------------------------------------------------------------------------------------

reference_prices = Table(
    "reference_prices",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("price_units", _UNITS, nullable=False),  # Reference units for one whole coin.
    Column("at", _TIME, nullable=False, server_default=_NOW),
    CheckConstraint("price_units > 0", name="price"),
)

limited_flows = Table(
    "limited_flows",
    metadata,
    Column("customer_id", BigInteger, primary_key=True),
    Column("flow", Text, primary_key=True),  # compliance.tiers.Flow
    Column("reference", Text, primary_key=True),  # Counts once, whoever repeats it.
    Column("value_units", _UNITS, nullable=False),
    Column("at", _TIME, nullable=False, server_default=_NOW),
    Column("given_back_at", _TIME),
    CheckConstraint("flow IN ('deposit', 'trade', 'withdraw')", name="flow"),
    Index(
        "ix_limited_flows_window",
        "customer_id",
        "flow",
        "at",
        postgresql_where=text("given_back_at IS NULL"),
    ),
)
