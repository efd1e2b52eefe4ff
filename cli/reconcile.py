"""`rialto reconcile`: have the exchange compare ledger, engine and chains now."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from cli.deed import AsJson, TurnedDown, note, run
from cli.progress import bars
from cli.running import Running
from cli.terminal import console
from domain.errors import Unavailable
from domain.progress import Watch
from storage import reconciliations
from storage.catalog import read_catalog
from storage.engine import create_engine
from streams.aws import client_of
from streams.payload_codec import kms_codec
from streams.temporal import connect
from workflows.reconciliation import ReconciliationInput, ReconciliationWorkflow
from workflows.start import WORKFLOWS_QUEUE

_CHAINS = ["bitcoin", "ethereum"]
_BROKEN = "**broken:**"
_LOOK_SECONDS: Final = 0.5
Asked = TypeVar("Asked")
T = TypeVar("T")


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
    run(_reconcile(as_json=as_json), as_json=as_json, leave_threads=True)


async def temporal_of(running: Running) -> Client:
    """A client of the exchange that runs here, which seals payloads under that one's keys."""
    variables = running.variables
    namespace = variables["RIALTO_TEMPORAL_NAMESPACE"]
    return await connect(
        _Settings(variables["RIALTO_TEMPORAL_ADDRESS"], namespace),
        codec=kms_codec(client_of(variables, "kms"), namespace),
    )


async def begin(
    client: Client, workflow: Callable[[Any, Asked], Awaitable[str]], asked: Asked, workflow_id: str
) -> WorkflowHandle[Any, str]:
    """Start it, or find the one that runs. Raises Unavailable."""
    try:
        return await client.start_workflow(
            workflow,
            asked,
            id=workflow_id,
            task_queue=WORKFLOWS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
    except RPCError as fault:
        raise Unavailable(f"Temporal takes no workflow now: {fault.message}") from None


async def watched(
    handle: WorkflowHandle[Any, T],
    look: Callable[[WorkflowExecutionDescription], Awaitable[None]],
) -> T:
    """The result; until it is there, `look` is shown every half second where the workflow stands.

    Raises TurnedDown.
    """
    result = asyncio.ensure_future(handle.result())
    while not (await asyncio.wait({result}, timeout=_LOOK_SECONDS))[0]:
        with suppress(RPCError):  # It may be back for the next look.
            await look(await handle.describe())
    try:
        return result.result()
    except WorkflowFailureError as failure:
        cause: BaseException = failure
        while cause.__cause__ is not None:  # The innermost knows what happened.
            cause = cause.__cause__
        if isinstance(cause, ApplicationError):
            raise TurnedDown(cause.message, cause.type or "failed") from None
        raise TurnedDown(str(cause), "failed") from None


async def _reconcile(*, as_json: bool) -> int:
    running = Running.load(os.environ)
    engine = create_engine(running.database_url, application="rialto-cli")
    await note(engine, "reconcile", "all")
    handle = await begin(
        await temporal_of(running),
        ReconciliationWorkflow.run,
        ReconciliationInput(chains=_CHAINS, engine=True),
        "reconciliation/by-command",
    )
    with bars() as watch:
        told = await watched(handle, partial(_look, engine, watch))
    await engine.dispose()
    lines = told.splitlines()
    broken = [line.removeprefix(_BROKEN).strip() for line in lines if line.startswith(_BROKEN)]
    if as_json:
        print(json.dumps({"ties": not broken, "lines": lines, "broken": broken}))
    else:
        for line in lines:
            console.print(f"[red]{line}[/]" if line.startswith(_BROKEN) else line, soft_wrap=True)
    return 1 if broken else 0


async def _look(engine: AsyncEngine, watch: Watch, told: WorkflowExecutionDescription) -> None:
    """Each asset leaves a row when it was compared; the engine comes last, and leaves none."""
    async with engine.connect() as connection:
        assets = (await read_catalog(connection)).assets
        done = await reconciliations.compared(connection, f"{told.id}/{told.run_id}/")
    watch("assets against their chain", done, len(assets))
    pending = {each.activity_type.name for each in told.raw_description.pending_activities}
    if "tie_engine" in pending:
        watch("orders against the engine", 0, 1)
