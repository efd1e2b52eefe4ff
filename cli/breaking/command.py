"""`rialto break reorg|matcher|node`: one thing goes wrong, the exchange heals, every unit ties."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from cli.breaking import scenes
from cli.breaking.scenes import DEPTH_MAX, Healed
from cli.breaking.stage import Stage
from cli.deed import AsJson
from cli.demo.customer import NotInTime
from cli.running import Running
from cli.terminal import console

app = typer.Typer(
    name="break", no_args_is_help=True, help="Break the running exchange; watch it heal."
)
SCENE_SECONDS = 600.0
"""Of a whole scene, whatever hangs in it."""
Scene = Callable[[Stage], Awaitable[Healed]]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def reorg(
    depth: Annotated[
        int, typer.Option(min=1, max=DEPTH_MAX, help="Blocks; six would stop payments.")
    ] = 2,
    as_json: AsJson = False,
) -> None:
    """Reorg now: the newest bitcoin blocks give way to a longer branch. Exit 1 if anything is off.

    What deposits in them had is taken back, and given again once they are mined again.
    """
    _play(lambda stage: scenes.reorg(stage, depth), as_json=as_json)


@app.command()
def matcher(as_json: AsJson = False) -> None:
    """Kill the matcher now, with -9. Exit 1 unless its books come back as they were."""
    _play(scenes.matcher, as_json=as_json)


@app.command()
def node(as_json: AsJson = False) -> None:
    """The node lies: blocks pay a thousandfold. Exit 1 if a lie is believed."""
    _play(scenes.node, as_json=as_json)


def _play(scene: Scene, *, as_json: bool) -> None:
    status = asyncio.run(play(Running.load(os.environ), scene, as_json=as_json))
    sys.stdout.flush()
    os._exit(status)  # Also while a thread still replays a journal.


async def play(running: Running, scene: Scene, *, as_json: bool) -> int:
    """Play a scene on this exchange and show what came of it; the exit status."""
    began = time.monotonic()
    out = Console(stderr=True, highlight=False) if as_json else console

    def tell(sentence: str) -> None:
        out.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {sentence}", soft_wrap=True)

    stage = Stage(running, tell)
    try:
        async with asyncio.timeout(SCENE_SECONDS):
            healed = await scene(stage)
    except NotInTime as late:
        healed = Healed("", findings=[str(late)])
    except TimeoutError:
        healed = Healed("", findings=[f"the scene was not over within {SCENE_SECONDS:.0f} s"])
    finally:
        await stage.close()
    healed.seconds = round(time.monotonic() - began, 1)
    _show(healed, as_json=as_json)
    return 1 if healed.findings else 0


def _show(healed: Healed, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(healed), "healed": not healed.findings}))
        return
    for finding in healed.findings:
        console.print(finding, style="red", markup=False, soft_wrap=True)
    if not healed.findings:
        console.print("[green]healed[/]: ledger, holds, engine and chain tie to the unit")
