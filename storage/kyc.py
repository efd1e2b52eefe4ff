"""KYC rows: cases, sealed profiles, documents, vendor checks. What names a person is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from compliance.kyc import KycState
from compliance.tiers import Requirement, Tier
from domain.ids import CustomerId
from storage.tables_compliance import (
    kyc_cases,
    kyc_documents,
    kyc_profiles,
    travel_rule_messages,
    vendor_checks,
    vendor_events,
)
from storage.tables_customers import customers
from storage.tables_ledger import audit_log


@dataclass(frozen=True, slots=True)
class CaseRow:
    customer_id: CustomerId
    state: KycState
    tier: Tier
    """In force; customers.kyc_tier repeats it."""
    requested_tier: Tier
    changed_at: datetime
    """The workflow's clock. An older row never overwrites a newer one."""
    risk_score: int = 0
    reasons: Sequence[str] = ()
    question: bytes | None = None
    """Sealed."""
    check_id: str | None = None
    officers: Sequence[str] = ()
    approved_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Audited:
    """One line of the append-only audit log."""

    actor: str
    """staff:alice, customer:1001, vendor, policy, system."""
    action: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    customer_id: CustomerId
    kind: Requirement
    content_type: str
    size_bytes: int
    sha256: bytes
    object_key: str
    mrz_sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Check:
    id: str
    customer_id: CustomerId
    outcome: str | None


class KycStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    # The case, written by its workflow only --------------------------------------------------

    async def record(self, row: CaseRow, audited: Sequence[Audited]) -> bool:
        """Write row, customer and audit lines together. False: written before, or older."""
        values = {name: getattr(row, name) for name in CaseRow.__dataclass_fields__}
        values |= {"reasons": list(row.reasons), "officers": list(row.officers)}
        written = (
            postgres_insert(kyc_cases)
            .values(values)
            .on_conflict_do_update(
                index_elements=["customer_id"],
                set_=values,
                where=kyc_cases.c.changed_at < row.changed_at,
            )
            .returning(kyc_cases.c.customer_id)
        )
        async with self._engine.begin() as connection:
            if (await connection.execute(written)).scalar_one_or_none() is None:
                return False
            await _carry_to_customer(connection, row)
            await write_audit(connection, audited)
        return True

    async def find(self, customer_id: CustomerId) -> CaseRow | None:
        names = [kyc_cases.c[name] for name in CaseRow.__dataclass_fields__]
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(*names).where(kyc_cases.c.customer_id == customer_id)
            )
            row = found.mappings().one_or_none()
        if row is None:
            return None
        kinds = {
            "state": KycState(row["state"]),
            "tier": Tier(row["tier"]),
            "requested_tier": Tier(row["requested_tier"]),
        }
        return CaseRow(**{**row, **kinds})

    # What the customer handed in -------------------------------------------------------------

    async def put_profile(self, customer_id: CustomerId, sealed: bytes) -> None:
        values = {"sealed": sealed, "submitted_at": func.now(), "erased_at": None}
        statement = (
            postgres_insert(kyc_profiles)
            .values(customer_id=customer_id, **values)
            .on_conflict_do_update(index_elements=["customer_id"], set_=values)
        )
        async with self._engine.begin() as connection:
            await connection.execute(statement)

    async def profile(self, customer_id: CustomerId) -> bytes | None:
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(kyc_profiles.c.sealed).where(kyc_profiles.c.customer_id == customer_id)
            )
            sealed: bytes | None = found.scalar_one_or_none()
            return sealed

    async def profiles_after(self, customer_id: int, limit: int) -> list[tuple[CustomerId, bytes]]:
        """A page of all sealed profiles in order of customer, for re-screening."""
        statement = (
            select(kyc_profiles.c.customer_id, kyc_profiles.c.sealed)
            .where(kyc_profiles.c.customer_id > customer_id, kyc_profiles.c.sealed.is_not(None))
            .order_by(kyc_profiles.c.customer_id)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement)
            return [(CustomerId(row.customer_id), row.sealed) for row in rows]

    async def add_document(self, document: Document) -> None:
        """The same id again changes nothing."""
        values = {name: getattr(document, name) for name in Document.__dataclass_fields__}
        async with self._engine.begin() as connection:
            await connection.execute(
                postgres_insert(kyc_documents).values(values).on_conflict_do_nothing()
            )

    async def documents(self, customer_id: CustomerId) -> list[Document]:
        """Oldest first; without those erased."""
        names = [kyc_documents.c[name] for name in Document.__dataclass_fields__]
        statement = (
            select(*names)
            .where(kyc_documents.c.customer_id == customer_id, kyc_documents.c.erased_at.is_(None))
            .order_by(kyc_documents.c.uploaded_at, kyc_documents.c.id)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings()
            return [Document(**{**row, "kind": Requirement(row["kind"])}) for row in rows]

    async def told_others(self, customer_id: CustomerId) -> list[tuple[str, bytes]]:
        """(reference, sealed payload) of what other exchanges were told about the customer."""
        table = travel_rule_messages.c
        statement = select(table.reference, table.sealed).where(
            table.customer_id == customer_id,
            table.direction == "outgoing",
            table.sealed.is_not(None),
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(table.changed_at))
            return [(row.reference, row.sealed) for row in rows]

    async def erase(self, customer_id: CustomerId, audited: Audited) -> list[str]:
        """Forget profile and documents; returns the object keys to delete. Repeating it is safe."""
        keys = [document.object_key for document in await self.documents(customer_id)]
        async with self._engine.begin() as connection:
            await connection.execute(
                update(kyc_profiles)
                .where(
                    kyc_profiles.c.customer_id == customer_id, kyc_profiles.c.erased_at.is_(None)
                )
                .values(sealed=None, erased_at=func.now())
            )
            await write_audit(connection, [audited])
        return keys

    async def documents_erased(self, customer_id: CustomerId) -> None:
        """After the objects are gone: until then the keys must stay known."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(kyc_documents)
                .where(
                    kyc_documents.c.customer_id == customer_id,
                    kyc_documents.c.erased_at.is_(None),
                )
                .values(object_key=None, mrz_sealed=None, erased_at=func.now())
            )

    # The vendor ------------------------------------------------------------------------------

    async def add_check(self, check_id: str, customer_id: CustomerId, key: str) -> None:
        values = {"id": check_id, "customer_id": customer_id, "key": key}
        async with self._engine.begin() as connection:
            await connection.execute(
                postgres_insert(vendor_checks).values(values).on_conflict_do_nothing()
            )

    async def finish_check(self, check_id: str, outcome: str, reasons: Sequence[str]) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(vendor_checks)
                .where(vendor_checks.c.id == check_id, vendor_checks.c.outcome.is_(None))
                .values(outcome=outcome, reasons=list(reasons), finished_at=func.now())
            )

    async def check(self, check_id: str) -> Check | None:
        columns = (vendor_checks.c.id, vendor_checks.c.customer_id, vendor_checks.c.outcome)
        async with self._engine.connect() as connection:
            found = await connection.execute(select(*columns).where(vendor_checks.c.id == check_id))
            row = found.mappings().one_or_none()
        return None if row is None else Check(**row)

    async def has_event(self, event_id: str) -> bool:
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(vendor_events.c.id).where(vendor_events.c.id == event_id)
            )
            return found.scalar_one_or_none() is not None

    async def add_event(self, event_id: str, check_id: str) -> None:
        """Call after it took effect: an event lost half-way must count when it comes again."""
        values = {"id": event_id, "check_id": check_id}
        async with self._engine.begin() as connection:
            await connection.execute(
                postgres_insert(vendor_events).values(values).on_conflict_do_nothing()
            )

    async def audit_once(self, key: str, audited: Audited) -> None:
        """Append one audit line, unless the subject has one with this key."""
        known = select(audit_log.c.id).where(
            audit_log.c.subject == audited.subject, audit_log.c.details["key"].astext == key
        )
        async with self._engine.begin() as connection:
            if (await connection.execute(known.limit(1))).scalar_one_or_none() is None:
                details = {**audited.details, "key": key}
                await write_audit(connection, [replace(audited, details=details)])


async def write_audit(connection: AsyncConnection, audited: Sequence[Audited]) -> None:
    """Append audit lines in the caller's database transaction."""
    if audited:
        rows = [
            {
                "actor": one.actor,
                "action": one.action,
                "subject": one.subject,
                "details": dict(one.details),
            }
            for one in audited
        ]
        await connection.execute(insert(audit_log), rows)


async def _carry_to_customer(connection: AsyncConnection, row: CaseRow) -> None:
    """A frozen case freezes the customer; nothing else touches a closed one's status."""
    status = {KycState.FROZEN: "frozen", KycState.CLOSED: "closed"}.get(row.state, "active")
    await connection.execute(
        update(customers)
        .where(customers.c.id == row.customer_id)
        .values(
            kyc_tier=int(row.tier),
            status=case((customers.c.status == "closed", "closed"), else_=status),
        )
    )
