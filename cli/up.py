"""`rialto up`: the whole exchange on this machine."""

from __future__ import annotations

import os
import time
from typing import Annotated

import typer

from cli.terminal import console, print_status
from devstack import people, whole
from devstack.part import Part, Step
from devstack.parts import ALL_PARTS, ALL_SERVERS, ALL_STEPS, select
from devstack.site import Site
from devstack.stack import StackError


class Printed:
    """Says what is being waited for, and prints a line for each part that is ready."""

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
    app.command()(up)


def up(
    only: Annotated[str, typer.Option(help="Names of parts, separated by commas.")] = "",
    *,
    servers: Annotated[bool, typer.Option(help="The servers alone, no Rialto process.")] = False,
) -> None:
    """Start everything that does not run yet and wait until it works."""
    began = time.monotonic()
    try:
        site = Site.load(os.environ)
        parts, steps = _chosen(only, servers=servers)
        progress = Printed()
        with progress.status:
            whole.up(site, parts, steps, progress)
    except StackError as problem:
        console.print(str(problem), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    print_status(whole.status(site))
    console.print(f"ready in {time.monotonic() - began:.1f} s; data is in {site.home}")
    if not only and not servers:
        _print_what_next(site)


def _chosen(only: str, *, servers: bool) -> tuple[list[Part], list[Step]]:
    if only:
        return select(only.split(","))
    if servers:
        return list(ALL_SERVERS), []
    return list(ALL_PARTS), list(ALL_STEPS)


def _print_what_next(site: Site) -> None:
    def url(name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{site.port(name)}{path}"

    console.print(
        f"\nWeb application     {url('web')}"
        f"\nExchange API        {url('api')}  (documentation at {url('web', '/docs')})"
        f"\nWallet service      {url('wallet_service')}"
        f"\nStaff and workflows {url('staff')}"
        f"\nTemporal's own UI   {url('temporal_ui')}\n"
        f"\nlog in as          password",
        soft_wrap=True,
    )
    for login in people.logins(site):
        factor = f"; code: rialto code {login.name}" if login.totp_secret else ""
        line = f"{login.name:<18} {login.password:<25} {login.kind}: {login.can}{factor}"
        console.print(line, soft_wrap=True)
