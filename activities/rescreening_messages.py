"""What a re-screening and its activities tell each other: numbers and list names, no persons."""

from __future__ import annotations

from pydantic import BaseModel, Field


class RescreenHit(BaseModel):
    customer_id: int
    list_name: str
    score: int
    is_certain: bool


class RescreenedPage(BaseModel):
    names: int
    """Screened on this page; 0: there are no more."""
    last_customer_id: int
    hits: list[RescreenHit] = Field(default_factory=list)
    """Without what an officer cleared, and without what the customer's case knows already."""


class RescreeningDone(BaseModel):
    run: str
    reason: str
    names: int
    hits: int
