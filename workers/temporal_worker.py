"""Temporal workers with the flags that measurements asked for (ARCHITECTURE.md, Temporal)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Interceptor, PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

GRACE = timedelta(seconds=30)
STICKY_TIMEOUT = timedelta(seconds=2)
"""How long a workflow waits for a dead worker that has it cached; the default, 10 s, is felt."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One task queue and what this process runs for it."""

    name: str
    activities: Sequence[Callable[..., Any]] = ()
    workflows: Sequence[type[Any]] = ()
    local_activities: Sequence[Callable[..., Any]] = ()
    """What its workflows run within their own tasks; nobody else is given them by the server."""
    activities_at_once: int = 50
    activities_per_second: float | None = None
    """Server-side limit over all workers of the queue, e.g. a node's quota."""


@dataclass(frozen=True, slots=True)
class Options:
    interceptors: Sequence[Interceptor] = field(default_factory=tuple)
    build_id: str | None = None


def build_worker(client: Client, queue: Queue, options: Options | None = None) -> Worker:
    options = options or Options()
    return Worker(
        client,
        task_queue=queue.name,
        workflows=queue.workflows,
        activities=[*queue.activities, *queue.local_activities],
        no_remote_activities=bool(queue.local_activities) and not queue.activities,
        interceptors=options.interceptors,
        build_id=options.build_id,
        # The sandbox still bans clocks and randomness in workflow files; our packages load once.
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_all_modules()
        ),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        max_concurrent_activities=queue.activities_at_once,
        max_task_queue_activities_per_second=queue.activities_per_second,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=GRACE,
    )


async def serve_queues(
    client: Client,
    queues: Sequence[Queue],
    stop: asyncio.Event,
    *,
    options: Options | None = None,
    on_running: Callable[[], None] | None = None,
) -> None:
    """Run a worker per queue until `stop`, then finish what runs. One's fatal error ends all."""
    async with AsyncExitStack() as stack:
        for queue in queues:
            await stack.enter_async_context(build_worker(client, queue, options))
        if on_running is not None:
            on_running()
        await stop.wait()


async def temporal_answers(client: Client) -> bool:
    """For a health check."""
    return await client.service_client.check_health(timeout=timedelta(seconds=1))
