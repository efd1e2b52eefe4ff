"""`rialto simulate`: engine, ledger and settlement through as many seeds' stories as you like."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer
from rich.progress import Progress

from bench.simulation.story import STEPS, simulate
from cli.terminal import console


def register(app: typer.Typer) -> None:
    app.command("simulate")(run)


def run(
    *,
    seeds: Annotated[int, typer.Option(min=1, help="How many stories.")] = 2_000,
    first: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    steps: Annotated[int, typer.Option(min=1, help="Steps of one story.")] = STEPS,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell stories of crashes and check every promise; needs no server.

    Exit status 1 when one ends badly: its seed and the smallest story that ends so are printed.
    """
    began = time.monotonic()
    with Progress(console=console, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("stories", total=seeds)
        failure = simulate(
            range(first, first + seeds),
            steps=steps,
            tell=lambda _: progress.advance(task),
        )
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        problem = None if failure is None else str(failure)
        print(json.dumps({"seeds": seeds, "first": first, "seconds": seconds, "failure": problem}))
    elif failure is None:
        console.print(f"{seeds} stories from seed {first} on end well ({seconds} s)")
    else:
        console.print(str(failure), markup=False)
    sys.exit(0 if failure is None else 1)
