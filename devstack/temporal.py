"""The Temporal development server, with the settings that make it fast and keep its history."""

from __future__ import annotations

import subprocess

from devstack.part import VENV_BIN, Part, plain_environment, server_plan
from devstack.probes import http_json
from devstack.process import Plan
from devstack.site import Site

NAMESPACE = "rialto"
RETENTION = "90d"
SEARCH_ATTRIBUTES = {
    "State": "Keyword",
    "Asset": "Keyword",
    "Chain": "Keyword",
    "CustomerId": "Keyword",
    "Queue": "Keyword",
    "Market": "Keyword",
    "Reason": "Keyword",
    "RiskScore": "Int",
    "NeedsHuman": "Bool",
    "DueAt": "Datetime",
    "TxIds": "KeywordList",
}

DYNAMIC_SETTINGS = {
    # With the defaults (20 polls a second) every step of a workflow waits for the next 50 ms.
    "history.transferProcessorMaxPollRPS": "2000",
    "history.transferProcessorMaxPollHostRPS": "5000",
    "history.timerProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollHostRPS": "5000",
    "history.visibilityProcessorMaxPollRPS": "2000",
    "history.visibilityProcessorMaxPollHostRPS": "5000",
    "history.outboundProcessorMaxPollRPS": "2000",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    "matching.enableFairness": "true",
}


def plan(site: Site) -> Plan:
    words = ["server", "start-dev", "--ip", "127.0.0.1", "--port", str(site.port("temporal"))]
    words += ["--ui-port", str(site.port("temporal_ui"))]
    words += ["--http-port", str(site.port("temporal_http"))]
    words += ["--metrics-port", str(site.port("temporal_metrics"))]
    words += ["--db-filename", str(site.directory("temporal") / "temporal.db")]
    # The defaults, a rollback journal with a full sync, are three times slower.
    words += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
    for name, value in DYNAMIC_SETTINGS.items():
        words += ["--dynamic-config-value", f"{name}={value}"]
    for name, kind in SEARCH_ATTRIBUTES.items():
        words += ["--search-attribute", f"{name}={kind}"]
    words += ["--ui-disable-news-fetch", "--ui-codec-endpoint", codec_endpoint(site)]
    words += ["--namespace", NAMESPACE, "--log-level", "warn"]
    return server_plan(site, "temporal", VENV_BIN / "temporal", *words)


def codec_endpoint(site: Site) -> str:
    """Where the browser asks for readable payloads: the staff portal, which knows who is asking."""
    return f"http://127.0.0.1:{site.port('staff')}/codec"


def probe(site: Site) -> None:
    http_json(site.port("temporal_http"), f"/api/v1/namespaces/{NAMESPACE}")


def finish(site: Site) -> None:
    """Keep closed workflows for 90 days; the development server forgets them after one."""
    address = f"127.0.0.1:{site.port('temporal')}"
    words = ["operator", "namespace", "update", "--namespace", NAMESPACE, "--retention", RETENTION]
    subprocess.run(
        [str(VENV_BIN / "temporal"), *words, "--address", address],
        check=True,
        capture_output=True,
        env=plain_environment(site, "temporal"),
    )


PART = Part(
    name="temporal",
    kind="server",
    ports=("temporal", "temporal_ui", "temporal_http", "temporal_metrics"),
    plan=plan,
    probe=probe,
    finish=finish,
)
