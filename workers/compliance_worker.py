"""Runs the `compliance` queue: KYC and case workflows and their activities.

`python -m workers.compliance_worker`
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.compliance import AddressScreening
from activities.kyc import KycActivities, KycPolicy, KycTools
from activities.screening import ListScreening
from compliance.tiers import Tier
from storage.documents import DocumentBucket
from storage.engine import create_engine
from storage.kyc import KycStore
from storage.screening import ScreeningStore
from streams import aws
from streams.envelope import personal_envelope
from streams.kyc_vendor import KycVendor
from streams.metrics import TemporalMetrics
from streams.temporal import connect
from workers.health import Health, serve_health
from workers.process import run
from workers.staff_interceptor import StaffInterceptor
from workers.temporal_worker import Options, Queue, serve_queues, temporal_answers
from workflows.kyc import COMPLIANCE_QUEUE, KycWorkflow


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    kyc_vendor_url: str
    kyc_vendor_api_key: SecretStr
    kyc_straight_through_tier_max: Tier = Tier.NONE
    """Highest tier that clean cases get without a person."""
    health_port: int | None = None
    metrics_port: int | None = None


async def serve(stop: asyncio.Event) -> None:
    settings = Settings()
    metrics = TemporalMetrics()
    health = Health("worker")
    engine = create_engine(settings.database_url, application="compliance_worker")
    health.check("postgres", lambda: _answers(engine))
    async with serve_health(
        health, port=settings.health_port, metrics_port=settings.metrics_port, temporal=metrics
    ):
        client = await connect(settings, runtime=metrics.runtime)
        health.check("temporal", lambda: temporal_answers(client))
        interceptor = await asyncio.to_thread(StaffInterceptor.from_kms, aws.client("kms"))
        await serve_queues(
            client,
            [Queue(COMPLIANCE_QUEUE, kyc_activities(settings, engine), [KycWorkflow])],
            stop,
            options=Options(interceptors=[interceptor]),
            on_running=lambda: health.ready("worker"),
        )
    await engine.dispose()


def kyc_activities(settings: Settings, engine: AsyncEngine) -> list[Callable[..., Any]]:
    tools = KycTools(
        store=KycStore(engine),
        envelope=personal_envelope(aws.client("kms")),
        vendor=KycVendor(settings.kyc_vendor_url, settings.kyc_vendor_api_key.get_secret_value()),
        screening=ListScreening(ScreeningStore(engine)),
        documents=DocumentBucket(aws.client("s3")),
        policy=KycPolicy(settings.kyc_straight_through_tier_max),
    )
    kyc = KycActivities(tools)
    return [
        *AddressScreening(ScreeningStore(engine)).all(),
        kyc.record,
        kyc.start_check,
        kyc.ask_check,
        kyc.assess,
        kyc.clear_matches,
        kyc.remind,
        kyc.erase_application,
        kyc.erase_personal_data,
    ]


async def _answers(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return (await connection.execute(text("SELECT true"))).scalar_one() is True


def main() -> None:
    run("compliance_worker", serve)


if __name__ == "__main__":
    main()
