"""A limit on how often something may happen, with room for bursts; for one connection."""

from __future__ import annotations

import time


class TokenBucket:
    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._at = time.monotonic()

    def take(self, tokens: float = 1.0) -> bool:
        """Whether it may happen now; if so, it is counted."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True
