"""Webhook deliveries as their sender sees them: what is due, what is told, how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, func, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.tables_customers import customer_actions
from storage.tables_webhooks import (
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
    webhook_messages,
)

OPEN_MAX = 10
"""Deliveries of one endpoint on their way at once: a slow one must not take up the worker."""
KEPT = timedelta(days=30)
_AT_ONCE = 200
_FORGOTTEN_AT_ONCE = 5_000

_e, _d, _m = webhook_endpoints.c, webhook_deliveries.c, webhook_messages.c


@dataclass(frozen=True, slots=True)
class Sending:
    """All that one attempt needs."""

    endpoint_id: str
    url: str
    is_wanted: bool
    """Whether the endpoint is still there and not disabled."""
    secrets_sealed: tuple[bytes, ...]
    """The newest first."""
    message_id: str
    event: str
    body: Mapping[str, Any]
    at: datetime


class WebhookSendings:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def due(self) -> list[int]:
        """Deliveries to begin with, oldest first; of each endpoint only as many as it may have."""
        waiting = webhook_deliveries.alias()
        under_way = (
            select(func.count())
            .where(_d.endpoint_id == _e.id, _d.ended_at.is_(None), _d.status == "sending")
            .scalar_subquery()
        )
        # Rows without an end, by endpoint and status, are in one small index.
        next_ones = (
            select(waiting.c.id)
            .where(
                waiting.c.endpoint_id == _e.id,
                waiting.c.ended_at.is_(None),
                waiting.c.status == "waiting",
            )
            .order_by(waiting.c.id)
            .limit(OPEN_MAX)
            .lateral("next_ones")
        )
        place = func.row_number().over(partition_by=_e.id, order_by=next_ones.c.id)
        ranked = (
            select(next_ones.c.id, place.label("place"), under_way.label("under_way"))
            .select_from(webhook_endpoints.join(next_ones, onclause=true()))
            .subquery()
        )
        query = select(ranked.c.id).where(ranked.c.place + ranked.c.under_way <= OPEN_MAX)
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query.order_by(ranked.c.id).limit(_AT_ONCE)))

    async def begun(self, delivery_ids: list[int]) -> None:
        """Their workflows run."""
        statement = (
            update(webhook_deliveries)
            .where(_d.id.in_(delivery_ids), _d.status == "waiting")
            .values(status="sending")
        )
        async with self._engine.begin() as connection:
            await connection.execute(statement)

    async def load(self, delivery_id: int) -> Sending | None:
        """None: forgotten, or ended before."""
        query = (
            select(
                _d.endpoint_id, _e.url, _e.secret_sealed, _m.id, _m.event, _m.body, _m.at,
                (_e.removed_at.is_(None) & _e.disabled_at.is_(None)).label("is_wanted"),
                func.now().label("now"), _e.previous_secret_sealed, _e.previous_secret_until,
            )
            .join(webhook_endpoints, _e.id == _d.endpoint_id)
            .join(webhook_messages, _m.id == _d.message_id)
            .where(_d.id == delivery_id, _d.ended_at.is_(None))
        )  # fmt: skip
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        secrets = [row.secret_sealed]
        if row.previous_secret_until is not None and row.previous_secret_until > row.now:
            secrets.append(row.previous_secret_sealed)
        return Sending(
            endpoint_id=row.endpoint_id,
            url=row.url,
            is_wanted=row.is_wanted,
            secrets_sealed=tuple(secrets),
            message_id=row.id,
            event=row.event,
            body=row.body,
            at=row.at,
        )

    async def attempted(
        self, delivery_id: int, *, status_code: int | None, problem: str, took_ms: int
    ) -> None:
        """Write an attempt down; `problem` empty means that it was taken."""
        ended = {} if problem else {"status": "delivered", "ended_at": func.now()}
        counted = (
            update(webhook_deliveries)
            .where(_d.id == delivery_id)
            .values(attempts=_d.attempts + 1, **ended)
            .returning(_d.attempts, _d.endpoint_id)
        )
        since = func.coalesce(_e.failing_since, func.now()) if problem else None
        async with self._engine.begin() as connection:
            row = (await connection.execute(counted)).one()
            values = {"delivery_id": delivery_id, "number": row.attempts, "problem": problem}
            values |= {"status_code": status_code, "took_ms": took_ms}
            await connection.execute(insert(webhook_attempts).values(values))
            endpoint = update(webhook_endpoints).where(_e.id == row.endpoint_id)
            await connection.execute(endpoint.values(failing_since=since))

    async def gave_up(self, delivery_id: int) -> str:
        """The delivery failed for good; returns the id of its endpoint."""
        ended = (
            update(webhook_deliveries)
            .where(_d.id == delivery_id, _d.ended_at.is_(None))
            .values(status="failed", ended_at=func.now())
        )
        endpoint = select(_d.endpoint_id).where(_d.id == delivery_id)
        async with self._engine.begin() as connection:
            await connection.execute(ended)
            return str((await connection.execute(endpoint)).scalar_one())

    async def disable(self, endpoint_id: str, reason: str, *, after: timedelta) -> bool:
        """Disable an endpoint that took nothing for so long, and tell its owner in their record
        of actions. False: it took something, or is disabled already.
        """
        statement = (
            update(webhook_endpoints)
            .where(
                _e.id == endpoint_id,
                _e.disabled_at.is_(None),
                _e.removed_at.is_(None),
                _e.failing_since <= func.now() - after,
            )
            .values(disabled_at=func.now(), disabled_reason=reason)
            .returning(_e.customer_id)
        )
        async with self._engine.begin() as connection:
            owner = (await connection.execute(statement)).scalar_one_or_none()
            if owner is None:
                return False
            action = {"customer_id": owner, "action": "webhook_disabled", "actor": "system"}
            details = {"webhook": endpoint_id, "reason": reason}
            # Inline: to return the row's number it would have to be read, which this role may not.
            told = insert(customer_actions).values(**action, details=details).inline()
            await connection.execute(told)
        return True

    async def drop_unwanted(self) -> int:
        """End what waits for endpoints that were removed or disabled meanwhile."""
        unwanted = select(_e.id).where(or_(_e.removed_at.is_not(None), _e.disabled_at.is_not(None)))
        statement = (
            update(webhook_deliveries)
            .where(_d.ended_at.is_(None), _d.status == "waiting", _d.endpoint_id.in_(unwanted))
            .values(status="failed", ended_at=func.now())
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount

    async def forget_old(self) -> int:
        """Delete what ended longer than `KEPT` ago, a bounded number at a time."""
        old = (
            select(_d.id)
            .where(_d.ended_at < func.now() - KEPT)
            .order_by(_d.id)
            .limit(_FORGOTTEN_AT_ONCE)
        )
        told = exists().where(_d.message_id == _m.id)
        async with self._engine.begin() as connection:
            deleted = delete(webhook_deliveries).where(_d.id.in_(old))
            gone = (await connection.execute(deleted)).rowcount
            messages = delete(webhook_messages).where(_m.at < func.now() - KEPT, ~told)
            await connection.execute(messages)
        return gone
