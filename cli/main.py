"""The command `rialto`. Each command is a module beside this one that defines `register(app)`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer

import cli

app = typer.Typer(
    name="rialto", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def rialto() -> None:
    """Run, look at and check a Rialto exchange."""


def main() -> None:
    modules = sorted(module.name for module in pkgutil.iter_modules(cli.__path__))
    asked_for = sys.argv[1:2]
    # One command starts quickly and works also while another does not; help needs them all.
    for name in asked_for if asked_for and asked_for[0] in modules else modules:
        register = getattr(importlib.import_module(f"cli.{name}"), "register", None)
        if register is not None:
            register(app)
    app()


if __name__ == "__main__":
    main()
