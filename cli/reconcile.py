"""`rialto reconcile`: have the exchange compare ledger, engine and chains now."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass

import typer
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from cli.deed import AsJson
from cli.running import Running
from cli.terminal import console
from streams.aws import client_of
from streams.payload_codec import kms_codec
from streams.temporal import connect
from workflows.reconciliation import ReconciliationInput, ReconciliationWorkflow
from workflows.start import WORKFLOWS_QUEUE

_CHAINS = ["bitcoin", "ethereum"]
_BROKEN = "**broken:**"


@dataclass(frozen=True)
class _Settings:
    temporal_address: str
    temporal_namespace: str


def register(app: typer.Typer) -> None:
    app.command()(reconcile)


def reconcile(as_json: AsJson = False) -> None:
    """The same comparison that runs every few minutes: a break stops its asset's withdrawals.

    Exit status 1 if anything does not tie.
    """
    status = asyncio.run(_reconcile(as_json=as_json))
    sys.stdout.flush()
    os._exit(status)  # The Temporal client's threads may crash a normal interpreter exit.


async def temporal_of(running: Running) -> Client:
    """A client of the exchange that runs here, which seals payloads under that one's keys."""
    variables = running.variables
    namespace = variables["RIALTO_TEMPORAL_NAMESPACE"]
    return await connect(
        _Settings(variables["RIALTO_TEMPORAL_ADDRESS"], namespace),
        codec=kms_codec(client_of(variables, "kms"), namespace),
    )


async def _reconcile(*, as_json: bool) -> int:
    client = await temporal_of(Running.load(os.environ))
    with console.status("comparing ledger, engine and chains"):
        told = await client.execute_workflow(
            ReconciliationWorkflow.run,
            ReconciliationInput(chains=_CHAINS, engine=True),
            id="reconciliation/by-command",
            task_queue=WORKFLOWS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
    lines = told.splitlines()
    broken = [line.removeprefix(_BROKEN).strip() for line in lines if line.startswith(_BROKEN)]
    if as_json:
        print(json.dumps({"ties": not broken, "lines": lines, "broken": broken}))
    else:
        for line in lines:
            console.print(f"[red]{line}[/]" if line.startswith(_BROKEN) else line, soft_wrap=True)
    return 1 if broken else 0
