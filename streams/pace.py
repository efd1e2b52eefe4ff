"""How long to wait before looking again, where nobody tells us that there is news."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_PATIENCE: Final = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: `least` after news, `idle` once they stay away, `most` when all is quiet.

    At first a quarter of the time that nothing came: news wait little longer than the gap before
    them, and a gap costs a handful of looks. Later a share of it, one in `idle_patience`: what was
    quiet for seconds may be noticed some milliseconds later.
    """

    least: float
    idle: float
    most: float
    idle_patience: int

    def pause_seconds(self, since_news: float) -> float:
        busy = max(self.least, since_news / _PATIENCE)
        idle = max(self.idle, since_news / self.idle_patience)
        return min(busy, idle, self.most)
