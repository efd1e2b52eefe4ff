"""Compliance: KYC cases and documents, screening, alerts, cases, limits; staff and their sessions.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

import storage.tables_customers  # noqa: F401  # The foreign keys below name its table.
from storage import tables_compliance as c
from storage import tables_staff as s

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    c.kyc_cases,
    c.kyc_profiles,
    c.kyc_documents,
    c.vendor_checks,
    c.vendor_events,
    c.screening_lists,
    c.listed_parties,
    c.listed_addresses,
    c.screenings,
    c.cleared_matches,
    c.alerts,
    c.compliance_cases,
    c.case_links,
    c.travel_rule_messages,
    c.reference_prices,
    c.limited_flows,
    s.staff_users,
    s.staff_sessions,
)

# Prices to value limits by until the markets have set some, in USDT units for one whole coin.
PRICES = {"BTC": 60_000_000_000, "ETH": 3_000_000_000, "USDT": 1_000_000}

GRANTS = (
    # The public API takes in profiles and documents and reads states; decisions are the workers'.
    "GRANT SELECT ON kyc_cases, reference_prices, limited_flows, vendor_checks TO rialto_api",
    "GRANT SELECT, INSERT, UPDATE ON kyc_profiles, kyc_documents TO rialto_api",
    "GRANT SELECT, INSERT ON vendor_events TO rialto_api",
    "GRANT INSERT, UPDATE (given_back_at) ON limited_flows TO rialto_api",
    "GRANT SELECT, INSERT, UPDATE ON travel_rule_messages TO rialto_api",
    "GRANT SELECT, INSERT ON screenings, vendor_events TO rialto_worker",
    (
        "GRANT SELECT, INSERT, UPDATE ON kyc_cases, kyc_profiles, kyc_documents, vendor_checks, "
        "cleared_matches, alerts, compliance_cases, case_links, travel_rule_messages, "
        "reference_prices, limited_flows, staff_users, staff_sessions TO rialto_worker"
    ),
    (
        "GRANT SELECT, INSERT, UPDATE, DELETE ON screening_lists, listed_parties, listed_addresses "
        "TO rialto_worker"
    ),
    "GRANT SELECT ON listed_addresses, limited_flows TO rialto_signer",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO rialto_worker",
)


def upgrade() -> None:
    bind = op.get_bind()
    for table in TABLES:
        table.create(bind)
    for grant in GRANTS:
        op.execute(grant)
    op.bulk_insert(
        c.reference_prices,
        [{"asset": asset, "price_units": price} for asset, price in PRICES.items()],
    )


def downgrade() -> None:
    bind = op.get_bind()
    for table in reversed(TABLES):
        table.drop(bind)
