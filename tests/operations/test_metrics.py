"""Dashboards, rules and alarms name metrics that exist; what is exported is what happened."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

import workers
from cli import dashboards
from streams import objectives
from streams.metrics import Emf

ROOT = Path(__file__).parents[2]
ALARMS = ROOT / "terraform" / "modules" / "observability" / "main.tf"
FUNCTIONS = {"sum", "rate", "max", "by", "le", "and", "histogram_quantile", "slo", "outcome"}
LABELS = {"stage", "status", "chain", "market", "stream", "bad"}


@pytest.fixture(scope="module")
def shown() -> set[str]:
    """Names of all samples that our processes show."""
    importlib.import_module("api.app")
    for module in pkgutil.iter_modules(workers.__path__):
        importlib.import_module(f"workers.{module.name}")
    names = set()
    for metric in REGISTRY.collect():
        suffixes = {
            "counter": ("_total",),
            "histogram": ("_bucket", "_sum", "_count"),
        }.get(metric.type, ("",))
        names |= {metric.name + suffix for suffix in suffixes}
    return names


def named_in(query: str) -> Iterator[str]:
    """The metrics of a PromQL query."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", query)
    for word in re.findall(r"[a-z_][a-z_0-9]+", bare):
        if word not in FUNCTIONS | LABELS:
            yield word


def test_every_metric_of_the_dashboard_is_shown(shown: set[str]):
    board = json.loads(dashboards.grafana())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]

    named = {name for query in queries for name in named_in(query)}

    assert len(named) > 20
    assert named - shown == set()


def test_every_metric_of_the_rules_is_shown(shown: set[str]):
    queries = re.findall(r"expr: '(.*)'", dashboards.rules())

    named = {name for query in queries for name in named_in(query)}

    assert named == {"slo_events_total"}
    assert named <= shown


def test_every_metric_of_cloudwatch_is_shown(shown: set[str]):
    text = ALARMS.read_text()
    ours = re.sub(r'namespace\s+= "AWS/.*?\n.*?metric_name.*?\n', "", text)
    named = set(re.findall(r'\bmetric\s+= "(\w+)"|metric_name\s+= "(\w+)"', ours))
    named = {each for pair in named for each in pair if each} - {"Errors"}
    widgets = re.findall(r'\["[^"\]]+", \[([^\]]+)\], "\w+"\]', text)
    named |= {name.strip(' "') for each in widgets for name in each.split(",")}

    assert len(named) > 20
    assert named - shown == set()


def test_what_the_issue_asks_for_is_on_the_dashboard():
    board = dashboards.grafana()

    for metric in (
        "order_stage_seconds", "engine_queue_wait_seconds", "journal_sync_seconds",
        "settlement_lag_seconds", "listener_height", "listener_lag_blocks", "hot_wallet_units",
        "withdrawal_oldest_seconds", "ledger_untied_assets", "temporal_queue_lag_seconds",
        "api_request_seconds",
    ):  # fmt: skip
        assert metric in board


def test_dashboard_and_rules_are_as_the_code_says():
    """Else: `rialto dashboards`."""
    assert dashboards.GRAFANA.read_text() == dashboards.grafana()
    assert dashboards.RULES.read_text() == dashboards.rules()


def test_every_objective_has_a_runbook_and_the_same_budget_in_terraform():
    found = re.findall(
        r'(\w+)\s*= \{ budget = ([\d.]+), runbook = "([\w-]+)" \}', ALARMS.read_text()
    )

    assert {name: (float(budget) * 1e6, book) for name, budget, book in found} == {
        each.name: (each.budget_ppm, dashboards.RUNBOOKS[each.name]) for each in objectives.ALL
    }
    for name in dashboards.RUNBOOKS.values():
        assert (ROOT / "docs" / "runbooks" / f"{name}.md").exists()


def test_an_objective_counts_what_is_within_its_limit():
    def counted(outcome: str) -> float:
        labels = {"slo": "matching", "outcome": outcome}
        return REGISTRY.get_sample_value("slo_events_total", labels) or 0.0

    before = counted("good"), counted("bad")
    objectives.MATCHING.note(0.1)
    objectives.MATCHING.note(0.101)

    assert (counted("good"), counted("bad")) == (before[0] + 1, before[1] + 1)


def test_emf_lines_carry_what_came_since_the_last_and_every_dimension():
    registry = CollectorRegistry()
    counter = Counter("orders", "", ["market"], registry=registry)
    gauge = Gauge("lag_seconds", "", registry=registry)
    seconds = Histogram("take_seconds", "", registry=registry)
    emf = Emf("engine", registry)

    def lines() -> dict[str, float]:
        flat: dict[str, float] = {}
        for line in emf.lines(5):
            values = json.loads(line)
            names = [each["Name"] for each in values["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
            flat |= {name: values[name] for name in names}
        return flat

    counter.labels("BTC-USDT").inc(3)
    seconds.observe(0.5)
    gauge.set(7)
    first = lines()
    counter.labels("BTC-USDT").inc(2)
    second = lines()

    assert (first["orders_total"], second["orders_total"]) == (3, 2)
    assert (first["take_seconds_count"], second["take_seconds_count"]) == (1, 0)
    assert (first["lag_seconds"], second["lag_seconds"]) == (7, 7)
    [labelled] = [json.loads(line) for line in emf.lines(5) if "BTC-USDT" in line]
    directive = labelled["_aws"]["CloudWatchMetrics"][0]
    assert directive["Dimensions"] == [["process", "market"], ["market"], []]
