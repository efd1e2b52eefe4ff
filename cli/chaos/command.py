"""`rialto chaos`: break an exchange of its own for some minutes, then count everything."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from bench.simulation.fewest import fewest
from cli.chaos.faults import Fault, schedule
from cli.chaos.trial import Exchange, Outcome, try_out
from cli.terminal import console


def register(app: typer.Typer) -> None:
    app.command()(chaos)


def chaos(
    *,
    seed: Annotated[int, typer.Option(help="Decides what breaks, and when.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.2, help="How long it is broken.")] = 3.0,
    shrink: Annotated[
        int, typer.Option(min=0, help="Trials, each as long, to find the fewest faults.")
    ] = 6,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Kill, pause, repeat, reorganise and mislead a local exchange while customers use it.

    Exit status 1 when a promise is broken: the seed and the smallest story found are printed.
    """

    def tell(sentence: str) -> None:
        if not as_json:
            console.print(f"[dim]{sentence}[/]", highlight=False)

    def once(faults: Sequence[Fault]) -> Outcome:
        exchange = Exchange(seed)
        try:
            exchange.start()
            return asyncio.run(
                try_out(exchange, seed=seed, seconds=minutes * 60, tell=tell, faults=faults)
            )
        finally:
            exchange.close()

    planned = schedule(seed, minutes * 60)
    outcome = once(planned)
    story = planned
    if outcome.problems and shrink:
        story = fewest(planned, lambda fewer: bool(once(fewer).problems), tries_max=shrink)
    _show(outcome, story, as_json=as_json)
    sys.stdout.flush()
    os._exit(1 if outcome.problems else 0)  # The Temporal client's threads may crash an exit.


def _show(outcome: Outcome, story: Sequence[Fault], *, as_json: bool) -> None:
    if as_json:
        body = {**outcome.as_json(), "story": [str(fault) for fault in story]}
        print(json.dumps(body if outcome.problems else outcome.as_json()))
        return
    for name, value in outcome.as_json().items():
        console.print(f"{name:16} {value}", highlight=False, markup=False)
    if outcome.problems:
        console.print(f"seed {outcome.seed}: the smallest story that was found to end so")
        for fault in story:
            console.print(str(fault), highlight=False, markup=False)
