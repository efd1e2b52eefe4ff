"""Sends webhooks: the process that connects to addresses of customers' choice.

It has a database role that can read webhooks and nothing of money, and a KMS key of its own.
`python -m workers.webhook_worker`
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from activities.webhooks import WebhookActivities
from storage.catalog import read_catalog
from storage.engine import create_engine
from storage.webhook_sending import WebhookSendings
from streams import aws
from streams.envelope import webhook_envelope
from streams.metrics import TemporalMetrics
from streams.temporal import connect
from streams.webhook_http import WebhookHttp
from workers.chain_worker import pause
from workers.health import Health, serve_health
from workers.process import run
from workers.temporal_worker import Queue, serve_queues, temporal_answers
from workflows.webhook import WEBHOOKS_QUEUE, WebhookWorkflow, start_webhook

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 0.5
_SWEEP_ROUNDS = 1_200
"""Every ten minutes or so: what is old is forgotten, what nobody wants is ended."""
_AT_ONCE = 100


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    webhook_allow_loopback: bool = False
    """Only on a development machine: endpoints on 127.0.0.1, over http."""
    health_port: int | None = None
    metrics_port: int | None = None


class WebhookRelay:
    """Starts the workflows of deliveries that wait: the row is the outbox."""

    def __init__(self, sendings: WebhookSendings, client: Client) -> None:
        self._sendings = sendings
        self._client = client

    async def run(self, stop: asyncio.Event) -> None:
        rounds = 0
        while not stop.is_set():
            try:
                if rounds % _SWEEP_ROUNDS == 0:
                    await self._sendings.drop_unwanted()
                    await self._sendings.forget_old()
                begun = await self.begin()
                rounds += 1
            except (DBAPIError, RPCError, OSError) as fault:
                logger.warning("webhooks wait", extra={"fault": repr(fault)[:300]})
                begun = 0
            if not begun:
                await pause(stop, _EVERY_SECONDS)

    async def begin(self) -> int:
        """One round; returns how many were begun. A crash before the mark begins them again,
        which the workflows' ids make harmless.
        """
        due = await self._sendings.due()
        if due:
            await asyncio.gather(*(start_webhook(self._client, each) for each in due))
            await self._sendings.begun(due)
        return len(due)


async def serve(stop: asyncio.Event) -> None:
    settings = Settings()
    health, metrics = Health("worker"), TemporalMetrics()
    async with serve_health(
        health, port=settings.health_port, metrics_port=settings.metrics_port, temporal=metrics
    ):
        engine = create_engine(settings.database_url, pool_size=5, application="webhook_worker")
        health.check("postgres", partial(_answers, engine))
        client = await connect(settings, runtime=metrics.runtime)
        health.check("temporal", partial(temporal_answers, client))
        async with engine.connect() as connection:
            catalog = await read_catalog(connection)
        sendings = WebhookSendings(engine)
        http = WebhookHttp(allow_loopback=settings.webhook_allow_loopback)
        steps = WebhookActivities(sendings, http, webhook_envelope(aws.client("kms")), catalog)
        relaying = asyncio.create_task(WebhookRelay(sendings, client).run(stop))
        queue = Queue(WEBHOOKS_QUEUE, steps.all(), [WebhookWorkflow], activities_at_once=_AT_ONCE)
        await serve_queues(client, [queue], stop, on_running=partial(health.ready, "worker"))
        relaying.cancel()
        await engine.dispose()


async def _answers(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return True


def main() -> None:
    run("webhook_worker", serve)


if __name__ == "__main__":
    main()
