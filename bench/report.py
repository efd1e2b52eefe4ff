"""One shape for every benchmark's result, so that numbers can be compared and gated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import ceil


@dataclass(frozen=True)
class BenchResult:
    """The last line that `rialto bench NAME --json` prints. Latencies in milliseconds."""

    name: str
    throughput_per_second: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    durability: str
    """What was durable when an operation counted as done: fsync, queue acknowledgement, ..."""
    conservation: str
    """`ok`, or the first account or asset that is off; `not applicable` where no money moves."""
    rivals: dict[str, float] = field(default_factory=dict)
    """Operations per second of others, measured in the same run."""
    notes: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    """What must hold by the design, and was missed by more than machines differ."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the sorted values lie; nearest rank."""
    if not sorted_values:
        return 0.0
    return sorted_values[min(len(sorted_values) - 1, max(0, ceil(share * len(sorted_values)) - 1))]
