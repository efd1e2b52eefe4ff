"""`rialto status`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Annotated

import typer

from cli.terminal import print_status
from devstack import whole
from devstack.site import Site


def register(app: typer.Typer) -> None:
    app.command()(status)


def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Each part: whether it works, where it listens, its memory and how far behind it is.

    Exit status 1 when a part does not work or nothing runs.
    """
    parts = whole.status(Site.load(os.environ))
    if as_json:
        print(json.dumps([asdict(part) for part in parts]))
    else:
        print_status(parts)
    if not parts or not all(part.healthy for part in parts):
        raise typer.Exit(1)
