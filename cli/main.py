"""The command `rialto`. Each command is a module beside this one that defines `register(app)`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable

import typer

import cli
from domain.errors import ExchangeError

app = typer.Typer(
    name="rialto", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


_MODULES = {"break": "breaking"}
"""Commands whose names no module can have."""


@app.callback()
def rialto() -> None:
    """Run, look at and check a Rialto exchange."""


def main() -> None:
    modules = _modules()
    asked_for = [_MODULES.get(word, word) for word in sys.argv[1:2]]
    # One command starts quickly and works also while another does not; help needs them all.
    register_all(asked_for if asked_for and asked_for[0] in modules else modules)
    try:
        app()
    except (ExchangeError, ConnectionRefusedError) as refusal:
        from cli.deed import tell_refusal  # Only now: it needs much that takes a while to load.

        tell_refusal(refusal, as_json="--json" in sys.argv)
        sys.exit(1)


def register_all(names: Iterable[str] | None = None) -> None:
    """Put the commands of these modules, or of all, into `app`."""
    for name in _modules() if names is None else names:
        register = getattr(importlib.import_module(f"cli.{name}"), "register", None)
        if register is not None:
            register(app)


def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(cli.__path__))


if __name__ == "__main__":
    main()
