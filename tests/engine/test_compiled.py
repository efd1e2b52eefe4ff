"""The compiled core is the same source and passes the same tests, where a C compiler is there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.compile_engine import NoCompiler, compile_engine

ROOT = Path(__file__).parent.parent.parent
SUITE = (
    "test_against_reference.py",
    "test_interactions.py",
    "test_changes_and_states.py",
    "test_auction.py",
    "test_classic_book.py",
)


@pytest.fixture(scope="module")
def compiled() -> Path:
    try:
        return compile_engine()
    except NoCompiler as fault:
        pytest.skip(str(fault))


@pytest.mark.timeout(600)
def test_the_compiled_core_passes_the_tests_of_the_plain_one(compiled: Path):
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider",
         *(str(ROOT / "tests/engine" / name) for name in SUITE)],
        env={**ours, "PYTHONPATH": str(compiled), "PYTHONSAFEPATH": "1"},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_the_compiled_core_is_what_runs(compiled: Path):
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import engine.book; print(engine.book.__file__)"],
        env={**os.environ, "PYTHONPATH": str(compiled)},
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip().startswith(str(compiled))
    assert done.stdout.strip().endswith(".so")
