"""Waiting for a workflow, and saying what it waits for itself when it takes too long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle


async def result_within(client: Client, handle: WorkflowHandle[Any, Any], seconds: float) -> Any:
    """The workflow's result; after `seconds` the test fails and names what every open one does."""
    try:
        async with asyncio.timeout(seconds):
            return await handle.result()
    except TimeoutError:
        pytest.fail(f"{handle.id} is still open after {seconds} s:\n{await _under_way(client)}")


async def _under_way(client: Client) -> str:
    lines = []
    async for execution in client.list_workflows("ExecutionStatus = 'Running'"):
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        described = (await handle.describe()).raw_description
        lines.append(f"{execution.workflow_type} {execution.id}")
        lines += [
            f"  {each.activity_type.name}, attempt {each.attempt}: {each.last_failure.message}"
            for each in described.pending_activities
        ]
        history = await handle.fetch_history()
        lines += [f"  {event.event_id} {event.event_type}" for event in history.events[-3:]]
    return "\n".join(lines)
