"""The signer, the only process with private keys: own queue, database role and IAM role."""

from __future__ import annotations

import asyncio
from functools import partial

from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.signing import KeyRing, SigningActivities
from chains.bitcoin.network import network
from storage.engine import create_engine
from streams.aws import client as aws_client
from streams.metrics import TemporalMetrics
from streams.temporal import connect
from workers.health import Health, serve_health
from workers.process import run
from workers.temporal_worker import Queue, serve_queues, temporal_answers

QUEUE = "signer"
_SIGNATURES_AT_ONCE = 8
"""Each holds a database row and waits for KMS; more would only queue there."""


class SignerSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    bitcoin_network: str = "regtest"
    ethereum_chain_id: int = 31337
    health_port: int | None = None
    metrics_port: int | None = None


async def serve(stop: asyncio.Event) -> None:
    settings = SignerSettings()
    health, metrics = Health(QUEUE), TemporalMetrics()
    async with serve_health(
        health, port=settings.health_port, metrics_port=settings.metrics_port, temporal=metrics
    ):
        engine = create_engine(settings.database_url, application="signer_worker")
        client = await connect(settings, runtime=metrics.runtime)
        health.check("temporal", partial(temporal_answers, client))
        signing = SigningActivities(
            engine,
            KeyRing(aws_client("kms")),
            network=network(settings.bitcoin_network),
            chain_id=settings.ethereum_chain_id,
        )
        queue = Queue(
            QUEUE, activities=[signing.sign_payment], activities_at_once=_SIGNATURES_AT_ONCE
        )
        await serve_queues(client, [queue], stop, on_running=partial(health.ready, QUEUE))
        await engine.dispose()


def main() -> None:
    run("signer_worker", serve)


if __name__ == "__main__":
    main()
