"""Where a path's knee is: the most it carries before waiting begins to grow without end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

OTHERS: Final = "others on this machine"
"""Not parts of ours: on a shared machine they limit, and cost nothing of ours."""
KEEPS_UP: Final = 0.95
"""Share of what is offered that must be done for the path to count as keeping up."""


@dataclass(frozen=True, slots=True)
class Point:
    """One step of load."""

    offered: float
    """Operations a second; of a burst, how many came at once."""
    achieved: float
    """Done a second."""
    p50_ms: float
    p99_ms: float
    cores: Mapping[str, float] = field(default_factory=dict)
    """Processor seconds a second that each part used meanwhile."""

    @property
    def keeps_up(self) -> bool:
        return self.achieved >= KEEPS_UP * self.offered

    def cost_us(self, idle: Mapping[str, float]) -> dict[str, float]:
        """Microseconds of a core for one operation, by part, dearest first; without what each
        part uses when nobody asks for anything.
        """
        if not self.achieved:
            return {}
        more = {part: max(0.0, used - idle.get(part, 0.0)) for part, used in self.cores.items()}
        costs = {part: 1e6 * used / self.achieved for part, used in more.items() if part != OTHERS}
        return dict(sorted(costs.items(), key=lambda item: -item[1]))

    def limit(self, cores: int) -> str:
        """What is used up, as far as processors tell."""
        if not self.cores:
            return "not measured"
        part, most = max(self.cores.items(), key=lambda item: item[1])
        total = sum(self.cores.values())
        if total >= 0.85 * cores:
            return f"this machine's {cores} cores ({total:.2f} used, most by {part})"
        if most >= 0.85:
            return f"{part}, which works on one core ({most:.2f} used)"
        return f"waiting, not processors ({total:.2f} of {cores} cores used, most by {part})"


@dataclass(frozen=True, slots=True)
class Curve:
    """A path under growing load."""

    name: str
    p99_max_ms: float
    """Slower than this is not carried."""
    points: Sequence[Point]
    is_burst: bool = False
    """Points are of bursts: nothing is offered for longer, so only latency tells the knee."""
    idle: Mapping[str, float] = field(default_factory=dict)
    """Processor seconds a second that each part used before anything was asked."""

    def knee(self) -> Point | None:
        """The last point before the first that falls behind or is too slow; None if all are."""
        best = None
        for point in self.points:
            if point.p99_ms > self.p99_max_ms or not (self.is_burst or point.keeps_up):
                break
            best = point
        return best

    def most(self) -> Point:
        """The point with the highest throughput, whatever it cost in latency."""
        return max(self.points, key=lambda point: point.achieved)


def goes_on(curve: Curve) -> bool:
    """Whether a next, heavier step can still tell something."""
    if not curve.points:
        return True
    last = curve.points[-1]
    is_behind = not curve.is_burst and last.achieved <= 0.8 * last.offered
    return last.p99_ms <= 4 * curve.p99_max_ms and not is_behind
