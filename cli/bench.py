"""`rialto bench NAME`: one benchmark, or all; each ends with the conservation check."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from typing import Annotated

import typer
import uvloop
from rich.table import Table

import bench
from bench.report import BenchResult
from cli.terminal import console


def register(app: typer.Typer) -> None:
    app.command("bench")(run_benchmark)


def run_benchmark(
    name: Annotated[str, typer.Argument(help="A benchmark, or `all`.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Measure, and check that no unit was lost on the way and that what must hold does.

    Exit status 1 when not.
    """
    known = names()
    chosen = known if name == "all" else [name]
    unknown = set(chosen) - set(known)
    if unknown:
        raise typer.BadParameter(f"no benchmark {name!r}; there are: {', '.join(known)}, all")
    held = True
    for each in chosen:
        result = measure(each)
        held &= result.conservation in {"ok", "not applicable"} and not result.missed
        if as_json:
            print(json.dumps(result.as_json()), flush=True)
        else:
            show(result)
    sys.exit(0 if held else 1)


def names() -> list[str]:
    """Every module of bench/ that has a `run`."""
    modules = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    return sorted(
        each for each in modules if hasattr(importlib.import_module(f"bench.{each}"), "run")
    )


def measure(name: str) -> BenchResult:
    run = importlib.import_module(f"bench.{name}").run
    result: BenchResult = uvloop.run(run()) if inspect.iscoroutinefunction(run) else run()
    return result


def show(result: BenchResult) -> None:
    table = Table(title=result.name, show_header=False)
    table.add_row("per second", f"{result.throughput_per_second:,.0f}")
    table.add_row(
        "p50, p99, p99.9 ms", f"{result.p50_ms:.3f}, {result.p99_ms:.3f}, {result.p999_ms:.3f}"
    )
    table.add_row("durable", result.durability)
    table.add_row("conservation", result.conservation)
    for rival, rate in result.rivals.items():
        table.add_row(f"rival {rival}", f"{rate:,.0f}")
    for note in result.notes:
        table.add_row("", note)
    for missed in result.missed:
        table.add_row("missed", missed)
    console.print(table)
