"""What the lock files say: every package that can get into the exchange, with its hashes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PYTHON = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Package:
    ecosystem: str
    """`pypi` or `npm`, as package URLs name them."""
    name: str
    version: str
    hashes: tuple[str, ...]
    """Python: SHA-256 in hex of each file. npm: the integrity text."""
    lock: str
    """The lock file that pins it."""

    @property
    def purl(self) -> str:
        name = self.name.replace("@", "%40")
        return f"pkg:{self.ecosystem}/{name}@{self.version}"


def lock_files(root: Path) -> list[Path]:
    return [*sorted(root.glob("requirements*.lock")), *sorted(_npm_locks(root))]


def packages(root: Path) -> list[Package]:
    """Every pinned package of every lock file of the checkout, in a fixed order."""
    found = []
    for path in lock_files(root):
        lock, text = str(path.relative_to(root)), path.read_text()
        read = _npm(lock, text) if path.name == "package-lock.json" else _python(lock, text)
        found += list(read)
    return sorted(found, key=lambda each: (each.purl, each.lock))


def _npm_locks(root: Path) -> list[Path]:
    return [root / "package-lock.json", root / "web" / "package-lock.json"]


def _python(lock: str, text: str) -> Iterator[Package]:
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        found = _PYTHON.match(line)
        if found is not None:
            name = re.sub(r"[-_.]+", "-", found[1]).lower()
            yield Package("pypi", name, found[2], tuple(_HASH.findall(line)), lock)


def _npm(lock: str, text: str) -> Iterator[Package]:
    for path, each in json.loads(text)["packages"].items():
        if path and not each.get("link"):
            name = each.get("name") or path.rpartition("node_modules/")[2]
            integrity = each.get("integrity")
            hashes = (integrity,) if integrity else ()
            yield Package("npm", name, each["version"], hashes, lock)
