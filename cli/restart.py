"""`rialto restart NAME...`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cli.terminal import console
from cli.up import Printed
from devstack import whole
from devstack.parts import named
from devstack.site import Site
from devstack.stack import StackError


def register(app: typer.Typer) -> None:
    app.command()(restart)


def restart(names: Annotated[list[str], typer.Argument(help="Names of parts.")]) -> None:
    """Stop the named parts and start them with the code and settings of now."""
    progress = Printed()
    try:
        with progress.status:
            whole.restart(Site.load(os.environ), [named(name) for name in names], progress)
    except StackError as problem:
        console.print(str(problem), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
