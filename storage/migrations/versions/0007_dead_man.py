"""Dead-man switches: cancel a customer's orders unless they are heard of in time.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLE = """
    CREATE TABLE dead_man_switches (
        customer_id BIGINT NOT NULL,
        markets TEXT[] NOT NULL,
        seconds INTEGER NOT NULL,
        fires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_dead_man_switches PRIMARY KEY (customer_id),
        CONSTRAINT fk_dead_man_switches_customer_id_customers FOREIGN KEY(customer_id)
            REFERENCES customers (id)
    )
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute("CREATE INDEX ix_dead_man_switches_fires ON dead_man_switches (fires_at)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON dead_man_switches TO rialto_api")


def downgrade() -> None:
    op.execute("DROP TABLE dead_man_switches")
