"""What the KYC workflow and its activities tell each other. Sealed on the way, as everything is."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from compliance.kyc import KycState, VendorOutcome
from compliance.tiers import Tier


class AuditAction(BaseModel):
    """One line of the audit log; written with the change it tells of."""

    actor: str
    """staff:alice, customer:1001, system."""
    action: str
    details: dict[str, str] = Field(default_factory=dict)


class KycRecord(BaseModel):
    """The whole state of a case as its row should be."""

    customer_id: int
    state: KycState
    tier: Tier
    """In force from now on."""
    requested_tier: Tier
    risk_score: int = 0
    reasons: list[str] = Field(default_factory=list)
    question: str = ""
    check_id: str | None = None
    officers: list[str] = Field(default_factory=list)
    approved_at: datetime | None = None
    expires_at: datetime | None = None
    at: datetime
    """The workflow's clock: an older record never overwrites a newer one."""
    actions: list[AuditAction] = Field(default_factory=list)


class CheckRequest(BaseModel):
    customer_id: int
    tier: Tier
    key: str
    """`kyc/1001:check:2`; the vendor answers a repeated key with the first check."""


class CheckAnswer(BaseModel):
    """What the vendor says now. `outcome` None: not finished."""

    outcome: VendorOutcome | None = None
    reasons: list[str] = Field(default_factory=list)
    question: str = ""


class AssessmentRequest(BaseModel):
    customer_id: int
    tier: Tier
    answer: CheckAnswer


class PartyMatch(BaseModel):
    """One listed party that resembles the customer, with the score explained."""

    list_name: str
    uid: str
    listed_name: str
    score: int
    explanation: str
    programs: list[str] = Field(default_factory=list)
    fingerprint: str = ""
    """Of the listed party as the officer saw it."""


class CaseFile(BaseModel):
    """What an officer reads. Names a person: never logged, never a search attribute."""

    full_name: str
    birth_date: str
    country: str
    nationality: str
    address: str
    documents: list[str]
    findings: list[str]
    matches: list[PartyMatch]


class Assessment(BaseModel):
    risk_score: int
    reasons: list[str]
    straight_through: bool
    """Whether policy lets this case be approved without a person."""
    file: CaseFile


class Reminder(BaseModel):
    customer_id: int
    about: str
    """application, expiry, question."""
    key: str


class ClearedMatches(BaseModel):
    """An officer looked at these and found another person."""

    customer_id: int
    matches: list[PartyMatch]
    officer: str
    reason: str
