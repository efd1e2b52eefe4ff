"""What must be true once everything works again and has come to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

import asyncpg
from temporalio.client import Client
from temporalio.service import RPCError

from cli.audit import run_audit
from cli.demo.customer import NotInTime, eventually
from cli.demo.story import Story
from cli.running import Running
from engine import events
from streams.journal import acknowledged
from streams.replica import restore

REST_SECONDS: Final = 180.0
"""Longest retry interval of any workflow, with confirmations of both chains behind it."""

_MUST_END: Final = ("SettlementWorkflow", "WithdrawalWorkflow")
_ENDED_BADLY: Final = ("Failed", "TimedOut", "Terminated")

_UNANSWERED = "SELECT count(*) FROM orders WHERE status = 'placed'"
_UNSENT = "SELECT count(*) FROM order_commands WHERE sent_at IS NULL"
_UNPAID = "SELECT count(*) FROM withdrawals WHERE status NOT IN ('done', 'cancelled', 'rejected')"
_TRADES = "SELECT market, count(*) AS count, max(id) AS last FROM trades GROUP BY market"


async def everything(running: Running, stories: Iterable[Story]) -> list[str]:
    """Every broken promise, in words; empty when all are kept."""
    problems = await at_rest(running)
    problems += await _arrivals(stories)
    problems += await _trades(running)
    audit = await run_audit(running, wait_seconds=REST_SECONDS)
    problems += [str(finding) for finding in audit.findings]
    return problems


async def at_rest(running: Running) -> list[str]:
    """Wait until nothing is under way that should end; what still is after that, is stuck."""
    problems: list[str] = []

    async def rested() -> bool | None:
        try:
            problems[:] = await _under_way(running)
        except (OSError, asyncpg.PostgresError, RPCError) as fault:
            problems[:] = [f"cannot look: {fault}"]
        return None if problems else True

    try:
        await eventually("the exchange comes to rest", rested, REST_SECONDS)
    except NotInTime:
        return problems
    return []


async def _under_way(running: Running) -> list[str]:
    found = []
    connection = await asyncpg.connect(running.database_url.replace("+asyncpg", ""))
    try:
        for what, query in (
            ("orders that the engine never answered", _UNANSWERED),
            ("commands that were never queued", _UNSENT),
            ("withdrawals that did not end", _UNPAID),
        ):
            count = await connection.fetchval(query)
            if count:
                found.append(f"{count} {what}")
    finally:
        await connection.close()
    return found + await _workflows(running)


async def _workflows(running: Running) -> list[str]:
    variables = running.variables
    client = await Client.connect(
        variables["RIALTO_TEMPORAL_ADDRESS"], namespace=variables["RIALTO_TEMPORAL_NAMESPACE"]
    )
    queries = {
        "workflows wait for a human": "ExecutionStatus = 'Running' AND NeedsHuman = true",
        **{f"{name}s are under way": _running(name) for name in _MUST_END},
        **{f"workflows {end}": f"ExecutionStatus = '{end}'" for end in _ENDED_BADLY},
    }
    found = []
    for what, query in queries.items():
        answer = await client.count_workflows(query, rpc_timeout=timedelta(seconds=10))
        if answer.count:
            ids = [each.id async for each in client.list_workflows(query, limit=3)]
            found.append(f"{answer.count} {what}: {', '.join(ids)}")
    return found


def _running(name: str) -> str:
    return f"ExecutionStatus = 'Running' AND WorkflowType = '{name}'"


async def _arrivals(stories: Iterable[Story]) -> list[str]:
    """Every withdrawal went to an address of its own, so paying twice shows as twice the units."""
    found = []
    for story in stories:
        for asset, address, units in story.arrivals:
            arrived = await story.received(asset, address)
            if arrived != units:
                found.append(f"{address} got {arrived} units of {asset}, not once {units}")
    return found


async def _trades(running: Running) -> list[str]:
    """The journal's fills, each one trade in the ledger."""
    told = await asyncio.to_thread(_last_trades, Path(running.variables["RIALTO_JOURNAL_DIR"]))
    connection = await asyncpg.connect(running.database_url.replace("+asyncpg", ""))
    try:
        rows = await connection.fetch(_TRADES)
    finally:
        await connection.close()
    ledger = {row["market"]: (row["count"], row["last"]) for row in rows}
    return [
        f"{market}: {last} trades in the engine, {ledger.get(market)} (count, last) in the ledger"
        for market, last in told.items()
        if last and ledger.get(market) != (last, last)
    ]


def _last_trades(directory: Path) -> dict[str, int]:
    """The last trade id of each market: they count from 1 without gaps."""
    replica = restore(directory)
    for record in acknowledged(directory, replica.exchange.number):
        for run in replica.apply(record):
            assert all(each[0] in events.KIND_NAMES for each in run.events)
    return {market: book.trade_id for market, book in replica.exchange.books.items()}
