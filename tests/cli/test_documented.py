"""What the documents tell people to type exists: every command, and every option of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.main import app, register_all

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
_TYPED = re.compile(
    r"`(?:\.venv/bin/)?rialto ([a-z][^`]*)`|^\s+(?:\.venv/bin/)?rialto (.+)$", re.MULTILINE
)
_TARGET = re.compile(r"`make ([a-z][a-z-]+)[^`]*`|^\s*make ([a-z][a-z-]+)", re.MULTILINE)


def typed(text: str) -> Iterator[str]:
    """What follows `rialto` in code, without comments; `a|b` and `stuck`, `show` are several."""
    for inline, block in _TYPED.findall(text):
        yield (inline or block).split("  #")[0].split(" # ")[0].strip()


@pytest.fixture(scope="module")
def root() -> Any:
    register_all()
    return get_command(app)


def problem(root: Any, words: str) -> str:
    """Why this cannot be typed; empty if it can."""
    node: Any = root
    try:
        parts = shlex.split(words.replace("...", "").split("|")[0])
    except ValueError:
        return "its quotes do not match"
    while parts and hasattr(node, "commands"):
        name = parts.pop(0).rstrip(",")
        if name.startswith("-") or name.isupper():
            return ""
        if name not in node.commands:
            return f"there is no {name}"
        node = node.commands[name]
    known = {option for each in node.params for option in each.opts + each.secondary_opts}
    asked = {part.split("=")[0] for part in parts if part.startswith("--")} - {"--help"}
    return f"it has no {', '.join(sorted(asked - known))}" if asked - known else ""


def test_every_command_in_the_documents_can_be_typed(root: Any):
    found = [(page, words) for page in PAGES for words in typed(page.read_text("utf-8"))]
    wrong = [f"{page.name}: {w}: {why}" for page, w in found if (why := problem(root, w))]

    assert len(found) > 100
    assert wrong == []


def test_what_does_not_exist_would_be_seen(root: Any):
    assert problem(root, "ledger verfy") == "there is no verfy"
    assert problem(root, "ledger verify --jsn") == "it has no --jsn"
    assert problem(root, "ledger verify --json") == ""


def test_every_target_in_the_documents_can_be_made():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        inline or block
        for page in PAGES
        for inline, block in _TARGET.findall(page.read_text("utf-8"))
    }

    assert {"up", "demo", "chaos", "loadtest", "infra-check"} <= named
    assert {each for each in named if each in targets} == {
        each for each in named if each not in {"it", "one", "sure", "no", "a", "the"}
    }
