"""Webhook endpoints as their owners see and change them, and what became of each delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import TooManyWebhooks, UnknownDelivery, UnknownWebhook
from domain.ids import CustomerId
from domain.webhook import PING
from storage.paging import Place, below
from storage.tables_webhooks import (
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
    webhook_messages,
)

ENDPOINTS_MAX = 5
"""Of one customer: each costs a delivery for every event."""

_e, _d, _m, _a = (
    webhook_endpoints.c,
    webhook_deliveries.c,
    webhook_messages.c,
    webhook_attempts.c,
)


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    id: str
    url: str
    label: str
    events: tuple[str, ...]
    secret_sealed: bytes


@dataclass(frozen=True, slots=True)
class Endpoint:
    id: str
    url: str
    label: str
    events: tuple[str, ...]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    id: int
    message_id: str
    event: str
    status: str
    """`waiting`, `sending` (perhaps between two attempts), `delivered` or `failed`."""
    attempts: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    number: int
    at: datetime
    status_code: int | None
    problem: str
    took_ms: int


class Webhooks:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(self, customer_id: CustomerId, new: NewEndpoint) -> Endpoint:
        """Raises TooManyWebhooks."""
        values = {name: getattr(new, name) for name in NewEndpoint.__dataclass_fields__}
        values |= {"events": list(new.events), "customer_id": customer_id}
        async with self._engine.begin() as connection:
            await _one_at_a_time(connection, customer_id)
            count = select(func.count()).where(_of(customer_id))
            if (await connection.execute(count)).scalar_one() >= ENDPOINTS_MAX:
                raise TooManyWebhooks(f"at most {ENDPOINTS_MAX} endpoints")
            made = insert(webhook_endpoints).values(values).returning(webhook_endpoints)
            return _endpoint((await connection.execute(made)).mappings().one())

    async def listed(
        self, customer_id: CustomerId, *, before: Place | None, limit: int
    ) -> list[Endpoint]:
        """Newest first."""
        query = select(webhook_endpoints).where(_of(customer_id))
        if before is not None:
            query = query.where(below(_e.created_at, _e.id, before))
        query = query.order_by(_e.created_at.desc(), _e.id.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [_endpoint(row) for row in (await connection.execute(query)).mappings()]

    async def find(self, customer_id: CustomerId, endpoint_id: str) -> Endpoint:
        """Raises UnknownWebhook, for other people's, too."""
        async with self._engine.connect() as connection:
            return _endpoint(await _own(connection, customer_id, endpoint_id))

    async def change(self, customer_id: CustomerId, endpoint_id: str, **values: object) -> Endpoint:
        """Set these columns. Raises UnknownWebhook."""
        changed = (
            update(webhook_endpoints)
            .where(_of(customer_id), _e.id == endpoint_id)
            .values(**values)
            .returning(webhook_endpoints)
        )
        async with self._engine.begin() as connection:
            row = (await connection.execute(changed)).mappings().one_or_none()
        if row is None:
            raise UnknownWebhook("there is no such webhook")
        return _endpoint(row)

    async def enable(self, customer_id: CustomerId, endpoint_id: str) -> Endpoint:
        values = {"disabled_at": None, "disabled_reason": "", "failing_since": None}
        return await self.change(customer_id, endpoint_id, **values)

    async def disable(self, customer_id: CustomerId, endpoint_id: str) -> Endpoint:
        values = {"disabled_at": func.now(), "disabled_reason": "you disabled it"}
        return await self.change(customer_id, endpoint_id, **values)

    async def remove(self, customer_id: CustomerId, endpoint_id: str) -> Endpoint:
        return await self.change(customer_id, endpoint_id, removed_at=func.now())

    async def rotate(
        self, customer_id: CustomerId, endpoint_id: str, sealed: bytes, *, overlap: timedelta
    ) -> Endpoint:
        """A new secret; the old one signs as well for `overlap`."""
        return await self.change(
            customer_id,
            endpoint_id,
            secret_sealed=sealed,
            previous_secret_sealed=_e.secret_sealed,
            previous_secret_until=func.now() + overlap,
        )

    async def ping(self, customer_id: CustomerId, endpoint_id: str) -> Delivery:
        """Queue a message of no meaning, whatever the endpoint asked for."""
        async with self._engine.begin() as connection:
            await _own(connection, customer_id, endpoint_id)
            message = insert(webhook_messages).values(
                customer_id=customer_id, event=PING, body={"endpoint_id": endpoint_id}
            )
            message_id = (await connection.execute(message.returning(_m.id))).scalar_one()
            return await _queue(connection, endpoint_id, message_id)

    async def redeliver(
        self, customer_id: CustomerId, endpoint_id: str, delivery_id: int
    ) -> Delivery:
        """The same message once more, under its own id. Raises UnknownDelivery."""
        async with self._engine.begin() as connection:
            await _own(connection, customer_id, endpoint_id)
            query = select(_d.message_id).where(_d.id == delivery_id, _d.endpoint_id == endpoint_id)
            message_id = (await connection.execute(query)).scalar_one_or_none()
            if message_id is None:
                raise UnknownDelivery("there is no such delivery")
            return await _queue(connection, endpoint_id, message_id)

    async def deliveries(
        self, customer_id: CustomerId, endpoint_id: str, *, before: int | None, limit: int
    ) -> list[Delivery]:
        """Newest first. Raises UnknownWebhook."""
        query = _DELIVERIES.where(_d.endpoint_id == endpoint_id)
        if before is not None:
            query = query.where(_d.id < before)
        async with self._engine.connect() as connection:
            await _own(connection, customer_id, endpoint_id)
            rows = await connection.execute(query.order_by(_d.id.desc()).limit(limit))
            return [Delivery(**row) for row in rows.mappings()]

    async def delivery(
        self, customer_id: CustomerId, endpoint_id: str, delivery_id: int
    ) -> tuple[Delivery, Sequence[Attempt]]:
        """With its newest attempts. Raises UnknownWebhook, UnknownDelivery."""
        query = _DELIVERIES.where(_d.endpoint_id == endpoint_id, _d.id == delivery_id)
        columns = [_a[name] for name in Attempt.__dataclass_fields__]
        tried = select(*columns).where(_a.delivery_id == delivery_id)
        async with self._engine.connect() as connection:
            await _own(connection, customer_id, endpoint_id)
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:
                raise UnknownDelivery("there is no such delivery")
            rows = await connection.execute(tried.order_by(_a.number.desc()).limit(ATTEMPTS_SHOWN))
            return Delivery(**row), [Attempt(**each) for each in rows.mappings()]


ATTEMPTS_SHOWN = 100
_DELIVERIES = select(
    _d.id, _d.message_id, _m.event, _d.status, _d.attempts, _d.created_at, _d.ended_at
).join(webhook_messages, _m.id == _d.message_id)


def _of(customer_id: CustomerId) -> ColumnElement[bool]:
    return (_e.customer_id == customer_id) & _e.removed_at.is_(None)


async def _own(
    connection: AsyncConnection, customer_id: CustomerId, endpoint_id: str
) -> RowMapping:
    query = select(webhook_endpoints).where(_of(customer_id), _e.id == endpoint_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise UnknownWebhook("there is no such webhook")
    return row


async def _queue(connection: AsyncConnection, endpoint_id: str, message_id: str) -> Delivery:
    made = insert(webhook_deliveries).values(endpoint_id=endpoint_id, message_id=message_id)
    delivery_id = (await connection.execute(made.returning(_d.id))).scalar_one()
    row = await connection.execute(_DELIVERIES.where(_d.id == delivery_id))
    return Delivery(**row.mappings().one())


async def _one_at_a_time(connection: AsyncConnection, customer_id: CustomerId) -> None:
    """Two requests at once must not pass the limit together."""
    await connection.execute(select(func.pg_advisory_xact_lock(_LOCK_SPACE, customer_id % 2**31)))


_LOCK_SPACE = 7_246
"""The first key of these advisory locks; any number that nobody else uses."""


def _endpoint(row: RowMapping) -> Endpoint:
    same = {name: row[name] for name in Endpoint.__dataclass_fields__}
    return Endpoint(**{**same, "events": tuple(row["events"])})
