"""`rialto screening`: load lists, see which are loaded, look a name up."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.table import Table

from cli.running import Running
from cli.terminal import console
from compliance.lists.known import PARSERS, parse_list
from compliance.lists.parsed import InvalidList, LoadedList
from compliance.screening import HIT_SCORE_MIN, PartyIndex
from storage.engine import create_engine
from storage.kyc import Audited, KycStore
from storage.screening import ScreeningStore
from streams.temporal import connect
from workflows.rescreening_start import rescreen_now

app = typer.Typer(name="screening", no_args_is_help=True, help=__doc__)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
_FETCH_SECONDS = 300.0
"""Official files have up to a hundred megabytes."""


class _Temporal(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    temporal_address: str
    temporal_namespace: str = "rialto"


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def load(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(PARSERS)}; addresses-ANYTHING")],
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files or https addresses; OFAC's CSV: sdn.csv alt.csv add.csv sdn_comments.csv"
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Put a list's new version in the place of its old one, and screen every customer anew."""
    try:
        loaded = parse_list(name, [_read(source) for source in sources])
    except (InvalidList, OSError, httpx.HTTPError) as refusal:
        console.print(f"[red]{refusal}[/]")
        raise typer.Exit(1) from None
    is_new = asyncio.run(_load(loaded))
    answer = {
        "list": loaded.name,
        "version": loaded.version,
        "parties": len(loaded.parties),
        "addresses": len(loaded.addresses),
        "is_new": is_new,
    }
    if as_json:
        _leave(json.dumps(answer))
    verb = "loaded; every customer is screened anew" if is_new else "this version was loaded before"
    _leave(f"{name}: {len(loaded.parties)} parties, {len(loaded.addresses)} addresses; {verb}")


@app.command()
def lists(*, as_json: AsJson = False) -> None:
    """Which version of which list is loaded, and since when."""
    rows = asyncio.run(_lists())
    if as_json:
        print(json.dumps(rows, default=str))
        return
    table = Table("list", "published", "parties", "loaded", "version", box=None)
    for row in rows:
        loaded = f"{row['loaded_at']:%Y-%m-%d %H:%M}"
        table.add_row(
            row["name"],
            str(row["published_on"] or ""),
            str(row["parties"]),
            loaded,
            row["version"][:12],
        )
    console.print(table if rows else "no list is loaded")


@app.command()
def find(
    name: Annotated[str, typer.Argument(help="A person's or an organisation's name.")],
    *,
    score_min: Annotated[int, typer.Option(min=1, max=100)] = HIT_SCORE_MIN,
    as_json: AsJson = False,
) -> None:
    """Look a name up in the loaded lists, with the scores explained. Nothing is written down."""
    matches = asyncio.run(_index()).screen_name(name, score_min)
    if as_json:
        found = [
            {
                "score": match.score,
                "name": match.listed_name,
                "list": match.party.list_name,
                "uid": match.party.uid,
                "explanation": match.explanation,
            }
            for match in matches
        ]
        print(json.dumps({"matches": found}, default=str))
        return
    for match in matches:
        console.print(f"[bold]{match.score}[/] {match.listed_name}")
        console.print(f"   {match.party.list_name} {match.party.uid}: {match.explanation}")
    if not matches:
        console.print("nobody on the loaded lists has a name like it")


def _read(source: str) -> bytes:
    if source.startswith(("https://", "http://127.0.0.1:")):
        answer = httpx.get(source, timeout=_FETCH_SECONDS, follow_redirects=True)
        return answer.raise_for_status().content
    return Path(source).read_bytes()


async def _load(loaded: LoadedList) -> bool:
    async with _stores() as (lists_of, customers):
        if not await lists_of.replace_list(loaded):
            return False
        details = {"parties": len(loaded.parties), "addresses": len(loaded.addresses)}
        audited = Audited("system", "screening.list_loaded", f"screening/{loaded.name}", details)
        await customers.audit_once(loaded.version, audited)
    client = await connect(_Temporal())
    await rescreen_now(client, f"list {loaded.name}")
    return True


async def _lists() -> Sequence[dict[str, Any]]:
    async with _stores() as (lists_of, _):
        return await lists_of.lists()


async def _index() -> PartyIndex:
    async with _stores() as (lists_of, _):
        return PartyIndex(await lists_of.parties())


@asynccontextmanager
async def _stores() -> AsyncIterator[tuple[ScreeningStore, KycStore]]:
    """Of the exchange that runs here, or of the one the environment names."""
    for name, value in Running.load(os.environ).variables.items():
        os.environ.setdefault(name, value)
    engine = create_engine(os.environ["RIALTO_DATABASE_URL"], application="rialto-cli")
    try:
        yield ScreeningStore(engine), KycStore(engine)
    finally:
        await engine.dispose()


def _leave(message: str) -> None:
    """Temporal's threads may abort the interpreter while it shuts down (sdk-python issue 300)."""
    print(message, flush=True)
    os._exit(0)
