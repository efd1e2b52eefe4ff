"""Writes `clients/`: the OpenAPI document and what is generated from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer

from api.app import Application
from api.asyncapi import asyncapi
from api.build import build
from api.settings import ApiSettings
from cli.clients import python, typescript
from devstack.site import CHECKOUT

CLIENTS = CHECKOUT / "clients"


def register(app: typer.Typer) -> None:
    app.command("clients")(write_clients)


def write_clients() -> None:
    """Write the OpenAPI document and the clients anew; commit what changed."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def files() -> dict[Path, str]:
    """What is generated, and its text; tests compare it with what is in the repository."""
    document = openapi()
    package = CLIENTS / "python" / "rialto_client"
    sources = CLIENTS / "typescript" / "src"
    return {
        CLIENTS / "openapi.json": json.dumps(document, indent=1) + "\n",
        CLIENTS / "asyncapi.json": json.dumps(asyncapi(), indent=1) + "\n",
        sources / "schemas.ts": typescript.schema_file(document),
        sources / "operations.ts": typescript.operation_file(document),
        package / "schemas.py": formatted(python.schema_file(document)),
        package / "operations.py": formatted(python.operation_file(document, is_async=False)),
        package / "async_operations.py": formatted(python.operation_file(document, is_async=True)),
    }


def openapi() -> dict[str, Any]:
    """Of an application that is never started: the document needs no server."""
    settings = ApiSettings(database_url="", valkey_url="", temporal_address="")
    return Application(settings, build).openapi()


def formatted(source: str) -> str:
    """As the house formats Python, so that generated files read like the others."""
    ruff = Path(sys.executable).with_name("ruff")
    command = [str(ruff), "format", "--line-length=100", "--isolated", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    return done.stdout
