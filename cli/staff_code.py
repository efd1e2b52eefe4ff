"""`rialto staff-code alice`: what the authenticator of a local staff login shows now."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.terminal import console
from devstack.seed_staff import BY_LOGIN


def register(app: typer.Typer) -> None:
    app.command("staff-code")(staff_code)


def staff_code(login: Annotated[str, typer.Argument(help=", ".join(BY_LOGIN))]) -> None:
    """Show the second factor of a local staff login."""
    member = BY_LOGIN.get(login)
    if member is None:
        console.print(f"no such login; there are: {', '.join(BY_LOGIN)}", style="red")
        raise typer.Exit(1)
    console.print(member.code())
