"""`rialto env`."""

from __future__ import annotations

import os
import sys

import typer

from devstack import environment
from devstack.site import Site


def register(app: typer.Typer) -> None:
    app.command()(env)


def env() -> None:
    """Print the environment variables of this stack, for `eval "$(rialto env)"`."""
    site = Site.load(os.environ)
    site.save()
    environment.write_file(site)
    sys.stdout.write((site.home / "env").read_text())
