"""The garbage collector of processes that serve: it must not stop them for long."""

from __future__ import annotations

import gc
from typing import Final

# The objects to be made before the young are looked through, and how many such rounds go before
# the older are. Python's 700, 10, 10 spend a tenth of the processor of a busy API on it.
_THRESHOLDS: Final = (20_000, 20, 50)


def calm() -> None:
    """Leave what exists by now out of all collections, and have fewer of them. Once, at the start.

    What was imported stays for ever, and walking through it took 50 to 100 ms of every second or
    so of a loaded process, in which it answered nobody.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
