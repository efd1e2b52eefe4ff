"""Failed logins and codes, counted per subject, so that guessing is slow for everybody."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.tables_customers import login_attempts

WINDOW = timedelta(minutes=15)
"""Failures older than this no longer count."""


class LoginAttempts:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def locked_until(self, subjects: list[str]) -> datetime | None:
        """When the latest lock of these subjects ends; None when none of them is locked."""
        statement = select(func.max(login_attempts.c.locked_until)).where(
            login_attempts.c.subject.in_(subjects), login_attempts.c.locked_until > func.now()
        )
        async with self._engine.connect() as connection:
            until: datetime | None = (await connection.execute(statement)).scalar_one_or_none()
            return until

    async def failed(self, subject: str, *, failures_max: int, lock: timedelta) -> None:
        """Count a failure; at `failures_max` within the window the subject is locked."""
        row = login_attempts.c
        fresh = row.first_failed_at < func.now() - WINDOW
        failures = case((fresh, 1), else_=row.failures + 1)
        counted = (
            insert(login_attempts)
            .values(
                subject=subject,
                failures=1,
                first_failed_at=func.now(),
                locked_until=func.now() + lock if failures_max <= 1 else None,
            )
            .on_conflict_do_update(
                index_elements=["subject"],
                set_={
                    "failures": failures,
                    "first_failed_at": case((fresh, func.now()), else_=row.first_failed_at),
                    "locked_until": case((failures >= failures_max, func.now() + lock)),
                },
            )
        )
        async with self._engine.begin() as connection:
            await connection.execute(counted)

    async def succeeded(self, subject: str) -> None:
        """Forget the failures of a subject that got it right."""
        async with self._engine.begin() as connection:
            await connection.execute(
                delete(login_attempts).where(login_attempts.c.subject == subject)
            )
