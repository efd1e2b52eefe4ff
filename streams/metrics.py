"""Metrics of a process: one Prometheus registry, and the same values as CloudWatch EMF lines."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import msgspec
from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_EMF_METRICS_MAX = 100  # CloudWatch: metric definitions per directive.


class TemporalMetrics:
    """The Temporal SDK's own metrics: on a private local port, shown with ours on one page."""

    def __init__(self) -> None:
        self._address = f"127.0.0.1:{_free_port()}"
        metrics = PrometheusConfig(bind_address=self._address)
        self.runtime = Runtime(telemetry=TelemetryConfig(metrics=metrics))
        """One per process: pass it to `streams.temporal.connect`."""

    async def text(self) -> bytes:
        return await asyncio.to_thread(self._fetch)

    def _fetch(self) -> bytes:
        with urllib.request.urlopen(f"http://{self._address}/metrics", timeout=2) as answer:
            body: bytes = answer.read()
            return body


async def metrics_text(temporal: TemporalMetrics | None = None) -> bytes:
    """Everything this process measures, in the Prometheus text format."""
    ours = generate_latest(REGISTRY)
    return ours if temporal is None else ours + await temporal.text()


async def emit_emf(
    process: str,
    *,
    every_seconds: float = 60.0,
    stream: TextIO = sys.stdout,
    registry: CollectorRegistry = REGISTRY,
    clock: Callable[[], float] = time.time,
) -> None:
    """Write EMF lines for ever; CloudWatch Logs makes metrics of them where nothing scrapes."""
    while True:
        await asyncio.sleep(every_seconds)
        lines = emf_lines(process, registry, int(clock() * 1000))
        stream.writelines(line + "\n" for line in lines)
        stream.flush()


def emf_lines(process: str, registry: CollectorRegistry, timestamp_ms: int) -> Iterator[str]:
    """One EMF object per set of labels; histograms as their count and sum."""
    groups: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for metric in registry.collect():
        for name, labels, value in _samples(metric):
            groups.setdefault(labels, {})[name] = value
    for labels, values in groups.items():
        names = list(values)
        for start in range(0, len(names), _EMF_METRICS_MAX):
            part = {name: values[name] for name in names[start : start + _EMF_METRICS_MAX]}
            yield msgspec.json.encode(_emf(process, dict(labels), part, timestamp_ms)).decode()


def _samples(metric: Metric) -> Iterator[tuple[str, tuple[tuple[str, str], ...], float]]:
    for sample in metric.samples:
        if sample.name.endswith(("_bucket", "_created")):
            continue
        yield sample.name, tuple(sorted(sample.labels.items())), sample.value


def _emf(
    process: str, labels: dict[str, str], values: dict[str, float], timestamp_ms: int
) -> dict[str, Any]:
    directive = {
        "Namespace": "Rialto",
        "Dimensions": [["process", *labels]],
        "Metrics": [{"Name": name} for name in values],
    }
    aws = {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}
    return {"_aws": aws, "process": process, **labels, **values}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
