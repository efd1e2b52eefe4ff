"""The bill of materials: CycloneDX 1.6 in JSON, from the lock files, the same bytes every time."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devstack.security.locks import Package, packages

_NAMESPACE = uuid.UUID("0d6a9d9c-57a0-5b1e-9d0a-2f7a6b0f6d11")
_ALGORITHMS = {"sha256": "SHA-256", "sha512": "SHA-512", "sha1": "SHA-1"}


def bill(root: Path, version: str) -> dict[str, Any]:
    """Each package once, with the lock files that bring it in."""
    by_purl: dict[str, list[Package]] = {}
    for each in packages(root):
        by_purl.setdefault(each.purl, []).append(each)
    components = [_component(found) for _, found in sorted(by_purl.items())]
    serial = uuid.uuid5(_NAMESPACE, "\n".join(each["bom-ref"] for each in components))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "rialto",
                "name": "rialto",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": "rialto", "dependsOn": [each["bom-ref"] for each in components]}],
    }


def _component(found: Iterable[Package]) -> dict[str, Any]:
    group = list(found)
    first = group[0]
    hashes = sorted({each for package in group for each in package.hashes})
    return {
        "type": "library",
        "bom-ref": first.purl,
        "name": first.name,
        "version": first.version,
        "purl": first.purl,
        "scope": "required" if any(_is_shipped(each.lock) for each in group) else "excluded",
        "hashes": _hashes(first.ecosystem, hashes),
        "properties": [
            {"name": "rialto:lock", "value": lock} for lock in sorted({e.lock for e in group})
        ],
    }


def _is_shipped(lock: str) -> bool:
    """Only what requirements.in asks for runs in production; the rest builds and tests."""
    return lock == "requirements.lock"


def _hashes(ecosystem: str, hashes: Iterable[str]) -> list[dict[str, str]]:
    if ecosystem == "pypi":
        return [{"alg": "SHA-256", "content": each} for each in hashes]
    found = []
    for each in hashes:
        name, _, encoded = each.partition("-")
        found.append({"alg": _ALGORITHMS[name], "content": base64.b64decode(encoded).hex()})
    return found
