"""Dead-man switches: one per customer, set again and again by a program that lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import CustomerId
from storage.engine import for_looking
from storage.tables_customers import dead_man_switches

_RETRY = timedelta(seconds=15)
"""Who took a switch and died before it had canceled everything has it taken over after this."""


@dataclass(frozen=True, slots=True)
class DeadMan:
    customer_id: CustomerId
    markets: Sequence[str]
    seconds: int
    fires_at: datetime


class DeadMen:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._looking = for_looking(engine)

    async def put(
        self, customer_id: CustomerId, *, seconds: int, markets: Sequence[str]
    ) -> DeadMan:
        """Fires `seconds` from now unless it is put again before."""
        values = {
            "markets": list(markets),
            "seconds": seconds,
            "fires_at": func.now() + timedelta(seconds=seconds),
        }
        statement = (
            insert(dead_man_switches)
            .values(customer_id=customer_id, **values)
            .on_conflict_do_update(index_elements=["customer_id"], set_=values)
            .returning(dead_man_switches)
        )
        async with self._engine.begin() as connection:
            return DeadMan(**(await connection.execute(statement)).mappings().one())

    async def find(self, customer_id: CustomerId) -> DeadMan | None:
        statement = select(dead_man_switches).where(dead_man_switches.c.customer_id == customer_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        return None if row is None else DeadMan(**row)

    async def remove(self, customer_id: CustomerId) -> None:
        statement = delete(dead_man_switches).where(dead_man_switches.c.customer_id == customer_id)
        async with self._engine.begin() as connection:
            await connection.execute(statement)

    async def take_fired(self, limit: int = 100) -> list[DeadMan]:
        """Those whose time has come; each is given to one process at a time."""
        row = dead_man_switches.c
        due = (
            select(row.customer_id)
            .where(row.fires_at <= func.now())
            .order_by(row.fires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(dead_man_switches)
            .where(row.customer_id.in_(due))
            .values(fires_at=func.now() + _RETRY)
            .returning(dead_man_switches)
        )
        async with self._looking.connect() as connection:
            return [DeadMan(**each) for each in (await connection.execute(statement)).mappings()]

    async def done(self, fired: DeadMan) -> None:
        """Everything is canceled. A switch that was put again meanwhile stays."""
        row = dead_man_switches.c
        statement = delete(dead_man_switches).where(
            row.customer_id == fired.customer_id, row.fires_at == fired.fires_at
        )
        async with self._engine.begin() as connection:
            await connection.execute(statement)
