"""Idempotency keys: the first request with a key runs, later ones get its answer.

The row is claimed before the work starts, so two racing requests never both run. A claim whose
process died is free again after `LOCK`; the work behind it derives its own ids from the key, so
running it again adds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import IdempotencyBodyDiffers, InFlight
from domain.ids import CustomerId
from storage.tables_customers import idempotency_keys

LOCK = timedelta(seconds=60)
"""Longer than any request may take (api settings bound it at 30 s)."""
KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    status: int
    sealed: bytes


class IdempotencyKeys:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(
        self, customer_id: CustomerId, key: str, fingerprint: bytes
    ) -> StoredAnswer | None:
        """None: the caller runs the request. An answer: it ran already.

        Raises IdempotencyBodyDiffers when the key came with another request, InFlight while the
        first one runs.
        """
        row = idempotency_keys.c
        new = insert(idempotency_keys).values(
            customer_id=customer_id,
            key=key,
            fingerprint=fingerprint,
            locked_until=func.now() + LOCK,
        )
        claim = new.on_conflict_do_update(
            index_elements=["customer_id", "key"],
            set_={"locked_until": func.now() + LOCK},
            where=(row.fingerprint == fingerprint)
            & row.answer_status.is_(None)
            & (row.locked_until < func.now()),
        ).returning(row.key)
        async with self._engine.begin() as connection:
            if (await connection.execute(claim)).one_or_none() is not None:
                return None
            known = (
                await connection.execute(
                    select(idempotency_keys).where(row.customer_id == customer_id, row.key == key)
                )
            ).one_or_none()
        if known is None:  # Released between the two statements.
            raise InFlight(
                "the first request with this Idempotency-Key has just failed; send it again"
            )
        if known.fingerprint != fingerprint:
            raise IdempotencyBodyDiffers("this Idempotency-Key was used for another request")
        if known.answer_status is None:
            raise InFlight("the first request with this Idempotency-Key has not finished")
        return StoredAnswer(known.answer_status, known.answer_sealed)

    async def finish(self, customer_id: CustomerId, key: str, answer: StoredAnswer) -> None:
        row = idempotency_keys.c
        async with self._engine.begin() as connection:
            await connection.execute(
                update(idempotency_keys)
                .where(row.customer_id == customer_id, row.key == key)
                .values(answer_status=answer.status, answer_sealed=answer.sealed)
            )

    async def release(self, customer_id: CustomerId, key: str) -> None:
        """Give the key back: the request failed, and may come out differently next time."""
        row = idempotency_keys.c
        async with self._engine.begin() as connection:
            await connection.execute(
                delete(idempotency_keys).where(
                    row.customer_id == customer_id, row.key == key, row.answer_status.is_(None)
                )
            )

    async def forget_old(self) -> int:
        """Delete keys older than `KEPT`."""
        row = idempotency_keys.c
        async with self._engine.begin() as connection:
            done = await connection.execute(
                delete(idempotency_keys).where(row.created_at < func.now() - KEPT)
            )
            return done.rowcount
