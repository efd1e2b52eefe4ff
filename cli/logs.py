"""`rialto logs NAME`."""

from __future__ import annotations

import os
import subprocess
from typing import Annotated

import typer

from cli.terminal import console
from devstack.site import Site


def register(app: typer.Typer) -> None:
    app.command()(logs)


def logs(
    name: str,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last ones.")] = 50,
) -> None:
    """Show the log of one part."""
    path = Site.load(os.environ).log(name)
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.log")))
        console.print(f"there is no log of {name}; there are: {known or 'none yet'}")
        raise typer.Exit(1)
    words = ["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), str(path)]
    raise typer.Exit(subprocess.call(words))
