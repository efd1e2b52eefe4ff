"""The KYC state machine, and the policy that decides who must look at a case.

not_started -> started -> submitted -> vendor_pending -> needs_info | manual_review
manual_review -> approved | rejected | rejected_retryable | needs_info
approved -> expiring -> expired -> (documents again) submitted
needs_info | rejected_retryable -> (a customer's, and a month later) approved | expired
any living state -> frozen -> the state before, or rejected
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from compliance.tiers import Tier
from domain.errors import WrongState


class KycState(StrEnum):
    NOT_STARTED = "not_started"
    STARTED = "started"
    SUBMITTED = "submitted"
    VENDOR_PENDING = "vendor_pending"
    NEEDS_INFO = "needs_info"
    MANUAL_REVIEW = "manual_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    """For good; a new case needs a person to allow it."""
    REJECTED_RETRYABLE = "rejected_retryable"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    FROZEN = "frozen"
    CLOSED = "closed"
    """The customer left: personal data is erased as far as the law lets us."""


class KycEvent(StrEnum):
    START = "start"
    SUBMIT = "submit"
    CHECK_STARTED = "check_started"
    REFER = "refer"
    """The vendor is done; a person must decide."""
    ASK = "ask"
    APPROVE = "approve"
    REJECT = "reject"
    REJECT_FOR_NOW = "reject_for_now"
    EXPIRY_NEAR = "expiry_near"
    EXPIRE = "expire"
    LAPSE = "lapse"
    """Nothing was handed in for a month."""
    STAND = "stand"
    """Nothing more was handed in for a higher tier or a renewal: what was approved stands."""
    FREEZE = "freeze"
    CLOSE = "close"


class VendorOutcome(StrEnum):
    CLEAR = "clear"
    CONSIDER = "consider"
    """The vendor found something a person should look at."""
    REJECTED = "rejected"
    NEEDS_INFO = "needs_info"


_S, _E = KycState, KycEvent

_FLOW: dict[tuple[KycState, KycEvent], KycState] = {
    (_S.NOT_STARTED, _E.START): _S.STARTED,
    (_S.STARTED, _E.SUBMIT): _S.SUBMITTED,
    (_S.NEEDS_INFO, _E.SUBMIT): _S.SUBMITTED,
    (_S.REJECTED_RETRYABLE, _E.SUBMIT): _S.SUBMITTED,
    (_S.APPROVED, _E.SUBMIT): _S.SUBMITTED,  # For a higher tier; the lower one stays in force.
    (_S.EXPIRING, _E.SUBMIT): _S.SUBMITTED,
    (_S.EXPIRED, _E.SUBMIT): _S.SUBMITTED,
    (_S.SUBMITTED, _E.CHECK_STARTED): _S.VENDOR_PENDING,
    (_S.VENDOR_PENDING, _E.ASK): _S.NEEDS_INFO,
    (_S.VENDOR_PENDING, _E.REFER): _S.MANUAL_REVIEW,
    (_S.VENDOR_PENDING, _E.APPROVE): _S.APPROVED,  # Straight through, where policy allows it.
    (_S.MANUAL_REVIEW, _E.ASK): _S.NEEDS_INFO,
    (_S.MANUAL_REVIEW, _E.APPROVE): _S.APPROVED,
    (_S.MANUAL_REVIEW, _E.REJECT): _S.REJECTED,
    (_S.MANUAL_REVIEW, _E.REJECT_FOR_NOW): _S.REJECTED_RETRYABLE,
    (_S.APPROVED, _E.REFER): _S.MANUAL_REVIEW,  # A list changed and now names someone like them.
    (_S.EXPIRING, _E.REFER): _S.MANUAL_REVIEW,
    (_S.APPROVED, _E.EXPIRY_NEAR): _S.EXPIRING,
    (_S.EXPIRING, _E.EXPIRE): _S.EXPIRED,
    (_S.FROZEN, _E.REJECT): _S.REJECTED,
    (_S.NEEDS_INFO, _E.STAND): _S.APPROVED,
    (_S.REJECTED_RETRYABLE, _E.STAND): _S.APPROVED,
    (_S.NEEDS_INFO, _E.EXPIRE): _S.EXPIRED,
    (_S.REJECTED_RETRYABLE, _E.EXPIRE): _S.EXPIRED,
    (_S.STARTED, _E.LAPSE): _S.NOT_STARTED,
    (_S.NEEDS_INFO, _E.LAPSE): _S.NOT_STARTED,
    (_S.REJECTED_RETRYABLE, _E.LAPSE): _S.NOT_STARTED,
}

LIVING = frozenset(set(_S) - {_S.NOT_STARTED, _S.REJECTED, _S.CLOSED, _S.FROZEN})
COLLECTING = frozenset({_S.STARTED, _S.NEEDS_INFO, _S.REJECTED_RETRYABLE, _S.EXPIRED})
ENDED = frozenset({_S.NOT_STARTED, _S.REJECTED, _S.CLOSED})

TRANSITIONS: Mapping[tuple[KycState, KycEvent], KycState] = {
    **_FLOW,
    **{(state, _E.FREEZE): _S.FROZEN for state in LIVING},
    **{(state, _E.CLOSE): _S.CLOSED for state in LIVING},
}


def next_state(state: KycState, event: KycEvent) -> KycState:
    """Raises WrongState for what the table does not hold."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise WrongState(f"a case that is {state} cannot {event}", state=state) from None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the checks of one case said, without anything that names the customer."""

    vendor: VendorOutcome
    screening_score: int
    """Best match on any list, 0-100; 0 when nothing comes near."""
    screening_hit: bool
    mrz_valid: bool | None
    """None: no machine-readable zone was given."""
    mrz_agrees: bool | None
    """Whether name and birth date in it are those of the profile."""
    is_expired: bool
    """The document, by its own zone."""
    high_risk_country: bool
    reasons: tuple[str, ...] = ()
    """The vendor's codes."""


def risk_score(findings: Findings) -> int:
    """0-100, a sum of reasons; `risk_reasons` names them."""
    return min(100, sum(points for _, points in _risks(findings)))


def risk_reasons(findings: Findings) -> list[str]:
    return [code for code, _ in _risks(findings)] + list(findings.reasons)


def _risks(findings: Findings) -> list[tuple[str, int]]:
    risks = (
        (findings.screening_hit, "list_match", 70),
        (findings.vendor is VendorOutcome.REJECTED, "vendor_rejected", 60),
        (findings.mrz_valid is False, "document_check_digits_wrong", 50),
        (findings.mrz_agrees is False, "document_differs_from_profile", 40),
        (findings.is_expired, "document_expired", 30),
        (findings.vendor is VendorOutcome.CONSIDER, "vendor_unsure", 30),
        (findings.high_risk_country, "high_risk_country", 30),
        (findings.mrz_valid is None, "no_machine_readable_zone", 5),
    )
    return [(code, points) for applies, code, points in risks if applies]


STRAIGHT_THROUGH_RISK_MAX = 10
FOUR_EYES_RISK_MIN = 60


def goes_straight_through(findings: Findings, tier: Tier, tier_max: Tier) -> bool:
    """Whether nobody needs to look. `tier_max` is policy; NONE sends every case to a person."""
    return (
        tier <= tier_max
        and findings.vendor is VendorOutcome.CLEAR
        and not findings.screening_hit
        and risk_score(findings) <= STRAIGHT_THROUGH_RISK_MAX
    )


def approvals_needed(tier: Tier, score: int) -> int:
    """Two officers for the highest tier and for every case with a serious finding."""
    return 2 if tier is Tier.ENHANCED or score >= FOUR_EYES_RISK_MIN else 1


PLAIN_WORDS: Mapping[KycState, str] = {
    _S.NOT_STARTED: "You have not started verification.",
    _S.STARTED: "Tell us who you are and upload your document.",
    _S.SUBMITTED: "We are checking what you sent.",
    _S.VENDOR_PENDING: "We are checking what you sent. This usually takes a few minutes.",
    _S.NEEDS_INFO: "We need something more from you.",
    _S.MANUAL_REVIEW: "A colleague is looking at your case, usually within a day.",
    _S.APPROVED: "You are verified.",
    _S.REJECTED: "We cannot verify you and will not open your account.",
    _S.REJECTED_RETRYABLE: "We could not verify you with what you sent. You can try again.",
    _S.EXPIRING: "Your verification ends soon. Please confirm your details.",
    _S.EXPIRED: "Your verification has ended. Please send your document again.",
    _S.FROZEN: "Your account is under review. Please contact support.",
    _S.CLOSED: "This account is closed.",
}
"""What a customer reads. Says nothing about lists: warning a suspect is forbidden."""
