"""Which variables a process reads, and which ones each deployment gives it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.infra.kubernetes import Manifest, workloads
from tests.infra.tools import ROOT

PREFIX = "RIALTO_"
WEB = "build/server.js"
"""The web process, as its image starts it."""
OURS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
_WEB_READS = re.compile(r"(?:process\.env|variables)\[?'?\.?(ORIGIN|RIALTO_[A-Z_]+)")
_LITERAL = re.compile(r"RIALTO_[A-Z_]*[A-Z]")


@dataclass
class Read:
    """What a process reads: without `required` it does not start."""

    required: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)


@cache
def read_by(module: str) -> Read:
    """From the settings classes that the module, or what it imports, makes; and by name."""
    if module == WEB:
        return Read(known=read_by_web())
    read = Read()
    for path in _files(module):
        text, tree = _source(path)
        read.known |= set(_LITERAL.findall(text))
        made = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args
        }
        for each in ast.walk(tree):
            if isinstance(each, ast.ClassDef) and _is_settings(each):
                known, required = _fields(each)
                read.known |= known
                # A class that another file makes belongs to that file's process.
                if each.name in made or path.stem == "settings" or _is_made(module, each.name):
                    read.required |= required
    return read


def _is_made(module: str, name: str) -> bool:
    """By the process itself."""
    return f"{name}()" in _source(_files(module)[0])[0]


@cache
def _files(module: str) -> list[Path]:
    """The module's file first, then all of ours that it imports, at any depth."""
    found: list[Path] = []
    waiting = [module]
    while waiting:
        path = _file(waiting.pop(0))
        if path is None or path in found:
            continue
        found.append(path)
        for node in ast.walk(_source(path)[1]):
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
            elif isinstance(node, ast.Import):
                waiting += [each.name for each in node.names]
            elif isinstance(node, ast.Constant) and str(node.value).startswith("workers."):
                waiting.append(str(node.value))  # Started as a process of its own.
    return found


@cache
def _source(path: Path) -> tuple[str, ast.Module]:
    text = path.read_text(encoding="utf-8")
    return text, ast.parse(text)


def _file(module: str) -> Path | None:
    if module.split(".", maxsplit=1)[0] not in OURS:
        return None
    path = ROOT / module.replace(".", "/")
    for each in (path.with_suffix(".py"), path / "__init__.py"):
        if each.exists():
            return each
    return None


def _is_settings(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "BaseSettings" for base in node.bases)


def _fields(node: ast.ClassDef) -> tuple[set[str], set[str]]:
    fields = [
        (each.target.id, each.value)
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    ]
    known = {PREFIX + name.upper() for name, _ in fields}
    return known, {PREFIX + name.upper() for name, value in fields if value is None}


def given_by_compose() -> Iterator[tuple[str, dict[str, Any]]]:
    """Module and environment of each service that is ours."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for service in services.values():
        command = service.get("command", [])
        if command[:2] == ["python", "-m"]:
            yield command[-1], service.get("environment", {})


def read_by_web() -> set[str]:
    """What the web process reads from its environment, server and pages rendered by it."""
    sources = [*(ROOT / "web/server").rglob("*.ts"), *(ROOT / "web/src").rglob("*.ts")]
    return {name for path in sources for name in _WEB_READS.findall(path.read_text("utf-8"))}


def given_to_web(compose: str) -> set[str]:
    environment: dict[str, str] = yaml.safe_load(compose)["services"]["web"]["environment"]
    return set(environment)


def given_by_cluster(manifests: list[Manifest]) -> Iterator[tuple[str, set[str]]]:
    """Module and names of the variables of each container."""
    keys: dict[tuple[str, str, str], set[str]] = {}
    for each in manifests:
        place = (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
        if each["kind"] == "ConfigMap":
            keys[place] = set(each["data"])
        elif each["kind"] == "ExternalSecret":
            keys[place] = {entry["secretKey"] for entry in each["spec"]["data"]}
    for pod in workloads(manifests):
        for container in pod.containers():
            given = {entry["name"] for entry in container.get("env", [])}
            for source in container.get("envFrom", []):
                kind = "ConfigMap" if "configMapRef" in source else "ExternalSecret"
                [reference] = source.values()
                given |= keys[kind, pod.namespace, reference["name"]]
            yield container["command"][-1], given
