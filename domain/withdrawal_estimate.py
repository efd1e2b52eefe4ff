"""When a withdrawal will probably reach its payee, and what it waits for meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.withdrawal import FINISHED, WithdrawalKind, WithdrawalStatus

REVIEW_SECONDS = 4 * 3600
"""Until then an officer has decided, or a senior one is asked (WithdrawalWorkflow)."""
SWEEP_SECONDS = 15 * 60
"""How often deposits are swept into the hot wallet (workers.workflow_worker)."""
REFILL_SECONDS = 4 * 3600
"""The keepers of the cold wallet sign a refill within half a working day."""


class WaitsFor(StrEnum):
    CHECKS = "checks"
    REVIEW = "review"
    STOP = "stop"
    """Withdrawals of the asset are paused; nobody knows for how long."""
    HOT_FUNDS = "hot_funds"
    """It is queued: the hot wallet is filled again, then it leaves."""
    BATCH = "batch"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """How an asset can be paid out now; units of the asset."""

    is_open: bool
    batch_window_seconds: int
    block_seconds: int
    hot_units: int
    promised_units: int
    """Of the hot wallet, to payments that have not left its books yet."""
    sweepable_units: int
    """Final deposits that the next sweep brings in."""


@dataclass(frozen=True, slots=True)
class Estimate:
    waits_for: WaitsFor
    seconds: int | None
    """From now until the first confirmation; None: nobody knows."""


def estimate(
    facts: AssetFacts,
    status: WithdrawalStatus,
    kind: WithdrawalKind,
    units_until_paid: int,
) -> Estimate | None:
    """None when there is nothing to wait for.

    `units_until_paid`: of this withdrawal and of all that stand before it in the queue.
    """
    if status in FINISHED:
        return None
    if kind is WithdrawalKind.INTERNAL:
        review = status is WithdrawalStatus.REVIEW
        return Estimate(WaitsFor.REVIEW, REVIEW_SECONDS) if review else Estimate(WaitsFor.CHECKS, 1)
    leaving = facts.batch_window_seconds + facts.block_seconds
    match status:
        case WithdrawalStatus.HELD:
            return Estimate(WaitsFor.CHECKS, leaving)
        case WithdrawalStatus.REVIEW:
            return Estimate(WaitsFor.REVIEW, REVIEW_SECONDS + leaving)
        case WithdrawalStatus.APPROVED:
            return _queued(facts, leaving, units_until_paid)
    return Estimate(WaitsFor.NETWORK, facts.block_seconds)


def _queued(facts: AssetFacts, leaving: int, units: int) -> Estimate:
    if not facts.is_open:
        return Estimate(WaitsFor.STOP, None)
    free = facts.hot_units - facts.promised_units
    if units <= free:
        return Estimate(WaitsFor.BATCH, leaving)
    refill = SWEEP_SECONDS if units <= free + facts.sweepable_units else REFILL_SECONDS
    # What fills the hot wallet must be mined, too.
    return Estimate(WaitsFor.HOT_FUNDS, refill + facts.block_seconds + leaving)
