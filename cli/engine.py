"""`rialto engine`: what a journal says, on any machine, without any server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from cli import deed
from cli.deed import Yes
from cli.progress import bars
from cli.running import Running
from domain.errors import WrongState
from engine import snapshot
from engine.events import NumberedEvent, describe
from engine.exchange import Exchange, Run
from engine.journal import CorruptJournal, TornTail
from engine.ladder import SortedIndex
from storage.engine import create_engine
from streams import snapshots
from streams.aws import client_of
from streams.journal import durable_number, newest_epoch, replay
from streams.journal_identity import identity
from streams.lease import LEASE_SECONDS, Lease
from streams.replica import Diverged, Replica, recover
from workers.engine_housekeeping import bring_back, make_snapshot

AsJson = Annotated[bool, typer.Option("--json", help="Nothing but one JSON object.")]


_ADOPTION_LEASES: Final = 3
"""How many leases' time a holder has to show that he lives."""
_ADOPTION_LOOK_SECONDS: Final = 0.5


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
    engine.command()(adopt)
    app.add_typer(engine, name="engine")


def replay_journal(
    directory: Directory,
    *,
    events: Annotated[bool, typer.Option(help="Print events.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replay all records from the first, and print the state and its hash."""
    replica = Replica()
    total = durable_number(directory) or None
    with bars() as watch:
        for runs in _runs(directory, replica, as_json=as_json):
            watch("records replayed", replica.exchange.number, total)
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
    total = durable_number(directory) or None
    with bars() as watch:
        for _ in _runs(directory, fast, slow, as_json=as_json):
            number = fast.exchange.number
            watch("records verified", number, total)
            data = snapshots.read(directory, number) if number in kept else b""
            if data is None or (data and data != snapshot.dump(fast.exchange)):
                _fail(f"snapshot {number} is not the state after record {number}", as_json=as_json)
    if snapshot.state_hash(fast.exchange) != snapshot.state_hash(slow.exchange):
        _fail("the two price indexes led to different states", as_json=as_json)
    _print_state(fast, as_json=as_json)


def take_snapshot(directory: Directory, *, as_json: AsJson = False) -> None:
    """Store the state after the last durable record."""
    number = make_snapshot(directory, records_min=1)
    if as_json:
        print(json.dumps({"snapshot": number}))
        return
    print("nothing new since the last snapshot" if number is None else f"snapshot {number}")


def inspect(directory: Directory, *, as_json: AsJson = False) -> None:
    """The state at the end: newest snapshot, then the tail; names a torn tail."""
    try:
        replica, torn = recover(directory)
    except (CorruptJournal, Diverged) as fault:
        _fail(str(fault), as_json=as_json)
    told = {**_state(replica), "torn_tail": str(torn) if torn else None}
    print(json.dumps(told, indent=None if as_json else 2))


def compare(directory: Path, other: Path, *, as_json: AsJson = False) -> None:
    """Replay two journals side by side, and print where they first say something else.

    Exit status 1 if they differ. One that only goes on longer does not differ.
    """
    one, two = Replica(), Replica()
    total = durable_number(directory) or None
    with bars() as watch:
        both = [_runs(path, it, as_json=as_json) for path, it in ((directory, one), (other, two))]
        for mine, theirs in zip(*both, strict=False):
            watch("records compared", one.exchange.number, total)
            difference = first_difference(mine, theirs)
            if difference:
                _fail(f"record {one.exchange.number}: {difference}", as_json=as_json)
    number = min(one.exchange.number, two.exchange.number)
    print(json.dumps({"same": number}) if as_json else f"no difference in {number} records")


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
    *,
    as_json: AsJson = False,
) -> None:
    """Fetch archived segments and snapshots that are not in the folder."""
    fetched = []
    for name in bring_back(directory, bucket, group):
        fetched.append(str(name))
        print(name, file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print(json.dumps({"fetched": fetched}))


def adopt(
    directory: Directory,
    reason: Annotated[str, typer.Option(help="Written down with the deed.")],
    group: Annotated[str, typer.Option(envvar="RIALTO_MARKET_GROUP")] = "spot",
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Say that this journal goes on, though the last writer wrote another one. Think twice.

    What that one has and this one lacks is lost: compare with `inspect` and the ledger first. No
    engine of the group may run.
    """
    deed.confirm(f"the engine of {group} goes on with the journal in {directory}", yes=yes)
    deed.run(_adopt(directory, group, reason, as_json=as_json), as_json=as_json)


async def _adopt(directory: Path, group: str, reason: str, *, as_json: bool) -> int:
    running = Running.load(os.environ)
    database = create_engine(running.database_url, application="rialto-cli")
    journal = identity(directory)
    await deed.note(database, "engine.adopt", group, journal=journal, reason=reason)
    await database.dispose()
    lease = Lease(
        f"{running.variables['RIALTO_TABLE_PREFIX']}leases",
        group,
        f"adoption/{journal}",
        dynamodb=client_of(running.variables, "dynamodb"),
        journal=journal,
        adopts=True,
    )
    deadline = time.monotonic() + _ADOPTION_LEASES * LEASE_SECONDS
    while not await lease.try_acquire(above_epoch=newest_epoch(directory)):
        if time.monotonic() > deadline:
            raise WrongState(f"an engine of {group} holds the lease: stop it first")
        await asyncio.sleep(_ADOPTION_LOOK_SECONDS)
    await lease.release()
    told = {"group": group, "journal": journal, "epoch": lease.epoch}
    print(json.dumps(told) if as_json else f"journal {journal} goes on, from epoch {lease.epoch}")
    return 0


def _runs(directory: Path, *replicas: Replica, as_json: bool = False) -> Iterator[list[Run]]:
    """Feed every record to all replicas; the first one's events."""
    try:
        for found in replay(directory, 0):
            if isinstance(found, TornTail):
                print(f"torn tail: {found}", file=sys.stderr if as_json else sys.stdout)
                return
            runs, *_ = [replica.apply(found) for replica in replicas]
            yield runs
    except (CorruptJournal, Diverged) as fault:
        _fail(str(fault), as_json=as_json)


def _state(replica: Replica) -> dict[str, object]:
    return {
        **snapshot.describe(replica.exchange),
        "state_hash": snapshot.state_hash(replica.exchange),
    }


def _print_state(replica: Replica, *, as_json: bool) -> None:
    print(json.dumps(_state(replica), indent=None if as_json else 2))


def _fail(fault: str, *, as_json: bool = False) -> NoReturn:
    told = {"refused": {"code": "wrong_journal", "message": fault}}
    print(json.dumps(told) if as_json else fault)
    raise typer.Exit(1)
