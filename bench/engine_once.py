"""One rate of whichever core this process has: `python -P -m bench.engine_once RESTING COMMANDS`.

Run by the engine benchmark with the compiled core in PYTHONPATH, beside its own plain one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import engine.book
from bench.engine_core import chunk_seconds, least
from bench.engine_mix import Mix
from devstack.compile_engine import TARGET, is_current
from engine.book import Book
from engine.rules import Rules

PASSES = 3


def compiled_rates(resting: int, commands: int) -> tuple[float, float] | None:
    """Commands per processor second of the compiled core, median and unhindered.

    None if `make fast` was not run, or before the sources last changed.
    """
    if not is_current(TARGET):
        return None
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bench.engine_once", str(resting), str(commands)],
        env={**os.environ, "PYTHONPATH": str(TARGET)},
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout)
    assert str(told["core"]).startswith(str(TARGET))
    return told["median"], told["unhindered"]


def main() -> None:
    workload = Mix(resting=int(sys.argv[1])).workload(int(sys.argv[2]))
    passes = [chunk_seconds(lambda: Book(Rules(orders_max=10**9)), workload) for _ in range(PASSES)]
    count = len(workload.measured)
    told = {
        "core": engine.book.__file__,
        "median": count / sorted(map(sum, passes))[PASSES // 2],
        "unhindered": count / sum(least(passes)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
