"""Webhooks: endpoints of customers, messages the database writes, deliveries and their attempts.

A message is written in the database transaction of what it tells, so none is lost and none is
told of what was rolled back. The role that sends them can read and write nothing else.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op

from storage.migrations.script import drop_tables, run_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("webhook_endpoints", "webhook_messages", "webhook_deliveries", "webhook_attempts")
SENDER = "rialto_webhooks"

GRANTS = (
    "GRANT SELECT, INSERT, UPDATE ON webhook_endpoints TO rialto_api",
    "GRANT SELECT ON webhook_messages, webhook_deliveries, webhook_attempts TO rialto_api",
    "GRANT INSERT (customer_id, event, body) ON webhook_messages TO rialto_api",
    "GRANT INSERT (endpoint_id, message_id) ON webhook_deliveries TO rialto_api",
    f"GRANT USAGE ON SCHEMA public TO {SENDER}",
    f"GRANT SELECT ON assets, markets, {', '.join(TABLES)} TO {SENDER}",
    (
        "GRANT UPDATE (failing_since, disabled_at, disabled_reason) ON webhook_endpoints"
        f" TO {SENDER}"
    ),
    f"GRANT UPDATE (status, attempts, ended_at) ON webhook_deliveries TO {SENDER}",
    f"GRANT INSERT ON webhook_attempts TO {SENDER}",
    f"GRANT DELETE ON webhook_messages, webhook_deliveries, webhook_attempts TO {SENDER}",
    f"GRANT INSERT (customer_id, action, actor, details) ON customer_actions TO {SENDER}",
)

# Table, function, when it tells of an update.
_TOLD = (
    ("deposits", "deposit", "OLD.status IS DISTINCT FROM NEW.status"),
    ("withdrawals", "withdrawal", "OLD.status IS DISTINCT FROM NEW.status"),
    ("kyc_cases", "kyc", "(OLD.state, OLD.tier) IS DISTINCT FROM (NEW.state, NEW.tier)"),
    ("orders", "order", "NEW.status = 'filled' AND OLD.status <> 'filled'"),
)


def upgrade() -> None:
    run_script("0010_webhooks.sql")
    for table, subject, changed in _TOLD:
        if table != "orders":  # Those are never filled when they are placed.
            op.execute(f"""
                CREATE TRIGGER webhooks_of_{subject} AFTER INSERT ON {table}
                FOR EACH ROW EXECUTE FUNCTION tell_webhooks_of_{subject}()
            """)
        op.execute(f"""
            CREATE TRIGGER webhooks_of_{subject}_change AFTER UPDATE ON {table}
            FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION tell_webhooks_of_{subject}()
        """)
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    for table, subject, _ in _TOLD:
        op.execute(f"DROP TRIGGER IF EXISTS webhooks_of_{subject} ON {table}")
        op.execute(f"DROP TRIGGER webhooks_of_{subject}_change ON {table}")
        op.execute(f"DROP FUNCTION tell_webhooks_of_{subject}()")
    op.execute("DROP FUNCTION tell_webhooks(bigint, text, jsonb)")
    drop_tables(TABLES)
    columns = "customer_id, action, actor, details"
    op.execute(f"REVOKE ALL ON assets, markets FROM {SENDER}")
    op.execute(f"REVOKE ALL ({columns}) ON customer_actions FROM {SENDER}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {SENDER}")
