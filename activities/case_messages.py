"""What monitoring, cases and their activities tell each other. No names: customers are numbers."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from activities.kyc_messages import AuditAction


class CaseAlert(BaseModel):
    """One finding of a rule."""

    id: str
    rule: str
    score: int
    sentence: str
    references: list[str] = Field(default_factory=list)
    """deposit/..., withdrawal/...: what gave rise to it."""


class CustomerAlerts(BaseModel):
    customer_id: int
    alerts: list[CaseAlert]


class Watched(BaseModel):
    """One look at what moved."""

    until: datetime
    """Everything before was looked at."""
    found: list[CustomerAlerts] = Field(default_factory=list)
    """Alerts that belong to no case yet, old ones too: a look that was lost half-way loses none."""


class CaseRecord(BaseModel):
    """The whole state of a case as its rows should be."""

    id: str
    customer_id: int
    state: str
    risk_score: int
    outcome: str | None = None
    reason: str = ""
    officers: list[str] = Field(default_factory=list)
    opened_at: datetime
    closed_at: datetime | None = None
    at: datetime
    alert_ids: list[str] = Field(default_factory=list)
    references: list[str] = Field(default_factory=list)
    actions: list[AuditAction] = Field(default_factory=list)
