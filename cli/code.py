"""`rialto code NAME`."""

from __future__ import annotations

import os

import pyotp
import typer

from cli.terminal import console
from devstack import people
from devstack.site import Site


def register(app: typer.Typer) -> None:
    app.command()(code)


def code(name: str) -> None:
    """Show what the authenticator of a demo login shows now."""
    secrets = {login.name: login.totp_secret for login in people.logins(Site.load(os.environ))}
    if not secrets.get(name):
        known = ", ".join(each for each, secret in secrets.items() if secret)
        console.print(f"no second factor is known for {name}; there are: {known or 'none yet'}")
        raise typer.Exit(1)
    print(pyotp.TOTP(secrets[name]).now())
