"""`rialto engine`: what a journal says, on any machine, without any server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.running import Running
from engine import snapshot
from engine.events import NumberedEvent, describe
from engine.exchange import Exchange, Run
from engine.journal import CorruptJournal, TornTail
from engine.ladder import SortedIndex
from streams import snapshots
from streams.journal import replay
from streams.replica import Diverged, Replica, recover
from workers.engine_housekeeping import bring_back, make_snapshot

AsJson = Annotated[bool, typer.Option("--json", help="Nothing but one JSON object.")]


def _running_journal() -> Path:
    return Path(Running.load(os.environ).variables["RIALTO_JOURNAL_DIR"])


Directory = Annotated[
    Path,
    typer.Argument(
        envvar="RIALTO_JOURNAL_DIR",
        default_factory=_running_journal,
        help="Folder of the journal; without it, that of the exchange which runs here.",
    ),
]


def register(app: typer.Typer) -> None:
    engine = typer.Typer(help="Replay, verify and look at the matching engine's journal.")
    engine.command("replay")(replay_journal)
    engine.command()(verify)
    engine.command("snapshot")(take_snapshot)
    engine.command()(inspect)
    engine.command()(compare)
    engine.command("fetch")(fetch_archive)
    app.add_typer(engine, name="engine")


def replay_journal(
    directory: Directory,
    *,
    events: Annotated[bool, typer.Option(help="Print events.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replay all records from the first, and print the state and its hash."""
    replica = Replica()
    with _progress("replaying", is_quiet=as_json or events) as tick:
        for runs in _runs(directory, replica):
            tick(replica.exchange.number)
            for run in runs if events else []:
                for event in run.numbered():
                    print(run.market, describe(event))
    _print_state(replica, as_json=as_json)


def verify(directory: Directory, *, as_json: AsJson = False) -> None:
    """Check every record and digest, and that snapshots and both price indexes agree.

    Exit status 1, and what differs first, if anything is wrong.
    """
    fast, slow = Replica(), Replica(Exchange(index=SortedIndex))
    kept = set(snapshots.numbers(directory))
    with _progress("verifying", is_quiet=as_json) as tick:
        for _ in _runs(directory, fast, slow):
            number = fast.exchange.number
            tick(number)
            data = snapshots.read(directory, number) if number in kept else b""
            if data is None or (data and data != snapshot.dump(fast.exchange)):
                _fail(f"snapshot {number} is not the state after record {number}")
    if snapshot.state_hash(fast.exchange) != snapshot.state_hash(slow.exchange):
        _fail("the two price indexes led to different states")
    _print_state(fast, as_json=as_json)


def take_snapshot(directory: Directory, *, as_json: AsJson = False) -> None:
    """Store the state after the last durable record."""
    number = make_snapshot(directory, records_min=1)
    if as_json:
        print(json.dumps({"snapshot": number}))
        return
    print("nothing new since the last snapshot" if number is None else f"snapshot {number}")


def inspect(directory: Directory) -> None:
    """The state at the end: newest snapshot, then the tail; names a torn tail."""
    try:
        replica, torn = recover(directory)
    except (CorruptJournal, Diverged) as fault:
        _fail(str(fault))
    print(json.dumps({**_state(replica), "torn_tail": str(torn) if torn else None}, indent=2))


def compare(directory: Path, other: Path) -> None:
    """Replay two journals side by side, and print where they first say something else.

    Exit status 1 if they differ. One that only goes on longer does not differ.
    """
    one, two = Replica(), Replica()
    for mine, theirs in zip(_runs(directory, one), _runs(other, two), strict=False):
        difference = first_difference(mine, theirs)
        if difference:
            _fail(f"record {one.exchange.number}: {difference}")
    print(f"no difference in {min(one.exchange.number, two.exchange.number)} records")


def first_difference(mine: list[Run], theirs: list[Run]) -> str:
    """The first event that the two do not share; empty if they say the same."""
    for one, two in zip_longest(_told(mine), _told(theirs)):
        if one != two:
            said = [f"{each[0]} {describe(each[1])}" if each else "nothing" for each in (one, two)]
            return f"one says: {said[0]}; the other: {said[1]}"
    return ""


def _told(runs: list[Run]) -> Iterator[tuple[str, NumberedEvent]]:
    for run in runs:
        for event in run.numbered():
            yield run.market, event


def fetch_archive(
    directory: Annotated[
        Path, typer.Argument(envvar="RIALTO_JOURNAL_DIR", help="Folder of a journal to complete.")
    ],
    bucket: Annotated[str, typer.Option(envvar="RIALTO_JOURNAL_BUCKET")] = "rialto-journal",
    group: Annotated[str, typer.Option(envvar="RIALTO_MARKET_GROUP")] = "spot",
) -> None:
    """Fetch archived segments and snapshots that are not in the folder."""
    for name in bring_back(directory, bucket, group):
        print(name)


def _runs(directory: Path, *replicas: Replica) -> Iterator[list[Run]]:
    """Feed every record to all replicas; the first one's events."""
    try:
        for found in replay(directory, 0):
            if isinstance(found, TornTail):
                print(f"torn tail: {found}")
                return
            runs, *_ = [replica.apply(found) for replica in replicas]
            yield runs
    except (CorruptJournal, Diverged) as fault:
        _fail(str(fault))


@contextmanager
def _progress(what: str, *, is_quiet: bool) -> Iterator[Callable[[int], None]]:
    """A line on the terminal, if there is one, with how many records are done."""
    with Progress(
        TextColumn("{task.description}"),
        SpinnerColumn(),
        TextColumn("{task.completed} records"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=is_quiet,
        transient=True,
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda number: progress.update(task, completed=number)


def _state(replica: Replica) -> dict[str, object]:
    return {
        **snapshot.describe(replica.exchange),
        "state_hash": snapshot.state_hash(replica.exchange),
    }


def _print_state(replica: Replica, *, as_json: bool) -> None:
    print(json.dumps(_state(replica), indent=None if as_json else 2))


def _fail(fault: str) -> NoReturn:
    print(fault)
    raise typer.Exit(1)
