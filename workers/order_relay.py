"""Sends the engine commands that were committed but not reported as queued: `order_commands` is
the outbox.

The API sends its own commands at once. What it could not send, or died before it had reported,
stays unsent in the table and is sent from here; the engine knows commands it has seen.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from prometheus_client import Counter
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.engine import create_engine
from storage.ledger import Ledger
from storage.order_rows import QueuedCommand
from storage.orders import Orders
from streams.frames import pack
from streams.order_queue import OrderQueue
from workers.health import Health, serve_health
from workers.process import run

logger = logging.getLogger(__name__)

RELAYED = Counter("relayed_commands_total", "Commands sent from the outbox")

_AT_ONCE = 1_000
_EVERY_SECONDS = 0.5
_OLDER_THAN = timedelta(seconds=2)
"""Younger ones are still with the API that wrote them."""


class RelaySettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    order_queue: str = "rialto-orders.fifo"
    market_group: str = "spot"
    health_port: int | None = None
    metrics_port: int | None = None


class OrderRelay:
    def __init__(
        self, orders: Orders, queue: OrderQueue, *, group: str, older_than: timedelta = _OLDER_THAN
    ) -> None:
        self._orders = orders
        self._queue = queue
        self._group = group
        self._older_than = older_than

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        while not stop.is_set():
            try:
                sent = await self.relay()
                health.ready("outbox")
            except Exception as fault:  # noqa: BLE001 - whatever is down comes back; the rows wait
                logger.warning("commands wait in the outbox", extra={"fault": repr(fault)[:300]})
                health.unready("outbox")
                sent = 0
            if sent < _AT_ONCE:
                await _pause(stop)

    async def relay(self) -> int:
        """Send what waits, oldest first; returns how many commands that were."""
        unsent = await self._orders.unsent(_AT_ONCE, older_than=self._older_than)
        if not unsent:
            return 0
        await self._queue.send(pack(_pairs(unsent), group=self._group))
        await self._orders.mark_sent([each.command_id for each in unsent])
        RELAYED.inc(len(unsent))
        logger.info("relayed commands", extra={"commands": len(unsent)})
        return len(unsent)


def _pairs(unsent: list[QueuedCommand]) -> list[tuple[str, tuple[int, ...]]]:
    return [(each.market, each.command) for each in unsent]


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_EVERY_SECONDS):
            await stop.wait()
    except TimeoutError:
        return


async def serve(stop: asyncio.Event) -> None:
    settings = RelaySettings()
    engine = create_engine(settings.database_url, pool_size=2, application="order_relay")
    health = Health("outbox")
    async with serve_health(health, port=settings.health_port, metrics_port=settings.metrics_port):
        ledger = await Ledger.open(engine)
        orders = Orders(ledger)
        queue = OrderQueue(settings.order_queue)
        await OrderRelay(orders, queue, group=settings.market_group).run(stop, health)
        await orders.close()
        await ledger.close()
    await engine.dispose()


def main() -> None:
    run("order_relay", serve)


if __name__ == "__main__":
    main()
