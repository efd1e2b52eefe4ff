"""Cancels everything of customers whose program was not heard of in time.

The switches are in the database, so they fire whichever process of the API lives; a process that
dies while it cancels is taken over from, and canceling twice is harmless.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from api.exchange.order_desk import OrderDesk
from domain.errors import InvalidInput
from domain.ids import CustomerId
from storage.catalog import Catalog
from storage.dead_man import DeadMan, DeadMen

logger = logging.getLogger(__name__)

SECONDS_MIN, SECONDS_MAX = 5, 86_400
_LOOK_SECONDS = 0.5


class DeadManSwitch:
    def __init__(self, men: DeadMen, desk: OrderDesk, catalog: Catalog) -> None:
        self._men = men
        self._desk = desk
        self._catalog = catalog

    async def put(
        self, customer_id: CustomerId, *, seconds: int, markets: Sequence[str]
    ) -> DeadMan:
        """Start or renew it. No markets means all of them. Raises UnknownMarket, InvalidInput."""
        if not SECONDS_MIN <= seconds <= SECONDS_MAX:
            raise InvalidInput(f"seconds must be {SECONDS_MIN} to {SECONDS_MAX}", field="seconds")
        known = [self._catalog.market(market).id for market in markets]
        chosen = known or [market.id for market in self._catalog.markets.values()]
        return await self._men.put(customer_id, seconds=seconds, markets=chosen)

    async def find(self, customer_id: CustomerId) -> DeadMan | None:
        return await self._men.find(customer_id)

    async def remove(self, customer_id: CustomerId) -> None:
        await self._men.remove(customer_id)

    async def run(self) -> None:
        """Fire what is due; for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                for fired in await self._men.take_fired():
                    await self._fire(fired)
            except Exception as fault:  # noqa: BLE001 - the database may be away: look again
                logger.warning("dead-man switches wait", extra={"fault": repr(fault)[:200]})

    async def _fire(self, fired: DeadMan) -> None:
        logger.info("a dead-man switch fires", extra={"customer_id": fired.customer_id})
        for market in fired.markets:
            await self._desk.cancel_all(fired.customer_id, market)
        await self._men.done(fired)
