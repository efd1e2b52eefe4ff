"""What customers traded by the hour, in reference units: what tier limits on trading count.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = """
    CREATE TABLE traded_values (
        customer_id BIGINT NOT NULL,
        hour TIMESTAMP WITH TIME ZONE NOT NULL,
        value_units NUMERIC(78, 0) NOT NULL,
        CONSTRAINT pk_traded_values PRIMARY KEY (customer_id, hour)
    ) WITH (fillfactor = 70)
"""
# The trades of the last 30 days count, whenever they were made.
_FILL = """
    INSERT INTO traded_values (customer_id, hour, value_units)
    SELECT owner, date_trunc('hour', traded_at), sum(div(
        t.price_ticks::numeric * t.lots * m.tick_units * m.lot_units / 10::numeric ^ base.scale
            * p.price_units + 10::numeric ^ quote.scale - 1,
        10::numeric ^ quote.scale
    ))
    FROM trades t
    CROSS JOIN LATERAL (VALUES (t.maker_id), (t.taker_id)) AS sides (owner)
    JOIN markets m ON m.id = t.market
    JOIN assets base ON base.code = m.base
    JOIN assets quote ON quote.code = m.quote
    JOIN reference_prices p ON p.asset = m.quote
    WHERE t.traded_at > now() - interval '30 days 1 hour'
    GROUP BY 1, 2
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(_FILL)
    op.execute("GRANT SELECT ON traded_values TO rialto_api")
    op.execute("GRANT SELECT, INSERT, UPDATE ON traded_values TO rialto_worker")


def downgrade() -> None:
    op.execute("DROP TABLE traded_values")
