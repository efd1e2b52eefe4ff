"""What the simulated identity vendor answers, and how badly it behaves while doing so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scenario(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    CONSIDER = "consider"
    NEEDS_INFO = "needs_info"
    LATE = "late"
    DUPLICATE = "duplicate"
    WRONG_SIGNATURE = "wrong_signature"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Behaviour:
    outcome: str
    reasons: tuple[str, ...] = ()
    question: str = ""
    delay_factor: float = 1.0
    webhooks: int = 1
    """How often the same event is sent."""
    is_signed_right: bool = True


BEHAVIOURS = {
    Scenario.APPROVE: Behaviour("clear"),
    Scenario.REJECT: Behaviour("rejected", ("document_forged",)),
    Scenario.CONSIDER: Behaviour("consider", ("selfie_unclear",)),
    Scenario.NEEDS_INFO: Behaviour(
        "needs_info", ("document_cut_off",), "Please upload the whole page of your document."
    ),
    Scenario.LATE: Behaviour("clear", delay_factor=20.0),
    Scenario.DUPLICATE: Behaviour("clear", webhooks=3),
    Scenario.WRONG_SIGNATURE: Behaviour("clear", is_signed_right=False),
    Scenario.SILENT: Behaviour("clear", webhooks=0),
}

_NAME_PREFIX = "simulate "


def scenario_for(given_names: str, chosen: Scenario | None, default: Scenario) -> Scenario:
    """A scenario chosen for the key wins, then given names such as `Simulate Reject`."""
    if chosen is not None:
        return chosen
    wish = given_names.strip().lower()
    if wish.startswith(_NAME_PREFIX):
        name = wish.removeprefix(_NAME_PREFIX).replace(" ", "_")
        if name in set(Scenario):
            return Scenario(name)
    return default
