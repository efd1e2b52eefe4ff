"""`rialto loadtest`: finds the knee of orders, deposits and withdrawals, and writes the report."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psutil
import typer
import uvloop

from bench import loadtest as steps
from bench.knee import Curve
from bench.plots import cost_plot, latency_plot
from cli.terminal import console
from devstack.site import CHECKOUT

FOLDER = CHECKOUT / "docs" / "capacity"


def register(app: typer.Typer) -> None:
    app.command()(loadtest)


def loadtest(
    *,
    folder: Annotated[Path, typer.Option(help="Where report and plots go.")] = FOLDER,
    only: Annotated[str, typer.Option(help="orders, custody, or both.")] = "both",
    as_json: Annotated[bool, typer.Option("--json", help="The points as JSON, too.")] = False,
) -> None:
    """Load that grows until the exchange waits. Exit status 1 if a unit was lost on the way."""
    before = os.getloadavg()[0]
    curves, findings = uvloop.run(_measure(only))
    folder.mkdir(parents=True, exist_ok=True)
    for curve in curves:
        name = curve.name.replace(" ", "-").lower()
        (folder / f"{name}.svg").write_text(latency_plot(curve))
        if costs := curve.most().cost_us(curve.idle):
            (folder / f"{name}-cost.svg").write_text(cost_plot(curve.name, costs))
    report = folder / f"report-{only}.md"
    report.write_text("\n".join(_report(curves, findings, before)) + "\n")
    if as_json:
        print(json.dumps([asdict(curve) for curve in curves]))
    console.print(f"written: {report}")
    sys.exit(0 if all(each == "ok" for each in findings) else 1)


async def _measure(only: str) -> tuple[list[Curve], list[str]]:
    curves, findings = [], []
    if only in ("both", "orders"):
        curve, finding = await steps.orders(console.print)
        curves.append(curve)
        findings.append(finding)
    if only in ("both", "custody"):
        found, finding = await steps.custody(console.print)
        curves += found
        findings.append(finding)
    return curves, findings


def _report(curves: Sequence[Curve], findings: Sequence[str], before: float) -> Iterator[str]:
    cores, after = os.cpu_count() or 1, os.getloadavg()[0]
    yield "# Load test"
    yield ""
    yield (
        f"Written by `rialto loadtest` on {datetime.now(UTC):%Y-%m-%d}: {cores} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, servers, exchange and load on this one "
        f"machine. Load average {before:.1f} before it began (above 0: others' work), {after:.1f} "
        f"at the end. Conservation: {', '.join(findings)}."
    )
    for curve in curves:
        yield from _section(curve, cores)


def _section(curve: Curve, cores: int) -> Iterator[str]:
    name = curve.name.replace(" ", "-").lower()
    knee, most = curve.knee(), curve.most()
    yield ""
    yield f"## {curve.name.capitalize()}"
    limit = f"p99 within {curve.p99_max_ms:.0f} ms"
    yield (
        f"Knee ({limit}): {knee.achieved:.1f}/s, "
        f"p50 {knee.p50_ms:.0f} ms, p99 {knee.p99_ms:.0f} ms."
        if knee
        else f"No step stayed within the limit ({limit})."
    )
    yield f"Most: {most.achieved:.1f}/s. What limits there: {most.limit(cores)}."
    yield ""
    yield f"![{curve.name}]({name}.svg)"
    yield ""
    yield f"| {'at once' if curve.is_burst else 'offered/s'} | done/s | p50 ms | p99 ms |"
    yield "|---|---|---|---|"
    for each in curve.points:
        row = (each.offered, each.achieved, each.p50_ms, each.p99_ms)
        yield "| " + " | ".join(f"{value:.1f}" for value in row) + " |"
    if costs := most.cost_us(curve.idle):
        yield ""
        yield f"![cost]({name}-cost.svg)"
        yield ""
        yield "| part | µs of a core for one | of a core when idle |"
        yield "|---|---|---|"
        for part, cost in costs.items():
            yield f"| {part} | {cost:.0f} | {100 * curve.idle.get(part, 0):.0f} % |"
