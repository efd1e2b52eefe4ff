"""One instance of the stack on this machine: its state directory, ports and secrets."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devstack.ports import DEFAULT_PORT_BASE, OFFSETS

CHECKOUT = Path(__file__).resolve().parent.parent

REMEMBERED = (
    "RIALTO_ETHEREUM_BLOCKS",
    "RIALTO_DURABLE",
    "RIALTO_RATE_FACTOR",
    "RIALTO_TRACES",
    "RIALTO_BITCOIND_PROXY_PORT",
    "RIALTO_ANVIL_PROXY_PORT",
    "RIALTO_SEARCH_MEMORY",
)
"""Settings that `up` stores, so that later commands and respawned parts see the same."""


@dataclass(frozen=True)
class Site:
    """Everything that differs between two stacks running side by side."""

    home: Path
    port_base: int = DEFAULT_PORT_BASE
    port_overrides: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, variables: Mapping[str, str]) -> Site:
        """Read RIALTO_HOME and the ports; what is not said now is as it was at the last `up`."""
        home = Path(variables.get("RIALTO_HOME") or CHECKOUT / ".data").resolve()
        saved = _read_json(home / "site.json")
        overrides = dict(saved.get("port_overrides", {})) | _overrides(variables)
        settings = dict(saved.get("settings", {})) | {
            name: variables[name] for name in REMEMBERED if name in variables
        }
        base = int(variables.get("RIALTO_PORT_BASE") or saved.get("port_base", DEFAULT_PORT_BASE))
        return cls(home, base, overrides, settings)

    def save(self) -> None:
        """Write down ports and settings for later commands, and open the way for the database user.

        The state directory may be passed through by others but not listed: PostgreSQL refuses to
        run as root and must still reach its own folder. What is secret is closed file by file.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)
        content = {
            "port_base": self.port_base,
            "port_overrides": dict(self.port_overrides),
            "settings": dict(self.settings),
        }
        write_private(self.home / "site.json", json.dumps(content, indent=2))

    def port(self, name: str) -> int:
        return self.port_overrides.get(name, self.port_base + OFFSETS[name])

    def directory(self, name: str) -> Path:
        """The folder of one part, made when first asked for; closed to other users."""
        path = self.home / name
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def log(self, name: str) -> Path:
        return self.directory("log") / f"{name}.log"

    def secret(self, name: str) -> str:
        """A random word of this stack, made once and kept."""
        path = self.directory("secrets") / name
        if not path.exists():
            write_private(path, secrets.token_hex(24))
        return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only; a crash leaves the old or the new."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(path)


def _overrides(variables: Mapping[str, str]) -> dict[str, int]:
    names = {name: f"RIALTO_PORT_{name.upper()}" for name in OFFSETS}
    return {name: int(variables[key]) for name, key in names.items() if variables.get(key)}


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}
