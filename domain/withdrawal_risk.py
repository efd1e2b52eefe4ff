"""How closely staff must look at a withdrawal before it is paid."""

from __future__ import annotations

from dataclasses import dataclass

_NEW_ADDRESS_SCORE = 10
CUSTOMER_HOURLY_MAX = 10
"""Withdrawals of one customer within an hour before an officer looks: people ask for fewer."""
_REVIEW_SCORE = 60
"""From this score on an officer looks, whatever the amount."""


@dataclass(frozen=True, slots=True)
class RiskFacts:
    units: int
    review_units: int
    four_eyes_units: int
    hourly_units: int
    """What all customers withdrew of the asset within the hour, this one included."""
    hourly_units_max: int
    customer_hourly_count: int
    """How many this customer asked for within the hour, of any asset, this one included."""
    is_known_address: bool
    """The customer was paid there before."""
    is_clear: bool
    """By screening."""
    screening_score: int
    screening_reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    score: int
    """0 to 100."""
    approvals_needed: int
    """Different officers who must approve; 0: it is approved at once."""
    reasons: tuple[str, ...]


def assess(facts: RiskFacts) -> Verdict:
    score = min(100, facts.screening_score + (0 if facts.is_known_address else _NEW_ADDRESS_SCORE))
    reasons = []
    if not facts.is_clear:
        reasons.append(f"screening: {facts.screening_reason or 'not clear'}")
    if facts.units >= facts.review_units:
        reasons.append("a large amount")
    if facts.hourly_units > facts.hourly_units_max:
        reasons.append("more leaves this hour than usual")
    if facts.customer_hourly_count > CUSTOMER_HOURLY_MAX:
        reasons.append(f"{facts.customer_hourly_count} withdrawals of the customer within an hour")
    if score >= _REVIEW_SCORE:
        reasons.append(f"risk score {score}")
    approvals = 2 if facts.units >= facts.four_eyes_units else min(1, len(reasons))
    return Verdict(score, approvals, tuple(reasons))
