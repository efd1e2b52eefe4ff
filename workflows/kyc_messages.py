"""Input, state, updates and answers of the KYC workflow."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from activities.kyc_messages import CaseFile
from compliance.kyc import KycEvent, KycState
from compliance.tiers import Tier
from workflows.staff import StaffAction


class KycCase(BaseModel):
    """Everything the workflow knows; what continue-as-new carries on."""

    customer_id: int
    state: KycState = KycState.NOT_STARTED
    tier: Tier = Tier.NONE
    requested_tier: Tier = Tier.BASIC
    attempt: int = 0
    check_id: str | None = None
    risk_score: int = 0
    reasons: list[str] = Field(default_factory=list)
    question: str = ""
    approvals: list[str] = Field(default_factory=list)
    has_senior_approval: bool = False
    officers: list[str] = Field(default_factory=list)
    """Who made the last decision."""
    is_escalated: bool = False
    approved_at: datetime | None = None
    expires_at: datetime | None = None
    frozen_from: KycState | None = None
    frozen_by: str = ""
    file: CaseFile | None = None
    """Only while an officer needs it."""
    notes: list[str] = Field(default_factory=list)

    @property
    def is_kept_by_law(self) -> bool:
        """Whether the file outlives the case: they were a customer, or refused."""
        was_customer = self.state is KycState.CLOSED and self.approved_at is not None
        return was_customer or self.state is KycState.REJECTED


class Submission(BaseModel):
    """The customer has handed everything in; what it is lies in the database, not here."""

    requested_tier: Tier = Tier.BASIC


class ScreeningHit(BaseModel):
    """A re-screening found the customer on a list."""

    list_name: str
    score: int
    is_certain: bool = False
    """Certain hits freeze at once; others go to a person."""


class FreezeRequest(BaseModel):
    """From another workflow of ours: a case, a deposit from a listed address."""

    source: str
    reason: str


class Closing(BaseModel):
    reason: str = "asked by the customer"


class ApproveKyc(StaffAction):
    tier: int | None = None
    """Empty: the tier the customer asked for."""


class RejectKyc(StaffAction):
    final: bool = False
    reason_code: str = "other"


class RequestInfo(StaffAction):
    question: str = ""


class KycStatus(BaseModel):
    """Answer of the query `status`; nothing in it names the customer."""

    state: KycState
    tier: Tier
    requested_tier: Tier
    risk_score: int
    reasons: list[str]
    question: str
    approvals: list[str]
    expires_at: datetime | None


class Decision(BaseModel):
    """What an officer decided; the run applies and records it, then the officer is answered."""

    event: KycEvent
    officer: str
    reason: str
    tier: Tier | None = None
    question: str = ""
    reason_code: str = ""


class Interruption(BaseModel):
    """What may come at any moment and does not wait: a freeze, or the customer leaving."""

    event: KycEvent
    actor: str
    reason: str
