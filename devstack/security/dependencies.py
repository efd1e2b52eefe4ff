"""The audit of dependencies that can be made without asking anybody.

What it proves: everything is pinned to one version and to hashes of its files, comes from the
registry alone (no addresses, no git), and nothing is older than the first safe release of the
advisories below. What it cannot know: advisories that are not in that list. Services know them
all; docs/red-team.md says how to ask them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.security.locks import Package, lock_files, packages

_FOREIGN = re.compile(r"(git\+|https?://|file:|@ )")
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Advisory:
    """A published weakness, and the first release without it."""

    ecosystem: str
    name: str
    fixed_in: str
    id: str


ADVISORIES = (
    Advisory("pypi", "aiohttp", "3.12.14", "CVE-2025-53643"),
    Advisory("pypi", "cryptography", "44.0.1", "CVE-2024-12797"),
    Advisory("pypi", "h11", "0.16.0", "CVE-2025-43859"),
    Advisory("pypi", "jinja2", "3.1.6", "CVE-2025-27516"),
    Advisory("pypi", "python-multipart", "0.0.18", "CVE-2024-53981"),
    Advisory("pypi", "requests", "2.32.4", "CVE-2024-47081"),
    Advisory("pypi", "setuptools", "78.1.1", "CVE-2025-47273"),
    Advisory("pypi", "starlette", "0.49.1", "CVE-2025-62727"),
    Advisory("pypi", "urllib3", "2.5.0", "CVE-2025-50181"),
    Advisory("npm", "esbuild", "0.25.0", "GHSA-67mh-4wv8-f99r"),
    Advisory("npm", "vite", "6.2.7", "CVE-2025-46565"),
    Advisory("npm", "cookie", "0.7.0", "CVE-2024-47764"),
    Advisory("npm", "ws", "8.17.1", "CVE-2024-37890"),
)
"""Kept by hand: a ratchet against going back, not a substitute for a service."""

ACCEPTED = {
    ("cookie", "CVE-2024-47764"): (
        "SvelteKit pins it; the weakness is in names, paths and domains of cookies that come from "
        "outside, and ours are constants of web/server"
    ),
}
"""Package and advisory, and why it does not touch us."""


def audit(root: Path) -> list[str]:
    """Everything that is wrong with the lock files; empty when nothing is."""
    found = packages(root)
    return [
        *(f"{path.name} is missing" for path in lock_files(root) if not path.exists()),
        *_unhashed(found),
        *_foreign(root),
        *_unlocked(root, found),
        *_known_bad(found),
    ]


def _unhashed(found: Iterable[Package]) -> Iterator[str]:
    for each in found:
        if not each.hashes:
            yield f"{each.lock}: {each.name} {each.version} has no hash"
        elif each.ecosystem == "npm" and not each.hashes[0].startswith("sha512-"):
            yield f"{each.lock}: {each.name} {each.version} has a weak hash"


def _foreign(root: Path) -> Iterator[str]:
    """Anything that would be fetched from elsewhere than the registry the installer is told of."""
    for path in [*lock_files(root), *sorted(root.glob("requirements*.in"))]:
        text = path.read_text()
        if path.suffix == ".json":
            if '"resolved"' in text:
                yield f"{path.name} names where packages lie"
        elif _FOREIGN.search(_COMMENT.sub("", text)):
            yield f"{path.name} names where packages lie"


def _unlocked(root: Path, found: Iterable[Package]) -> Iterator[str]:
    """What is asked for in requirements*.in and is in no lock of the same name."""
    locked = {(each.lock, each.name) for each in found}
    for path in sorted(root.glob("requirements*.in")):
        for line in path.read_text().splitlines():
            asked = re.match(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", line)
            if asked is None:
                continue
            name = re.sub(r"[-_.]+", "-", asked[1]).lower()
            if (path.with_suffix(".lock").name, name) not in locked:
                yield f"{path.name} asks for {name}, which its lock file lacks"


def _known_bad(found: Iterable[Package]) -> Iterator[str]:
    for each in found:
        for advisory in ADVISORIES:
            if (advisory.ecosystem, advisory.name) != (each.ecosystem, each.name):
                continue
            if (each.name, advisory.id) in ACCEPTED or not _older(each.version, advisory.fixed_in):
                continue
            yield f"{each.lock}: {each.name} {each.version} has {advisory.id}"


def _older(version: str, than: str) -> bool:
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    """Release numbers; a pre-release counts as its release, which errs for the rare one."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:4])
