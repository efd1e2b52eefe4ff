"""Runs the `compliance` queue: KYC and case workflows and their activities.

`python -m workers.compliance_worker`
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.compliance import AddressScreening
from activities.kyc import KycActivities, KycPolicy, KycTools
from activities.monitoring import MonitoringActivities
from activities.originators import OriginatorScreening
from activities.rescreening import RescreeningActivities
from activities.screening import ListScreening
from activities.travel_rule import TravelRule
from compliance.tiers import Tier
from compliance.travel_rule import THRESHOLD_UNITS
from storage.documents import DocumentBucket
from storage.engine import create_engine
from storage.kyc import KycStore
from storage.monitoring import MonitoringStore
from storage.screening import ScreeningStore
from storage.travel_rule import TravelRuleStore
from streams import aws
from streams.envelope import personal_envelope
from streams.kyc_vendor import KycVendor
from streams.metrics import TemporalMetrics
from streams.temporal import connect
from streams.travel_rule import TravelRuleNetwork
from workers.health import Health, serve_health
from workers.process import run
from workers.staff_interceptor import StaffInterceptor
from workers.temporal_worker import Options, Queue, serve_queues, temporal_answers
from workflows.case import CaseWorkflow
from workflows.kyc import COMPLIANCE_QUEUE, KycWorkflow
from workflows.monitoring import MonitoringWorkflow, ensure_monitoring
from workflows.rescreening import RescreeningWorkflow
from workflows.rescreening_start import ensure_rescreening

WORKFLOWS = (KycWorkflow, CaseWorkflow, MonitoringWorkflow, RescreeningWorkflow)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    documents_bucket: str = "rialto-documents"
    kyc_vendor_url: str
    kyc_vendor_api_key: SecretStr
    travel_rule_url: str = ""
    """Of the network of exchanges; empty: the vendor's, as on a development machine."""
    travel_rule_api_key: SecretStr = SecretStr("")
    travel_rule_threshold_units: int = THRESHOLD_UNITS
    kyc_straight_through_tier_max: Tier = Tier.NONE
    """Highest tier that clean cases get without a person."""
    rescreen_seconds: float = 86_400.0
    """How often all customers are screened anew, beside every change of a list."""
    monitoring_seconds: float = 60.0
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
        await ensure_rescreening(client, timedelta(seconds=settings.rescreen_seconds))
        await ensure_monitoring(client, settings.monitoring_seconds)
        interceptor = await asyncio.to_thread(StaffInterceptor.from_kms, aws.client("kms"))
        await serve_queues(
            client,
            [Queue(COMPLIANCE_QUEUE, activities_of(settings, engine), WORKFLOWS)],
            stop,
            options=Options(interceptors=[interceptor]),
            on_running=lambda: health.ready("worker"),
        )
    await engine.dispose()


def activities_of(settings: Settings, engine: AsyncEngine) -> list[Callable[..., Any]]:
    store, lists = KycStore(engine), ScreeningStore(engine)
    envelope, screening = personal_envelope(aws.client("kms")), ListScreening(lists)
    tools = KycTools(
        store=store,
        envelope=envelope,
        vendor=KycVendor(settings.kyc_vendor_url, settings.kyc_vendor_api_key.get_secret_value()),
        screening=screening,
        documents=DocumentBucket(aws.client("s3"), settings.documents_bucket),
        policy=KycPolicy(settings.kyc_straight_through_tier_max),
    )
    transfers, monitoring = TravelRuleStore(engine), MonitoringStore(engine)
    network = TravelRuleNetwork(
        settings.travel_rule_url or settings.kyc_vendor_url,
        (settings.travel_rule_api_key or settings.kyc_vendor_api_key).get_secret_value(),
    )
    travel_rule = TravelRule(
        transfers,
        store,
        network,
        envelope,
        OriginatorScreening(screening, monitoring),
        settings.travel_rule_threshold_units,
    )
    return [
        *AddressScreening(lists, travel_rule, transfers).all(),
        *travel_rule.all(),
        *MonitoringActivities(monitoring).all(),
        *KycActivities(tools).all(),
        *RescreeningActivities(store, lists, screening, envelope).all(),
    ]


async def _answers(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return (await connection.execute(text("SELECT true"))).scalar_one() is True


def main() -> None:
    run("compliance_worker", serve)


if __name__ == "__main__":
    main()
