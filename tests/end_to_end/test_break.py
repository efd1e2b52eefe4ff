"""The failure buttons of `rialto break`, each pressed once on the whole exchange."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from cli.audit import run_audit
from cli.running import Running

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]


def broken(running: Running, *words: str) -> dict[str, Any]:
    """The scene as somebody plays it; what came of it."""
    played = subprocess.run(
        [sys.executable, "-m", "cli.main", "break", *words, "--json"],
        env={**os.environ, **running.variables},
        capture_output=True,
        text=True,
        timeout=700,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    answer: dict[str, Any] = json.loads(played.stdout)
    assert answer["healed"]
    assert answer["findings"] == []
    return answer


def test_a_killed_matcher_comes_back_with_its_orders_and_takes_those_placed_meanwhile(
    running: Running,
) -> None:
    facts = broken(running, "matcher")["facts"]

    assert facts["now"] != facts["killed"]
    assert facts["resting"] != facts["placed_meanwhile"]


def test_a_lying_node_is_not_believed(running: Running) -> None:
    facts = broken(running, "node")["facts"]

    assert "not the header's" in facts["halted_reason"]
    assert facts["lies"] > 0
    assert facts["credited_satoshi"] == facts["paid_satoshi"]


async def test_a_reorg_takes_a_deposit_back_and_it_is_credited_once_when_mined_again(
    running: Running,
) -> None:
    facts = broken(running, "reorg")["facts"]

    assert facts["was"] in {"orphaned", "reversed"}
    assert facts["is"] == "withdrawable"
    audit = await run_audit(running)
    assert audit.findings == []
