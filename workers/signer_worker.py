"""The signer, the only process with private keys: own queue, database role and IAM role."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import DBAPIError

from activities.address_checks import AddressChecks
from activities.challenges import ChallengeSigning
from activities.signing import KeyRing, SigningActivities
from chains.bitcoin.network import network
from storage.engine import create_engine
from streams.aws import client as aws_client
from streams.metrics import TemporalMetrics
from streams.temporal import connect
from workers.health import Health, serve_health
from workers.process import run
from workers.temporal_worker import Queue, serve_queues, temporal_answers

logger = logging.getLogger(__name__)

QUEUE = "signer"
_CHECK_SECONDS = 0.2
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
        keys, bitcoin = KeyRing(aws_client("kms")), network(settings.bitcoin_network)
        signing = SigningActivities(
            engine, keys, network=bitcoin, chain_id=settings.ethereum_chain_id
        )
        checking = asyncio.create_task(check_addresses(AddressChecks(engine, keys, bitcoin), stop))
        challenges = ChallengeSigning(engine, keys, bitcoin)
        queue = Queue(
            QUEUE,
            activities=[signing.sign_payment, challenges.sign_challenges],
            activities_at_once=_SIGNATURES_AT_ONCE,
        )
        await serve_queues(client, [queue], stop, on_running=partial(health.ready, QUEUE))
        checking.cancel()
        await engine.dispose()


async def check_addresses(checks: AddressChecks, stop: asyncio.Event) -> None:
    """Look at new deposit addresses until `stop`; what fails is looked at again."""
    while not stop.is_set():
        found = 0
        try:
            found = await checks.look()
        except (DBAPIError, BotoCoreError, ClientError, OSError) as fault:
            logger.warning(
                "addresses could not be checked",
                extra={"fault": f"{type(fault).__name__}: {fault}"[:300]},
            )
        if not found:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _CHECK_SECONDS)


def main() -> None:
    run("signer_worker", serve)


if __name__ == "__main__":
    main()
