"""The `rialto` command, as somebody types it."""

from __future__ import annotations

import os
import subprocess
import sys

from cli.running import Running


def rialto(running: Running, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it for this exchange; whoever calls looks at how it ended."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words],
        env={**os.environ, **running.variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
