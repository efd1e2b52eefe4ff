"""`rialto doctor`."""

from __future__ import annotations

import typer

import devstack.doctor


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor() -> None:
    """Say what is missing on this machine and how to get it."""
    raise typer.Exit(devstack.doctor.main())
