"""Waiting for a condition, with a bound."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], bool], *, within_seconds: float = 120.0) -> bool:
    deadline = time.monotonic() + within_seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
