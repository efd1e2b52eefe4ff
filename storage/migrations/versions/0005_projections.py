"""Projections: every change of a deposit or withdrawal leaves a row in an outbox.

The database writes it, in the database transaction of the change, so no code can forget to.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from alembic import op

from storage.tables_projections import custody_changes

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Screening results, reasons and officers stay behind: what is not told cannot be found.
_DEPOSIT_BODY = """
    CREATE FUNCTION deposit_body(d deposits) RETURNS jsonb LANGUAGE sql STABLE AS $$
        SELECT jsonb_build_object(
            'kind', 'deposit', 'id', d.id, 'customer_id', d.customer_id, 'chain', d.chain,
            'txid', d.txid, 'index', d.index, 'asset', d.asset, 'units', d.units::text,
            'address', d.address, 'status', d.status, 'height', d.height,
            'block_hash', d.block_hash,
            'first_seen_at_ms', floor(extract(epoch FROM d.first_seen_at) * 1000)::bigint,
            'changed_at_ms', floor(extract(epoch FROM d.changed_at) * 1000)::bigint
        )
    $$
"""
_WITHDRAWAL_BODY = """
    CREATE FUNCTION withdrawal_body(w withdrawals) RETURNS jsonb LANGUAGE sql STABLE AS $$
        SELECT jsonb_build_object(
            'kind', 'withdrawal', 'id', w.id, 'customer_id', w.customer_id, 'chain', w.chain,
            'asset', w.asset, 'units', w.units::text, 'fee_units', w.fee_units::text,
            'address', w.address, 'status', w.status, 'txid', w.txid,
            'created_at_ms', floor(extract(epoch FROM w.created_at) * 1000)::bigint,
            'changed_at_ms', floor(extract(epoch FROM w.changed_at) * 1000)::bigint
        )
    $$
"""
_SHOWN = {"deposit": ("status", "height", "block_hash"), "withdrawal": ("status", "txid")}


def upgrade() -> None:
    custody_changes.create(op.get_bind())
    op.execute("GRANT SELECT, UPDATE (told_at) ON custody_changes TO rialto_worker")
    op.execute(_DEPOSIT_BODY)
    op.execute(_WITHDRAWAL_BODY)
    for subject, columns in _SHOWN.items():
        # The API inserts withdrawals but has no right to the outbox: the function's owner has.
        op.execute(f"""
            CREATE FUNCTION tell_{subject}() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
            BEGIN
                INSERT INTO custody_changes (subject, body)
                VALUES (NEW.id, {subject}_body(NEW));
                RETURN NULL;
            END
            $$
        """)  # noqa: S608 - a name of our own list above
        op.execute(f"""
            CREATE TRIGGER tell_{subject} AFTER INSERT ON {subject}s
            FOR EACH ROW EXECUTE FUNCTION tell_{subject}()
        """)
        before = ", ".join(f"OLD.{column}" for column in columns)
        after = ", ".join(f"NEW.{column}" for column in columns)
        op.execute(f"""
            CREATE TRIGGER tell_{subject}_change AFTER UPDATE ON {subject}s
            FOR EACH ROW WHEN (({before}) IS DISTINCT FROM ({after}))
            EXECUTE FUNCTION tell_{subject}()
        """)


def downgrade() -> None:
    for subject in _SHOWN:
        op.execute(f"DROP TRIGGER tell_{subject}_change ON {subject}s")
        op.execute(f"DROP TRIGGER tell_{subject} ON {subject}s")
        op.execute(f"DROP FUNCTION tell_{subject}()")
        op.execute(f"DROP FUNCTION {subject}_body({subject}s)")
    custody_changes.drop(op.get_bind())
