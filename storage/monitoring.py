"""What monitoring reads (movements) and writes (alerts, cases and what they are about)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from compliance.monitoring import HISTORY_DAYS, Alert, ListedOriginator, Movement, Rule
from compliance.tiers import reference_value
from domain.ids import CustomerId
from storage.kyc import Audited, write_audit
from storage.tables_compliance import alerts, case_links, compliance_cases

_MOVERS = text("""
    SELECT customer_id FROM deposits
    WHERE first_seen_at > :since AND status NOT IN ('orphaned', 'reversed')
    UNION
    SELECT customer_id FROM withdrawals
    WHERE created_at > :since AND status NOT IN ('cancelled', 'rejected')
    ORDER BY customer_id
""")
_MOVEMENTS = text("""
    SELECT moved.reference, moved.is_deposit, moved.units, a.scale, p.price_units,
        extract(epoch FROM moved.at)::bigint AS at,
        EXISTS (
            SELECT FROM screenings s
            WHERE s.reference = moved.reference AND s.matches @> '[{"category": "mixer"}]'
        ) AS touches_mixer
    FROM (
        SELECT 'deposit/' || id AS reference, TRUE AS is_deposit, asset, units, first_seen_at AS at
        FROM deposits WHERE customer_id = :customer_id AND status NOT IN ('orphaned', 'reversed')
        UNION ALL
        SELECT 'withdrawal/' || id, FALSE, asset, units, created_at
        FROM withdrawals
        WHERE customer_id = :customer_id AND status NOT IN ('cancelled', 'rejected')
    ) AS moved
    JOIN assets a ON a.code = moved.asset
    JOIN reference_prices p ON p.asset = moved.asset
    WHERE moved.at > now() - make_interval(days => :days)
    ORDER BY moved.at, moved.reference
""")


@dataclass(frozen=True, slots=True)
class CaseRow:
    id: str
    customer_id: int
    state: str
    risk_score: int
    outcome: str | None
    reason: str
    officers: list[str]
    opened_at: datetime
    closed_at: datetime | None
    changed_at: datetime
    """The workflow's clock. An older row never overwrites a newer one."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """Raised, and part of no case yet."""

    id: str
    customer_id: CustomerId
    rule: str
    score: int
    facts: dict[str, Any]


class MonitoringStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def now(self) -> datetime:
        """The database's clock, by which rows are dated."""
        async with self._engine.connect() as connection:
            moment: datetime = (await connection.execute(select(func.now()))).scalar_one()
            return moment

    async def movers(self, since: datetime) -> list[CustomerId]:
        """Customers who deposited or withdrew after a moment."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_MOVERS, {"since": since})
            return [CustomerId(row.customer_id) for row in rows]

    async def movements(self, customer_id: CustomerId) -> list[Movement]:
        """Of the last months, oldest first, each valued at the reference price of now."""
        parameters = {"customer_id": customer_id, "days": HISTORY_DAYS}
        async with self._engine.connect() as connection:
            rows = await connection.execute(_MOVEMENTS, parameters)
            return [
                Movement(
                    reference=row.reference,
                    is_deposit=row.is_deposit,
                    value_units=reference_value(int(row.units), row.scale, int(row.price_units)),
                    at=row.at,
                    touches_mixer=row.touches_mixer,
                )
                for row in rows
            ]

    async def raise_alerts(self, customer_id: CustomerId, found: Sequence[Alert]) -> None:
        """Each once a day, however often it is found."""
        rows = [
            {
                "id": f"{alert.rule}/{customer_id}/{alert.day}",
                "customer_id": customer_id,
                "rule": str(alert.rule),
                "score": alert.score,
                "facts": {"sentence": alert.sentence, "references": list(alert.references)},
            }
            for alert in found
        ]
        if rows:
            async with self._engine.begin() as connection:
                await connection.execute(insert(alerts).on_conflict_do_nothing(), rows)

    async def raise_listed_originator(
        self, customer_id: CustomerId, found: ListedOriginator
    ) -> None:
        """Once a deposit, however often its sender's exchange is asked."""
        row = {
            "id": f"{Rule.LISTED_ORIGINATOR}/{found.reference}",
            "customer_id": customer_id,
            "rule": str(Rule.LISTED_ORIGINATOR),
            "score": found.score,
            "facts": {"sentence": found.sentence, "references": [found.reference]},
        }
        async with self._engine.begin() as connection:
            await connection.execute(insert(alerts).on_conflict_do_nothing(), row)

    async def open_alerts(self) -> list[OpenAlert]:
        columns = alerts.c
        statement = (
            select(columns.id, columns.customer_id, columns.rule, columns.score, columns.facts)
            .where(columns.case_id.is_(None))
            .order_by(columns.customer_id, columns.raised_at)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement)
            return [OpenAlert(**row) for row in rows.mappings()]

    async def record_case(
        self,
        row: CaseRow,
        *,
        alert_ids: Sequence[str],
        references: Sequence[str],
        audited: Sequence[Audited],
    ) -> bool:
        """Case, links and audit lines together. False: written before, or older."""
        values = asdict(row)
        written = (
            insert(compliance_cases)
            .values(values)
            .on_conflict_do_update(
                index_elements=["id"],
                set_=values,
                where=compliance_cases.c.changed_at < row.changed_at,
            )
            .returning(compliance_cases.c.id)
        )
        links = [{"case_id": row.id, "reference": reference} for reference in references]
        async with self._engine.begin() as connection:
            if (await connection.execute(written)).scalar_one_or_none() is None:
                return False
            if links:
                await connection.execute(insert(case_links).on_conflict_do_nothing(), links)
            await connection.execute(
                update(alerts)
                .where(alerts.c.id.in_(alert_ids), alerts.c.case_id.is_(None))
                .values(case_id=row.id)
            )
            await write_audit(connection, audited)
        return True
