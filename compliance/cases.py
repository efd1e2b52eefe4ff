"""Cases: how urgent one is, how it may end, and how many must agree."""

from __future__ import annotations

from collections.abc import Sequence

OUTCOMES = ("no_concern", "reported", "exited")
"""Explained; reported to the authority; reported, and the customer was asked to leave."""

FOUR_EYES_RISK_MIN = 75
"""A mixer, or several rules at once: nobody waves that through alone."""
_PER_FURTHER_ALERT = 5


def case_risk(scores: Sequence[int]) -> int:
    """0-100: the worst alert, and a little for each further one."""
    if not scores:
        return 0
    return min(100, max(scores) + _PER_FURTHER_ALERT * (len(scores) - 1))


def approvals_needed(outcome: str, risk_score: int) -> int:
    """Two officers to find nothing in what looks serious; one may always report."""
    return 2 if outcome == "no_concern" and risk_score >= FOUR_EYES_RISK_MIN else 1
