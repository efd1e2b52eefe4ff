"""What every command of operations has in common: it asks where money may move, notes what it
changes, and tells a refusal in one sentence with a stable code.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import re
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, Final, NoReturn

import typer
from httpx import HTTPError
from rich.markup import escape
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from chains.node import NodeFault
from cli.terminal import console
from domain.errors import ExchangeError, Unavailable
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


_AWAY: Final = (
    NodeFault,
    DBAPIError,
    HTTPError,
    OSError,
    RuntimeError,  # Temporal's client says so that nobody listens.
)


class TurnedDown(ExchangeError):
    """A workflow looked at it and refused, with a code and a sentence of its own."""

    def __init__(self, message: str, kind: str) -> None:
        """`kind` is the type of the workflow's error; empty if it has none."""
        super().__init__(message)
        self.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind or "refused").lower()


class Unknown(ExchangeError):
    """No refusal: nobody knows what became of it. Look before you repeat."""

    code = "unknown"


def run(work: Coroutine[Any, Any, int], *, as_json: bool, leave_threads: bool = False) -> NoReturn:
    """Do a command's work and end with its status; 1 after a refusal, which is told.

    `leave_threads`: those of Temporal's client may crash a normal end of the interpreter.
    """
    try:
        status = asyncio.run(work)
    except (ExchangeError, *_AWAY) as refusal:
        tell_refusal(refusal, as_json=as_json)
        status = 1
    if leave_threads:
        sys.stdout.flush()
        os._exit(status)
    raise typer.Exit(status)


def tell_refusal(refusal: Exception, *, as_json: bool) -> None:
    """One sentence and its stable code; with `--json` as the object on the last line."""
    if isinstance(refusal, ExchangeError):
        code, message = refusal.code, refusal.message
    else:
        first = (str(refusal) or type(refusal).__name__).splitlines()[0]
        code, message = Unavailable.code, f"{first}; does all run? `rialto status` says"
    if as_json:
        print(json.dumps({"refused": {"code": code, "message": message}}))
    else:
        console.print(f"[red]{escape(message)}[/] ({code})", soft_wrap=True)
