"""Browser and app sessions. The token is known to the customer only; we keep its SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import NotAuthenticated, SessionExpired, UnknownSession
from domain.ids import CustomerId
from storage.customers import Customer, customer_of
from storage.tables_customers import customers, sessions

TOKEN_PREFIX = "rs_"  # noqa: S105 - not a secret: how leak scanners recognise our tokens
_TOKEN_BYTES = 32
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    id: int
    customer_id: CustomerId
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    stepped_up_at: datetime | None
    """When the holder last proved a second factor in this session."""
    user_agent: str
    ip: str


class Sessions:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open(
        self,
        customer_id: CustomerId,
        *,
        lifetime: timedelta,
        user_agent: str,
        ip: str,
        stepped_up: bool = False,
    ) -> tuple[str, Session]:
        """A new session and its token, which nobody can read again afterwards."""
        token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        statement = (
            insert(sessions)
            .values(
                token_hash=token_hash(token),
                customer_id=customer_id,
                expires_at=func.now() + lifetime,
                stepped_up_at=func.now() if stepped_up else None,
                user_agent=user_agent[:300],
                ip=ip,
            )
            .returning(sessions)
        )
        async with self._engine.begin() as connection:
            row = (await connection.execute(statement)).one()
        return token, _session_of(row)

    async def find(self, token: str) -> tuple[Session, Customer]:
        """Who holds `token`. Raises SessionExpired for one that ended, NotAuthenticated for an
        unknown one.
        """
        statement = select(sessions, (sessions.c.expires_at <= func.now()).label("expired")).where(
            sessions.c.token_hash == token_hash(token)
        )
        async with self._engine.begin() as connection:
            row = (await connection.execute(statement)).one_or_none()
            if row is None:
                raise NotAuthenticated("unknown session")
            if row.expired or row.revoked_at is not None:
                raise SessionExpired("the session has ended; log in again")
            owner = (
                (
                    await connection.execute(
                        select(customers).where(customers.c.id == row.customer_id)
                    )
                )
                .mappings()
                .one()
            )
            await connection.execute(
                update(sessions)
                .where(sessions.c.id == row.id, sessions.c.last_seen_at < func.now() - _SEEN_EVERY)
                .values(last_seen_at=func.now())
            )
        return _session_of(row), customer_of(owner)

    async def of_customer(
        self, customer_id: CustomerId, *, before: int | None, limit: int
    ) -> list[Session]:
        """Sessions that are still good, newest first."""
        statement = (
            select(sessions)
            .where(
                sessions.c.customer_id == customer_id,
                sessions.c.revoked_at.is_(None),
                sessions.c.expires_at > func.now(),
            )
            .order_by(sessions.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(sessions.c.id < before)
        async with self._engine.connect() as connection:
            return [_session_of(row) for row in await connection.execute(statement)]

    async def revoke(self, customer_id: CustomerId, session_id: int) -> None:
        """End one session of this customer; ending it again is fine."""
        statement = (
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.customer_id == customer_id)
            .values(revoked_at=func.coalesce(sessions.c.revoked_at, func.now()))
        )
        async with self._engine.begin() as connection:
            if (await connection.execute(statement)).rowcount == 0:
                raise UnknownSession(f"there is no session {session_id}")

    async def revoke_others(self, customer_id: CustomerId, keep_session_id: int | None) -> int:
        """End every session but one, as after a password change. Returns how many ended."""
        statement = (
            update(sessions)
            .where(
                sessions.c.customer_id == customer_id,
                sessions.c.revoked_at.is_(None),
                sessions.c.id != (keep_session_id or 0),
            )
            .values(revoked_at=func.now())
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount

    async def step_up(self, session_id: int) -> None:
        """Note that the holder has just proved a second factor."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(sessions).where(sessions.c.id == session_id).values(stepped_up_at=func.now())
            )


def token_hash(token: str) -> bytes:
    """A plain hash is enough: the token has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(token.encode()).digest()


def _session_of(row: Row[tuple[object, ...]]) -> Session:
    return Session(
        id=row.id,
        customer_id=CustomerId(row.customer_id),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        stepped_up_at=row.stepped_up_at,
        user_agent=row.user_agent,
        ip=row.ip,
    )
