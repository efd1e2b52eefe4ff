"""Watching payments that are out: seen, mined, gone again, deep enough. Tells their workflows.

It only writes what nodes say about where a transaction stands; posting is the workflow's step, and
asks again. A lost telling is repeated after half a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.payments import PaymentChain
from domain.payment import AttemptStatus
from storage import payment_progress, payments
from storage.payment_progress import Mined

logger = logging.getLogger(__name__)

Tell = Callable[[str], Awaitable[None]]
"""Signals the workflow with this id, or sees to it that it is started anew."""

_LOOKUPS_AT_ONCE = 16


class PaymentWatch:
    def __init__(self, engine: AsyncEngine, chain: PaymentChain, tell: Tell) -> None:
        self._engine = engine
        self._chain = chain
        self._tell = tell
        self._slots = asyncio.Semaphore(_LOOKUPS_AT_ONCE)

    async def look(self) -> int:
        """Look once at all open payments; answers how many there were."""
        async with self._engine.connect() as connection:
            found = await payment_progress.open_attempts(connection, self._chain.name)
        families = [list(family) for _, family in groupby(found, lambda row: row.payment_id)]
        await asyncio.gather(*(self._look_at(family) for family in families))
        async with self._engine.begin() as connection:
            deep = await payment_progress.claim_deep(connection, self._chain.name)
        for _, workflow_id in deep:
            await self._tell(workflow_id)
        return len(families)

    async def _look_at(self, attempts: Sequence[Any]) -> None:
        async with self._slots:
            mined, seen = await self._locate(attempts)
        payment_id, known = attempts[0].payment_id, attempts[0].block_hash
        if (mined.block_hash if mined else None) != known:
            await self._place(payment_id, mined)
        elif seen is not None and seen.status in (AttemptStatus.PLANNED, AttemptStatus.SIGNED):
            async with self._engine.begin() as connection:
                await payments.lock(connection, payment_id)
                await payment_progress.mark_seen(connection, payment_id, seen.attempt)

    async def _place(self, payment_id: str, mined: Mined | None) -> None:
        async with self._engine.begin() as connection:
            await payments.lock(connection, payment_id)
            await payment_progress.place(connection, payment_id, mined)
        logger.info(
            "payment moved",
            extra={"payment_id": payment_id, "height": mined.height if mined else None},
        )

    async def _locate(self, attempts: Sequence[Any]) -> tuple[Mined | None, Any | None]:
        """The attempt that is in a block, and the newest that a node has at all."""
        seen = None
        for attempt in attempts:
            place = await self._chain.locate(
                attempt.txid, attempt.attempt, int(attempt.fee_units_max)
            )
            if isinstance(place, Mined):
                return place, attempt
            if place and seen is None:
                seen = attempt
        return None, seen
