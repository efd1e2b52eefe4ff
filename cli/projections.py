"""`rialto projections`: how far they are, rebuild them, fill the search index, replay letters."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.projecting.refilling import refill
from cli.running import Running
from projections import ranges
from projections.listings import Listings
from storage import dynamo_checkpoints as checkpoints
from storage.catalog import read_catalog
from storage.engine import create_engine
from streams.aws import client
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS
from workers.projection_parts import Parts, ProjectionSettings, build
from workers.projection_rebuild import Rebuild, RebuildRunning, Rebuilt
from workers.projection_replay import replay

app = typer.Typer(name="projections", no_args_is_help=True, help=__doc__)
console = Console(highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")]


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
    restart: Annotated[
        bool, typer.Option(help="Throw away what a rebuild that was broken off has left.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make tables and index anew from journal and Postgres, compare, and swap while serving."""
    parts = _parts()
    try:
        rebuilt = asyncio.run(_rebuild(parts, swap=not compare_only, restart=restart))
    except RebuildRunning as running:
        console.print(f"[red]{running}[/]; with --restart it is thrown away")
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(asdict(rebuilt)))
    else:
        _print_rebuilt(rebuilt)


@app.command()
def reindex() -> None:
    """Fill the search index of the serving generation from its tables."""
    parts = _parts()
    store = parts.stores()[0]
    store.search.prepare(serves=True)
    done = 0
    for done in refill(store, store.search, parts.listings()):
        console.print(f"{done} documents")
    store.search.mark_filled()
    store.search.serve()
    console.print(f"[green]{done} documents are indexed[/]")


@app.command(name="replay")
def replay_command(
    reason: Annotated[str, typer.Option(help="Only letters whose reason matches this.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Say what would happen; change nothing.")] = False,
) -> None:
    """Apply dead letters again, after what made them poison was mended."""
    pattern = re.compile(reason)
    replayed = replay(
        _parts(),
        client("kinesis"),
        lambda text: pattern.search(text) is not None,
        dry_run=dry_run,
    )
    verb = "could be applied" if dry_run else "applied"
    console.print(f"{replayed.applied} {verb}, {len(replayed.still_poison)} stay")
    for why in sorted(set(replayed.still_poison)):
        console.print(f"  {why}")
    raise typer.Exit(1 if replayed.still_poison else 0)


async def _rebuild(parts: Parts, *, swap: bool, restart: bool) -> Rebuilt:
    assert parts.settings.database_url is not None
    engine = create_engine(parts.settings.database_url, application="rialto-cli")
    try:
        listings = await _listings(engine)
        journal = Path(os.environ["RIALTO_JOURNAL_DIR"])
        rebuilding = Rebuild(parts, engine, listings, journal, console.print)
        return await rebuilding.run(swap=swap, restart=restart)
    finally:
        await engine.dispose()


async def _listings(engine: AsyncEngine) -> Listings:
    async with engine.connect() as connection:
        catalog = await read_catalog(connection)
    return Listings.of(catalog.assets.values(), catalog.markets.values())


def _parts() -> Parts:
    """Of the exchange that runs here, or of the one the environment names."""
    for name, value in Running.load(os.environ).variables.items():
        os.environ.setdefault(name, value)
    return build(ProjectionSettings())


def _print_rebuilt(rebuilt: Rebuilt) -> None:
    rate = rebuilt.events / max(rebuilt.seconds, 0.001)
    console.print(f"{rebuilt.events} events in {rebuilt.seconds:.1f} s, {rate:.0f} a second")
    rows = [asdict(each) for each in rebuilt.differences]
    _print_rows(rows, "table", "same", "changed", "only_old", "only_new")
    for difference in rebuilt.differences:
        for name in difference.named:
            console.print(f"  {difference.table}: {name}")


def _print_rows(rows: list[dict[str, Any]], *columns: str) -> None:
    table = Table(*(column.replace("_", " ") for column in columns), box=None)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    console.print(table)
