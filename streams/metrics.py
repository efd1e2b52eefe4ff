"""Metrics of a process: one Prometheus registry, and the same values as CloudWatch EMF lines."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TextIO

import msgspec
from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]

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
    emf = Emf(process, registry)
    while True:
        await asyncio.sleep(every_seconds)
        stream.writelines(line + "\n" for line in emf.lines(int(clock() * 1000)))
        stream.flush()


@asynccontextmanager
async def emitting(process: str) -> AsyncIterator[None]:
    """Write EMF lines while the block runs, if the environment wants them."""
    seconds = emf_seconds()
    task = asyncio.ensure_future(emit_emf(process, every_seconds=seconds)) if seconds else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()


def emf_seconds(variables: Mapping[str, str] = os.environ) -> float:
    """How often a process writes EMF lines: RIALTO_EMF_SECONDS; 0, not at all, by default."""
    return float(variables.get("RIALTO_EMF_SECONDS") or 0)


class Emf:
    """A process's metrics as CloudWatch wants them: what counts up, as what came since last time.

    CloudWatch sums what it is given, so totals would be summed again and again. Each metric is
    written with the process as a dimension, once without, and once with no dimension at all: for
    alarms over all processes.
    """

    def __init__(self, process: str, registry: CollectorRegistry = REGISTRY) -> None:
        self._process = process
        self._registry = registry
        self._before: dict[tuple[str, Labels], float] = {}

    def lines(self, timestamp_ms: int) -> Iterator[str]:
        """One EMF object per set of labels; histograms as their count and sum."""
        groups: dict[Labels, dict[str, float]] = {}
        for metric in self._registry.collect():
            counts_up = metric.type in {"counter", "histogram", "summary"}
            for name, labels, value in _samples(metric):
                news = self._since(name, labels, value) if counts_up else value
                groups.setdefault(labels, {})[name] = news
        for labels, values in groups.items():
            names = list(values)
            for start in range(0, len(names), _EMF_METRICS_MAX):
                part = {name: values[name] for name in names[start : start + _EMF_METRICS_MAX]}
                line = _emf(self._process, dict(labels), part, timestamp_ms)
                yield msgspec.json.encode(line).decode()

    def _since(self, name: str, labels: Labels, value: float) -> float:
        before = self._before.get((name, labels), 0.0)
        self._before[name, labels] = value
        return value - before


def _samples(metric: Metric) -> Iterator[tuple[str, Labels, float]]:
    for sample in metric.samples:
        if sample.name.endswith(("_bucket", "_created")):
            continue
        yield sample.name, tuple(sorted(sample.labels.items())), sample.value


def _emf(
    process: str, labels: dict[str, str], values: dict[str, float], timestamp_ms: int
) -> dict[str, Any]:
    directive = {
        "Namespace": "Rialto",
        "Dimensions": [["process", *labels], *([[*labels]] if labels else []), []],
        "Metrics": [{"Name": name} for name in values],
    }
    aws = {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}
    return {"_aws": aws, "process": process, **labels, **values}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
