"""What every command does before it changes something: asks, where money may move, and notes it."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.tables_ledger import audit_log

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask: for scripts.")]


def confirm(what: str, *, yes: bool) -> None:
    """Ask the person at the terminal. Where there is none, `--yes` must have been said. Exit 2."""
    if yes:
        return
    if not sys.stdin.isatty():
        print(f"{what}: this may move money; say --yes", file=sys.stderr)
        raise typer.Exit(2)
    if not typer.confirm(f"{what}. Go on?"):
        print("nothing was done", file=sys.stderr)
        raise typer.Exit(2)


async def note(engine: AsyncEngine, action: str, subject: str, **details: object) -> None:
    """A line in the audit log, before the deed: who asked for what, also if it then fails."""
    async with engine.begin() as connection:
        await connection.execute(
            insert(audit_log).values(
                actor=f"command line:{getpass.getuser()}",
                action=action,
                subject=subject,
                details=details,
            )
        )
