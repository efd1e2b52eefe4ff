"""`rialto down`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cli.terminal import console
from devstack import whole
from devstack.site import Site


def register(app: typer.Typer) -> None:
    app.command()(down)


def down(
    *, erase: Annotated[bool, typer.Option("--erase", help="Remove all data as well.")] = False
) -> None:
    """Stop everything. Data stays, unless --erase is given."""
    site = Site.load(os.environ)
    with console.status("stopping"):
        stopped = whole.down(site)
    console.print(f"stopped {len(stopped)} parts" if stopped else "nothing was running")
    if erase:
        whole.erase(site)
        console.print(f"erased {site.home}")
