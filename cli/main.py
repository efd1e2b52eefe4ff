"""The command `rialto`. Each module beside this one may add commands: it defines `register(app)`."""

from __future__ import annotations

import importlib
import pkgutil

import typer

import cli

app = typer.Typer(
    name="rialto", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def rialto() -> None:
    """Run, look at and check a Rialto exchange."""


def main() -> None:
    for module in sorted(pkgutil.iter_modules(cli.__path__), key=lambda module: module.name):
        register = getattr(importlib.import_module(f"cli.{module.name}"), "register", None)
        if register is not None:
            register(app)
    app()


if __name__ == "__main__":
    main()
