"""`rialto up`, `down`, `status`, `logs`, `env`: the local stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from devstack import environment, whole
from devstack.parts import ALL_PARTS, ALL_SERVERS, ALL_STEPS, BY_NAME, select
from devstack.site import Site
from devstack.stack import StackError

console = Console(highlight=False)
MEBIBYTE = 1 << 20


class Printed:
    """Says what is being waited for on a terminal, and a line for each part that is ready."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self.status = console.status("starting")

    def started(self, name: str) -> None:
        self._waiting.append(name)
        self._show()

    def ready(self, name: str, seconds: float, note: str) -> None:
        self._waiting.remove(name)
        console.print(f"[green]ready[/] {name:<20} {note or f'{seconds:.1f} s'}")
        self._show()

    def _show(self) -> None:
        self.status.update("waiting for " + ", ".join(self._waiting))


def register(app: typer.Typer) -> None:
    for command in (up, down, status, logs, env):
        app.command()(command)


def up(
    only: Annotated[str, typer.Option(help="Names of parts, separated by commas.")] = "",
    *,
    servers: Annotated[bool, typer.Option(help="The servers alone, no Rialto process.")] = False,
) -> None:
    """Start everything that does not run yet and wait until it works."""
    site = Site.load(os.environ)
    try:
        if only:
            parts, steps = select(only.split(",")), ()
        elif servers:
            parts, steps = list(ALL_SERVERS), ()
        else:
            parts, steps = list(ALL_PARTS), ALL_STEPS
        progress = Printed()
        with progress.status:
            whole.up(site, parts, steps, progress)
    except StackError as problem:
        console.print(str(problem), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    _print_addresses(site)


def down(
    *,
    erase: Annotated[bool, typer.Option(help="Remove all data as well.")] = False,
) -> None:
    """Stop everything. Data stays, unless --erase is given."""
    site = Site.load(os.environ)
    with console.status("stopping"):
        stopped = whole.down(site)
    console.print(f"stopped {len(stopped)} parts" if stopped else "nothing was running")
    if erase:
        whole.erase(site)
        console.print(f"erased {site.home}")


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Each part: whether it works, where it listens, its memory and how far behind it is."""
    site = Site.load(os.environ)
    parts = whole.status(site)
    if as_json:
        print(json.dumps([asdict(part) for part in parts], indent=2))
    else:
        _print_status(parts)
    if not parts or not all(part.healthy for part in parts):
        raise typer.Exit(1)


def logs(
    name: str,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines")] = 50,
) -> None:
    """Show the log of one part."""
    site = Site.load(os.environ)
    path = site.log(name)
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.log")))
        console.print(f"there is no log of {name}; there are: {known or 'none yet'}")
        raise typer.Exit(1)
    words = ["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), str(path)]
    raise typer.Exit(subprocess.call(words))


def env() -> None:
    """Print the environment variables of this stack, for `eval "$(rialto env)"`."""
    site = Site.load(os.environ)
    environment.write_file(site)
    sys.stdout.write((site.home / "env").read_text())


def _print_status(parts: list[whole.PartStatus]) -> None:
    table = Table("part", "address", "health", "pid", "memory", "lag", box=None)
    for part in parts:
        health = "[green]ok[/]" if part.healthy else f"[red]{part.problem}[/]"
        memory = f"{part.rss_bytes // MEBIBYTE} MiB"
        lag = "" if part.lag is None else f"{part.lag:g}"
        table.add_row(part.name, part.address, health, str(part.pid or ""), memory, lag)
    console.print(table)
    total = sum(part.rss_bytes for part in parts) // MEBIBYTE
    console.print(f"{len(parts)} parts, {total} MiB in all")


def _print_addresses(site: Site) -> None:
    parts = whole.status(site)
    _print_status(parts)
    if "temporal" in BY_NAME:
        console.print(f"Temporal UI   http://127.0.0.1:{site.port('temporal_ui')}")
