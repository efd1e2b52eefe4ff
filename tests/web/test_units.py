"""The web application's own unit tests, by Node: the book, decimals, forms, and the proxy."""

from __future__ import annotations

import subprocess
from pathlib import Path

from devstack.web import node

WEB = Path(__file__).parent.parent.parent / "web"


def test_the_units_of_the_web_application_hold():
    run = subprocess.run(
        [node(), "tests/run.mjs"], cwd=WEB, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stdout[-6_000:] + run.stderr[-2_000:]
    passed = next(line for line in run.stdout.splitlines() if line.startswith("# pass "))
    assert int(passed.split()[-1]) > 0
