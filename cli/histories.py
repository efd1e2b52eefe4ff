"""`rialto histories`: write down how workflows went, for tests that replay them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from cli.reconcile import temporal_of
from cli.running import Running
from cli.terminal import console
from streams.histories import Recorded, write
from streams.histories import record as record_histories
from workers.workflow_worker import MONEY_WORKFLOWS
from workflows.kyc import KycWorkflow
from workflows.webhook import WebhookWorkflow

app = typer.Typer(name="histories", no_args_is_help=True, help=__doc__)
WORKFLOW_TYPES = [each.__name__ for each in (*MONEY_WORKFLOWS, KycWorkflow, WebhookWorkflow)]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.callback()
def histories() -> None:
    """Write down how workflows went, for tests that replay them."""


@app.command()
def record(
    folder: Annotated[Path, typer.Argument(help="Where to.")] = Path("tests/histories"),
) -> None:
    """One history for each way that workflows of the running exchange went, payloads opened.

    For development data only: after `make demo`, say. A change of a workflow must replay them all.
    """
    recorded = asyncio.run(_record(Running.load(os.environ)))
    write(folder, recorded)
    for each in recorded:
        console.print(f"{folder / each.name}.json: {each.events} events")


async def _record(running: Running) -> list[Recorded]:
    client = await temporal_of(running)
    return await record_histories(client, workflow_types=WORKFLOW_TYPES)
