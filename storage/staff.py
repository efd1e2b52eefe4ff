"""Staff logins and sessions, and what each of them asked for."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.ext.asyncio import AsyncEngine

from compliance.staff import Role
from storage.kyc import Audited, write_audit
from storage.tables_staff import staff_sessions, staff_users

FAILURES_MAX = 5
LOCKED_FOR = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=8)
IDLE_MAX = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class StaffUser:
    login: str
    role: Role
    password_hash: str
    totp_sealed: bytes
    is_locked: bool


@dataclass(frozen=True, slots=True)
class StaffSession:
    login: str
    role: Role


class StaffStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put_user(
        self, login: str, role: Role, password_hash: str, totp_sealed: bytes
    ) -> None:
        """Make or renew a login. Its sessions end: the role may have changed."""
        values = {
            "role": str(role),
            "password_hash": password_hash,
            "totp_sealed": totp_sealed,
            "failures": 0,
            "locked_until": None,
            "disabled_at": None,
        }
        statement = (
            postgres_insert(staff_users)
            .values(login=login, **values)
            .on_conflict_do_update(index_elements=["login"], set_=values)
        )
        async with self._engine.begin() as connection:
            await connection.execute(statement)
            await connection.execute(
                update(staff_sessions)
                .where(staff_sessions.c.login == login, staff_sessions.c.ended_at.is_(None))
                .values(ended_at=func.now())
            )
            audited = Audited("system", "staff.login_set", f"staff/{login}", {"role": str(role)})
            await write_audit(connection, [audited])

    async def find(self, login: str) -> StaffUser | None:
        """Without those disabled."""
        columns = staff_users.c
        statement = select(
            columns.login,
            columns.role,
            columns.password_hash,
            columns.totp_sealed,
            func.coalesce(columns.locked_until > func.now(), False).label("is_locked"),
        ).where(columns.login == login, columns.disabled_at.is_(None))
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        return None if row is None else StaffUser(**{**row, "role": Role(row["role"])})

    async def spend_code(self, login: str, step: int) -> bool:
        """Whether a code of this time step may be used: each works once, and none before it."""
        statement = (
            update(staff_users)
            .where(staff_users.c.login == login, staff_users.c.totp_step < step)
            .values(totp_step=step, failures=0, locked_until=None)
            .returning(staff_users.c.login)
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).scalar_one_or_none() is not None

    async def count_failure(self, login: str) -> None:
        """The fifth in a row locks the login for a quarter of an hour."""
        failures = staff_users.c.failures + 1
        locked = func.now() + LOCKED_FOR
        async with self._engine.begin() as connection:
            await connection.execute(
                update(staff_users).where(staff_users.c.login == login).values(failures=failures)
            )
            await connection.execute(
                update(staff_users)
                .where(staff_users.c.login == login, staff_users.c.failures >= FAILURES_MAX)
                .values(failures=0, locked_until=locked)
            )

    async def open_session(self, login: str) -> str:
        """The token; only its hash is kept."""
        token = secrets.token_urlsafe(32)
        values = {
            "token_hash": _hash(token),
            "login": login,
            "expires_at": func.now() + SESSION_LIFETIME,
        }
        async with self._engine.begin() as connection:
            await connection.execute(insert(staff_sessions).values(values))
        return token

    async def session(self, token: str) -> StaffSession | None:
        """Whose it is, if it has neither ended nor rested too long. Role and login as of now."""
        found = (
            update(staff_sessions)
            .where(
                staff_sessions.c.token_hash == _hash(token),
                staff_sessions.c.ended_at.is_(None),
                staff_sessions.c.expires_at > func.now(),
                staff_sessions.c.last_seen_at > func.now() - IDLE_MAX,
                staff_sessions.c.login == staff_users.c.login,
                staff_users.c.disabled_at.is_(None),
                or_(staff_users.c.locked_until.is_(None), staff_users.c.locked_until < func.now()),
            )
            .values(last_seen_at=func.now())
            .returning(staff_users.c.login, staff_users.c.role)
        )
        async with self._engine.begin() as connection:
            row = (await connection.execute(found)).one_or_none()
        return None if row is None else StaffSession(row.login, Role(row.role))

    async def end_session(self, token: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(staff_sessions)
                .where(staff_sessions.c.token_hash == _hash(token))
                .values(ended_at=func.now())
            )

    async def audit(
        self, login: str, action: str, subject: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """One line of the append-only log, written before the action is passed on."""
        async with self._engine.begin() as connection:
            audited = Audited(f"staff:{login}", action, subject, details or {})
            await write_audit(connection, [audited])


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
