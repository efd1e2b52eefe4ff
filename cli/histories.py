"""`rialto histories`: write down how workflows went, for tests that replay them."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.running import Running
from cli.terminal import console
from streams.histories import Recorded, write
from streams.histories import record as record_histories
from streams.temporal import connect
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


@dataclass(frozen=True)
class _Settings:
    temporal_address: str
    temporal_namespace: str


async def _record(running: Running) -> list[Recorded]:
    variables = running.variables
    os.environ.update({key: variables[key] for key in variables if key.startswith("AWS_")})
    settings = _Settings(
        variables["RIALTO_TEMPORAL_ADDRESS"], variables["RIALTO_TEMPORAL_NAMESPACE"]
    )
    client = await connect(settings)
    return await record_histories(client, workflow_types=WORKFLOW_TYPES)
