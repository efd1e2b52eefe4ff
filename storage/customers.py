"""Customers, the hashes of their passwords, and the record of what each of them did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import UnknownCustomer
from domain.ids import CustomerId
from storage.address_book import hold_for_security
from storage.tables_customers import credentials, customer_actions, customers


@dataclass(frozen=True, slots=True)
class Customer:
    id: CustomerId
    email: str
    status: str
    """`active`, `frozen` or `closed`; only an active customer may act."""
    kyc_tier: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a customer did or tried. `details` carries ids and settings, never a secret."""

    customer_id: CustomerId
    action: str
    actor: str
    ip: str = ""
    user_agent: str = ""
    succeeded: bool = True
    details: Mapping[str, Any] = field(default_factory=dict)


class Customers:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def register(self, email: str, password_hash: str) -> Customer | None:
        """Create a customer; None when the address is taken. Two racing registrations give one
        customer.
        """
        async with self._engine.begin() as connection:
            row = (
                (
                    await connection.execute(
                        postgres_insert(customers)
                        .values(email=normal_email(email))
                        .on_conflict_do_nothing(index_elements=["email"])
                        .returning(customers)
                    )
                )
                .mappings()
                .one_or_none()
            )
            if row is None:
                return None
            await connection.execute(
                insert(credentials).values(customer_id=row["id"], password_hash=password_hash)
            )
        return customer_of(row)

    async def find(self, customer_id: CustomerId) -> Customer:
        async with self._engine.connect() as connection:
            row = (
                (await connection.execute(select(customers).where(customers.c.id == customer_id)))
                .mappings()
                .one_or_none()
            )
        if row is None:
            raise UnknownCustomer(f"there is no customer {customer_id}")
        return customer_of(row)

    async def with_password(self, email: str) -> tuple[Customer, str] | None:
        """The customer with this e-mail address and the hash of the password; None when there is
        none.
        """
        statement = (
            select(customers, credentials.c.password_hash)
            .join(credentials, credentials.c.customer_id == customers.c.id)
            .where(customers.c.email == normal_email(email))
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        return None if row is None else (customer_of(row), row["password_hash"])

    async def password_hash(self, customer_id: CustomerId) -> str:
        statement = select(credentials.c.password_hash).where(
            credentials.c.customer_id == customer_id
        )
        async with self._engine.connect() as connection:
            return str((await connection.execute(statement)).scalar_one())

    async def replace_password(
        self, customer_id: CustomerId, password_hash: str, *, changed_at: datetime
    ) -> None:
        """Withdrawals are held for a while, for it may have been a thief."""
        statement = (
            update(credentials)
            .where(credentials.c.customer_id == customer_id)
            .values(password_hash=password_hash, changed_at=changed_at)
        )
        async with self._engine.begin() as connection:
            await connection.execute(statement)
            await hold_for_security(connection, customer_id, "the password was changed")

    async def record(self, action: Action) -> None:
        """Write down what the customer did; never edited afterwards."""
        async with self._engine.begin() as connection:
            await record_in(connection, action)

    async def actions(
        self, customer_id: CustomerId, *, limit: int, before_id: int | None
    ) -> list[dict[str, Any]]:
        """Newest first."""
        statement = (
            select(customer_actions)
            .where(customer_actions.c.customer_id == customer_id)
            .order_by(customer_actions.c.id.desc())
            .limit(limit)
        )
        if before_id is not None:
            statement = statement.where(customer_actions.c.id < before_id)
        async with self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def record_in(connection: AsyncConnection, action: Action) -> None:
    await connection.execute(
        insert(customer_actions).values(
            customer_id=action.customer_id,
            action=action.action,
            actor=action.actor,
            ip=action.ip,
            user_agent=action.user_agent[:300],
            succeeded=action.succeeded,
            details=dict(action.details),
        )
    )


async def set_kyc_tier(connection: AsyncConnection, customer_id: CustomerId, tier: int) -> None:
    """Raise or lower the tier, inside the caller's database transaction. Running it twice changes
    nothing more.
    """
    await connection.execute(
        update(customers).where(customers.c.id == customer_id).values(kyc_tier=tier)
    )


async def set_status(connection: AsyncConnection, customer_id: CustomerId, status: str) -> None:
    """Freeze, close or re-open, inside the caller's database transaction."""
    await connection.execute(
        update(customers).where(customers.c.id == customer_id).values(status=status)
    )


def normal_email(email: str) -> str:
    """One spelling per mailbox: lower case, no outer spaces. No provider tells cases apart."""
    return email.strip().lower()


def customer_of(row: RowMapping) -> Customer:
    return Customer(
        id=CustomerId(row["id"]),
        email=row["email"],
        status=row["status"],
        kyc_tier=row["kyc_tier"],
        created_at=row["created_at"],
    )
