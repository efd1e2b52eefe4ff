"""The rules of CONTRIBUTING.md that no other tool checks: sizes, and no float in the core."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"tests"}
CORE = ("domain", "ledger", "engine")
FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 400

FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
CORE_FILES = [file for file in FILES if file.relative_to(ROOT).parts[0] in CORE]


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_float(node: ast.AST) -> bool:
    """A float literal, the type's name, or a division that gives one."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    if isinstance(node, ast.Name):
        return node.id == "float"
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)


@pytest.mark.parametrize("file", FILES, ids=named)
def test_files_and_functions_stay_short(file: Path):
    text = file.read_text()
    tree = ast.parse(text)

    too_long = [
        f"{function.name} has {length} lines"
        for function in functions(tree)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert len(text.splitlines()) <= FILE_LINES_MAX
    assert too_long == []


@pytest.mark.parametrize("file", CORE_FILES, ids=named)
def test_core_has_no_float(file: Path):
    tree = ast.parse(file.read_text())

    floats = [ast.unparse(node) for node in ast.walk(tree) if is_float(node)]

    assert floats == []


PAGES = sorted((ROOT / "docs").rglob("*.md"))
NAMED_TEST = re.compile(r"`((?:[a-z0-9_]+/)*test_[a-z0-9_]+|\.\.)::(test_[a-z0-9_]+)`")


@cache
def defined_tests() -> dict[str, list[tuple[str, set[str]]]]:
    """By the name of a test file: where such files lie, and what they define."""
    found: dict[str, list[tuple[str, set[str]]]] = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        names = {each.name for each in functions(ast.parse(file.read_text()))}
        where = str(file.relative_to(ROOT / "tests").with_suffix(""))
        found.setdefault(file.stem, []).append((where, names))
    return found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_test_that_a_page_names_is_there(page: Path):
    """`folder/test_file::test_name`; `..` is the file named just before."""
    defined, before, missing = defined_tests(), "", []
    for where, name in NAMED_TEST.findall(page.read_text()):
        before = before if where == ".." else where
        files = defined.get(before.rpartition("/")[2], [])
        if not any(place.endswith(before) and name in names for place, names in files):
            missing.append(f"{before}::{name}")

    assert missing == []
