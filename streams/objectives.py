"""What we promise to customers in numbers, and the counters that the burn-rate alarms divide.

An objective counts good and bad events; the share of bad ones may not exceed its budget over thirty
days. Where there is no event to count (nothing waits), a slice of time is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter

EVENTS = Counter("slo_events", "Events that an objective counts", ["slo", "outcome"])

GOOD: Final = "good"
BAD: Final = "bad"


@dataclass(frozen=True, slots=True)
class Objective:
    name: str
    budget_ppm: int
    """Share of events that may be bad in thirty days, in parts per million."""
    promise: str
    limit_seconds: float = 0.0

    def note(self, seconds: float) -> None:
        """An event that took, or has waited, so long."""
        self.count(is_good=seconds <= self.limit_seconds)

    def count(self, *, is_good: bool) -> None:
        EVENTS.labels(self.name, GOOD if is_good else BAD).inc()


ORDERS: Final = Objective(
    "orders", 1_000, "an order is answered, other than with a fault of ours, within 500 ms", 0.5
)
MATCHING: Final = Objective(
    "matching", 1_000, "a frame is durable and published 100 ms after it was received", 0.1
)
SETTLEMENT: Final = Objective(
    "settlement", 1_000, "no trade waits for settlement longer than 5 s, in each second", 5.0
)
DEPOSITS: Final = Objective(
    "deposits", 5_000, "the listener is no more than three blocks behind a chain, in each round"
)
WITHDRAWALS: Final = Objective(
    "withdrawals", 5_000, "no withdrawal that needs no human waits longer than 2 h", 7_200.0
)
ALL: Final = (ORDERS, MATCHING, SETTLEMENT, DEPOSITS, WITHDRAWALS)

for _objective in ALL:  # An alarm divides by what is there, also before the first event.
    EVENTS.labels(_objective.name, GOOD)
    EVENTS.labels(_objective.name, BAD)
