"""`rialto projections`: how far they are, rebuild them, fill the search index, replay letters."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.reader import ChainReader
from activities.projecting.dead_letters import REPLAY_COMMAND
from activities.projecting.refilling import reindex
from cli.deed import AsJson, note, run
from cli.deposits import reader_settings
from cli.progress import bars
from cli.running import Running
from cli.terminal import console
from domain.errors import InFlight
from projections import ranges
from projections.listings import Listings
from storage import dynamo_checkpoints as checkpoints
from storage.catalog import read_catalog
from storage.engine import create_engine
from streams.aws import client_of
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS
from workers.chain_readers import open_readers
from workers.projection_parts import Parts, ProjectionSettings, build
from workers.projection_rebuild import Rebuild, RebuildRunning, Rebuilt
from workers.projection_repair import repair
from workers.projection_replay import replay

app = typer.Typer(name="projections", no_args_is_help=True, help=__doc__)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Lag of every shard, events applied and missing, documents waiting, dead letters."""
    parts = _parts()
    now_ms = time.time_ns() // 1_000_000
    generations = checkpoints.read_generations(parts.dynamo)
    shards = [
        asdict(position) | {"silent_ms": now_ms - position.looked_at_ms}
        for stream in (CHAIN_EVENTS, MARKET_EVENTS)
        for position in checkpoints.read_positions(parts.dynamo, stream).values()
    ]
    serving = parts.stores.of(generations.serving)
    markets = [
        {
            "market": each.market,
            "applied": ranges.size(each.applied),
            "last_sequence": each.last_sequence,
            "missing": ranges.holes(each.applied, 1),
        }
        for each in checkpoints.all_progress(serving.dynamo)
    ]
    letters = parts.dead_letters.count()
    report = {
        "generations": asdict(generations),
        "shards": shards,
        "markets": markets,
        "dead_letters": letters,
    }
    if as_json:
        print(json.dumps(report))
        return
    console.print(f"generation {generations.serving} serves; {letters} dead letters")
    _print_rows(shards, "stream", "shard", "behind_ms", "silent_ms", "is_finished")
    _print_rows(markets, "market", "applied", "last_sequence", "missing")


@app.command()
def rebuild(
    compare_only: Annotated[
        bool, typer.Option("--compare-only", help="Throw the new generation away afterwards.")
    ] = False,
    replace_wrong: Annotated[
        bool,
        typer.Option(
            "--replace-wrong", help="Swap though the old one differs: it is known to be wrong."
        ),
    ] = False,
    restart: Annotated[
        bool, typer.Option(help="Throw away what a rebuild that was broken off has left.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option("--from", help="Only apply again what happened since then (UTC), in place."),
    ] = None,
    nodes: Annotated[
        bool,
        typer.Option(help="Read the chains' blocks again; without, they are as they were told."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Make tables and index anew from Postgres, the engine's journal and the nodes, compare, swap.

    The new ones serve only if they agree with their sources and with the old ones. Exit status 1
    if they do not. With --from nothing is made anew: the serving ones get back what they lost.
    """
    parts = _parts()
    if since is not None:
        moment = since.replace(tzinfo=UTC)
        run(_repair(parts, moment, nodes=nodes, as_json=as_json), as_json=as_json)
    chosen = {"swap": not compare_only, "replace_wrong": replace_wrong, "restart": restart}
    run(_rebuild(parts, nodes=nodes, as_json=as_json, **chosen), as_json=as_json)


@app.command(name="reindex")
def reindex_command(as_json: AsJson = False) -> None:
    """Fill the search index of the serving generation from its tables, while searches go on."""
    parts = _parts()
    asyncio.run(_note(parts, "projections.reindex", "search"))
    done = 0
    with bars() as watch:
        for done in reindex(parts.stores()[0], parts.listings()):
            watch("documents", done)
    if as_json:
        print(json.dumps({"documents": done}))
        return
    console.print(f"[green]{done} documents are indexed[/]")


@app.command(name="replay")
def replay_command(
    reason: Annotated[str, typer.Option(help="Only letters whose reason matches this.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Say what would happen; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Apply dead letters again, after what made them poison was mended."""
    pattern = re.compile(reason)
    running = Running.load(os.environ)
    parts = parts_of(running)
    if not dry_run:
        asyncio.run(_note(parts, "projections.replay", "dead letters", reason=reason))
    replayed = replay(
        parts,
        client_of(running.variables, "kinesis"),
        lambda text: pattern.search(text) is not None,
        dry_run=dry_run,
    )
    if as_json:
        print(json.dumps(asdict(replayed)))
    else:
        verb = "could be applied" if dry_run else "applied"
        console.print(f"{replayed.applied} {verb}, {len(replayed.still_poison)} stay")
        for why in sorted(set(replayed.still_poison)):
            console.print(f"  {why}")
    raise typer.Exit(1 if replayed.still_poison else 0)


@app.command(name="dead-letters")
def dead_letters(as_json: AsJson = False) -> None:
    """Everything that could not be applied, oldest first: why, what, and what brings it back."""
    queue = _parts().dead_letters
    letters = list(queue.receive())
    for letter in letters:
        queue.put_back(letter)
    letters.sort(key=lambda letter: letter.sent_at_ms)
    rows = [
        {
            "sent_at": datetime.fromtimestamp(letter.sent_at_ms / 1000, UTC).isoformat(),
            "subject": letter.subject,
            "reason": letter.reason,
            "replay": REPLAY_COMMAND,
        }
        for letter in letters
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        console.print(f"{row['sent_at']}  {row['subject']}\n  {row['reason']}", markup=False)
    console.print(f"{len(rows)} dead letters; after the fix: {REPLAY_COMMAND} [--reason TEXT]")


async def _rebuild(parts: Parts, *, nodes: bool, as_json: bool, **chosen: bool) -> int:
    async with _sources(parts, nodes=nodes) as (engine, listings, journal, readers):
        await note(engine, "projections.rebuild", "all", nodes=nodes, **chosen)
        with bars() as watch:
            made = Rebuild(
                parts, engine, listings, journal, watch.tell, readers=readers, watch=watch
            )
            try:
                rebuilt = await made.run(**chosen)
            except RebuildRunning as running:
                raise InFlight(f"{running}; with --restart it is thrown away") from None
    if as_json:
        print(json.dumps(asdict(rebuilt)))
    else:
        _print_rebuilt(rebuilt)
    is_good = rebuilt.is_same and not rebuilt.findings
    return 0 if rebuilt.is_serving or (is_good and not chosen["swap"]) else 1


async def _repair(parts: Parts, since: datetime, *, nodes: bool, as_json: bool) -> int:
    async with _sources(parts, nodes=nodes) as (engine, listings, journal, readers):
        await note(engine, "projections.repair", "all", nodes=nodes, since=since.isoformat())
        with bars() as watch:
            repaired = await repair(parts, engine, listings, journal, since, readers, watch)
    if as_json:
        print(json.dumps(asdict(repaired)))
    else:
        console.print(f"{repaired.events} events and {repaired.fills} fills applied again")
    return 0


async def _note(parts: Parts, action: str, subject: str, **details: object) -> None:
    assert parts.settings.database_url is not None
    engine = create_engine(parts.settings.database_url, application="rialto-cli")
    await note(engine, action, subject, **details)
    await engine.dispose()


@asynccontextmanager
async def _sources(
    parts: Parts, *, nodes: bool
) -> AsyncIterator[tuple[AsyncEngine, Listings, Path, dict[str, ChainReader]]]:
    assert parts.settings.database_url is not None
    running = Running.load(os.environ)
    engine = create_engine(parts.settings.database_url, application="rialto-cli")
    async with AsyncExitStack() as closing:
        closing.push_async_callback(engine.dispose)
        readers: dict[str, ChainReader] = {}
        if nodes:
            readers = await closing.enter_async_context(open_readers(reader_settings(running)))
        journal = Path(running.variables["RIALTO_JOURNAL_DIR"])
        yield engine, await _listings(engine), journal, readers


async def _listings(engine: AsyncEngine) -> Listings:
    async with engine.connect() as connection:
        catalog = await read_catalog(connection)
    return Listings.of(catalog.assets.values(), catalog.markets.values())


def _parts() -> Parts:
    """Of the exchange that runs here, or of the one the environment names."""
    return parts_of(Running.load(os.environ))


def parts_of(running: Running) -> Parts:
    """Of this exchange alone, whatever the environment of the process says of others."""
    variables = running.variables
    settings = ProjectionSettings(
        database_url=variables["RIALTO_DATABASE_URL"],
        opensearch_url=variables["RIALTO_OPENSEARCH_URL"],
        table_prefix=variables["RIALTO_TABLE_PREFIX"],
    )
    return build(settings, clients=partial(client_of, variables))


def _print_rebuilt(rebuilt: Rebuilt) -> None:
    rate = rebuilt.events / max(rebuilt.seconds, 0.001)
    console.print(f"{rebuilt.events} events in {rebuilt.seconds:.1f} s, {rate:.0f} a second")
    rows = [asdict(each) for each in rebuilt.differences]
    _print_rows(rows, "table", "same", "changed", "only_old", "only_new")
    for difference in rebuilt.differences:
        for name in difference.named:
            console.print(f"  {difference.table}: {name}")
    for finding in rebuilt.findings:
        console.print(f"[red]{finding}[/]")
    serving = "serves" if rebuilt.is_serving else "was thrown away"
    console.print(f"generation {rebuilt.generation} {serving}")


def _print_rows(rows: list[dict[str, Any]], *columns: str) -> None:
    table = Table(*(column.replace("_", " ") for column in columns), box=None)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    console.print(table)
