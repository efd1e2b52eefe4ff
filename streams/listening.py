"""Where a process listens. One variable for every server of every process."""

from __future__ import annotations

import os


def listen_host() -> str:
    """`RIALTO_LISTEN_HOST`; this machine only, unless a container says 0.0.0.0."""
    return os.environ.get("RIALTO_LISTEN_HOST") or "127.0.0.1"
