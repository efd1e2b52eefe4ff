"""Compliance: KYC cases and documents, screening, alerts, cases, limits; staff and their sessions.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

from storage.migrations.script import drop_tables, run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "kyc_cases",
    "kyc_profiles",
    "kyc_documents",
    "vendor_checks",
    "vendor_events",
    "screening_lists",
    "listed_parties",
    "listed_addresses",
    "screenings",
    "cleared_matches",
    "alerts",
    "compliance_cases",
    "case_links",
    "travel_rule_messages",
    "reference_prices",
    "limited_flows",
    "staff_users",
    "staff_sessions",
)

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
    run_script("0004_compliance.sql")
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    drop_tables(TABLES)
