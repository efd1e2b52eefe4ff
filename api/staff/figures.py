"""The figures of the staff page: from the database, and of Temporal's task queues."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from storage.staff_figures import StaffFigures, read_figures

QUEUES = ("workflows", "ledger", "engine", "compliance", "bitcoin", "ethereum", "signer")
_KINDS = {"workflow": "TASK_QUEUE_TYPE_WORKFLOW", "activity": "TASK_QUEUE_TYPE_ACTIVITY"}
_COUNTS = {
    "needs a person": "`NeedsHuman`=true AND `ExecutionStatus`='Running'",
    "failed": "`ExecutionStatus`='Failed' OR `ExecutionStatus`='TimedOut'",
    "under way": "`ExecutionStatus`='Running'",
}
_STATEMENT_MS_MAX = 5_000
"""These are sums over tables that serve customers: rather no figures than a slow exchange."""


@dataclass(frozen=True, slots=True)
class TaskQueue:
    name: str
    kind: str
    pollers: int
    """Processes that took work within the last minutes; none: nobody works on it."""
    backlog: int
    backlog_age: str
    """Of the oldest task, as Temporal says it: `12.5s`."""


@dataclass(frozen=True, slots=True)
class Overview:
    at: datetime
    figures: StaffFigures
    queues: list[TaskQueue]
    """Only those somebody works on or something waits in."""
    workflows: dict[str, int]
    temporal: str
    """Why there are no figures of Temporal; empty: there are."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Figures:
    def __init__(self, engine: AsyncEngine, temporal_ui_url: str, namespace: str) -> None:
        self._engine = engine
        self._base = f"{temporal_ui_url}/api/v1/namespaces/{namespace}"

    async def read(self, ui: aiohttp.ClientSession) -> Overview:
        async with self._engine.connect() as connection, connection.begin():
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            await connection.execute(text(f"SET LOCAL statement_timeout = {_STATEMENT_MS_MAX}"))
            figures = await read_figures(connection)
        try:
            queues, workflows = await asyncio.gather(self._queues(ui), self._counts(ui))
        except (TimeoutError, aiohttp.ClientError) as fault:
            return Overview(datetime.now(UTC), figures, [], {}, f"no answer: {fault!r}"[:200])
        return Overview(datetime.now(UTC), figures, queues, workflows, "")

    async def _queues(self, ui: aiohttp.ClientSession) -> list[TaskQueue]:
        asked = [self._queue(ui, name, kind) for name in QUEUES for kind in _KINDS]
        found = await asyncio.gather(*asked)
        return [each for each in found if each.pollers or each.backlog]

    async def _queue(self, ui: aiohttp.ClientSession, name: str, kind: str) -> TaskQueue:
        query = {"taskQueueType": _KINDS[kind], "reportStats": "true"}
        answer = await self._ask(ui, f"task-queues/{name}", query)
        stats = answer.get("stats") or {}
        return TaskQueue(
            name,
            kind,
            len(answer.get("pollers") or []),
            int(stats.get("approximateBacklogCount") or 0),
            str(stats.get("approximateBacklogAge") or "0s"),
        )

    async def _counts(self, ui: aiohttp.ClientSession) -> dict[str, int]:
        answers = await asyncio.gather(
            *(self._ask(ui, "workflow-count", {"query": query}) for query in _COUNTS.values())
        )
        return {
            name: int(answer.get("count") or 0)
            for name, answer in zip(_COUNTS, answers, strict=True)
        }

    async def _ask(
        self, ui: aiohttp.ClientSession, path: str, query: dict[str, str]
    ) -> dict[str, Any]:
        async with ui.get(URL(f"{self._base}/{path}").with_query(query)) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found
