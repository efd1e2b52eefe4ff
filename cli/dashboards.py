"""`rialto dashboards`: writes the Grafana dashboard and the Prometheus rules from what is below.

A test sees that every metric named here, and in Terraform's alarms, is one that a process shows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import typer

from devstack.site import CHECKOUT
from streams import objectives
from streams.objectives import Objective

FOLDER: Final = CHECKOUT / "observability"
GRAFANA: Final = FOLDER / "grafana" / "rialto.json"
RULES: Final = FOLDER / "prometheus" / "rules.yml"


class Panel(NamedTuple):
    title: str
    unit: str
    """Grafana's name of the unit."""
    queries: tuple[tuple[str, str], ...]
    """`(legend, PromQL)`."""


def _quantiles(metric: str, by: str = "") -> tuple[tuple[str, str], ...]:
    legend = f" {{{{{by}}}}}" if by else ""
    also = f", {by}" if by else ""
    return tuple(
        (
            f"p{int(quantile * 100)}{legend}",
            f"histogram_quantile({quantile}, sum by (le{also}) (rate({metric}_bucket[5m])))",
        )
        for quantile in (0.5, 0.99)
    )


def _rate(metric: str, by: str) -> tuple[tuple[str, str], ...]:
    return ((f"{{{{{by}}}}}", f"sum by ({by}) (rate({metric}[5m]))"),)


PANELS: Final = (
    Panel("API: answers per second", "reqps", _rate("api_requests_total", "status")),
    Panel("API: latency", "s", _quantiles("api_request_seconds")),
    Panel("API: requests under way", "short", (("", "sum(api_requests_in_flight)"),)),
    Panel("Orders: stages in the API", "s", _quantiles("order_stage_seconds", "stage")),
    Panel("Orders: waiting in the queue", "s", _quantiles("engine_queue_wait_seconds")),
    Panel("Orders: oldest not queued", "s", (("outbox", "max(order_outbox_oldest_seconds)"),)),
    Panel("Engine: receipt to published", "s", _quantiles("engine_take_seconds")),
    Panel("Engine: journal sync", "s", _quantiles("journal_sync_seconds")),
    Panel("Engine: commands per second", "ops", (("", "sum(rate(engine_commands_total[5m]))"),)),
    Panel("Engine: who writes", "short", (("{{instance}}", "engine_writing"),)),
    Panel("Settlement: lag", "s", (("", "max(settlement_lag_seconds)"),)),
    Panel("Settlement: events waiting", "short", (("{{market}}", "shipper_unsettled_events"),)),
    Panel("Listener: height", "short", (("{{chain}}", "max by (chain) (listener_height)"),)),
    Panel("Listener: blocks behind", "short", (("{{chain}}", "listener_lag_blocks"),)),
    Panel("Hot wallets: level", "short", (("{{asset}}", "hot_wallet_units"),)),
    Panel(
        "Hot wallets: left within an hour", "percent", (("{{asset}}", "hot_wallet_burn_percent"),)
    ),
    Panel("Withdrawals: oldest", "s", (("{{chain}}", "withdrawal_oldest_seconds"),)),
    Panel("Withdrawals: longest wait for staff", "s", (("", "withdrawal_oldest_review_seconds"),)),
    Panel("Withdrawals: unfinished", "short", (("{{status}}", "withdrawals_open"),)),
    Panel("Ledger: assets that do not tie", "short", (("", "max(ledger_untied_assets)"),)),
    Panel("Ledger: age of the tie", "s", (("", "max(ledger_tie_age_seconds)"),)),
    Panel("Reserves: age of the proof", "s", (("", "max(reserves_age_seconds)"),)),
    Panel("Temporal: backlog age by queue", "s", (("{{queue}}", "temporal_queue_lag_seconds"),)),
    Panel("Projections: lag", "s", (("{{stream}}", "max by (stream) (projection_lag_seconds)"),)),
)


def burn(objective: Objective, window: str) -> str:
    """Share of bad events in a window, as a multiple of the budget."""
    every = f'sum(rate(slo_events_total{{slo="{objective.name}"}}[{window}]))'
    bad = f'sum(rate(slo_events_total{{slo="{objective.name}",outcome="bad"}}[{window}]))'
    return f"({bad} / {every}) / {objective.budget_ppm / 1e6:g}"


class Speed(NamedTuple):
    """Alarm when both windows burn this many times faster than thirty days would allow."""

    long: str
    short: str
    times: float
    severity: str


SPEEDS: Final = (
    Speed("1h", "5m", 14.4, "page"),  # A fiftieth of the month's budget in an hour.
    Speed("6h", "30m", 6.0, "page"),  # A twentieth in six.
    Speed("3d", "6h", 1.0, "ticket"),  # It will not last the month.
)
"""The multi-window, multi-burn-rate alarms of the SRE workbook, chapter 5."""

RUNBOOKS: Final = {
    "orders": "order-burn-rate", "matching": "engine-silent", "settlement": "settlement-lag",
    "deposits": "listener-lag", "withdrawals": "withdrawal-age",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    app.command("dashboards")(write)


def write() -> None:
    """Write observability/: dashboard and rules; run it after a change of cli/dashboards.py."""
    for path, text in ((GRAFANA, grafana()), (RULES, rules())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(Path(CHECKOUT)))


def grafana() -> str:
    burns = tuple(
        Panel(f"Objective {each.name}: budget burnt", "short", (("1h", burn(each, "1h")),))
        for each in objectives.ALL
    )
    panels = [_panel(at, panel) for at, panel in enumerate((*burns, *PANELS))]
    board = {
        "uid": "rialto",
        "title": "Rialto",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }
    return json.dumps(board, indent=1) + "\n"


def _panel(at: int, panel: Panel) -> dict[str, Any]:
    return {
        "id": at + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"x": at % 3 * 8, "y": at // 3 * 7, "w": 8, "h": 7},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + number), "legendFormat": legend, "expr": query}
            for number, (legend, query) in enumerate(panel.queries)
        ],
    }


def rules() -> str:
    lines = ["# Written by `rialto dashboards`.", "groups:", "  - name: objectives", "    rules:"]
    for objective in objectives.ALL:
        for speed in SPEEDS:
            both = " and ".join(
                f"{burn(objective, window)} > {speed.times:g}"
                for window in (speed.long, speed.short)
            )
            lines += [
                f"      - alert: {objective.name}-burn-{speed.long}",
                f"        expr: '{both}'",
                f"        labels: {{severity: {speed.severity}}}",
                "        annotations:",
                f"          summary: 'objective at risk: {objective.promise}'",
                f"          runbook: docs/runbooks/{RUNBOOKS[objective.name]}.md",
            ]
    return "\n".join(lines) + "\n"
