"""What custody asks compliance about addresses, and what it hears."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class ScreenAddress(BaseModel):
    """May coins come from, or go to, these addresses?"""

    subject: str
    """deposit, withdrawal"""
    customer_id: int
    chain: str
    addresses: list[str]
    asset: str
    amount: str
    reference: str
    """`deposit/...`, `withdrawal/...`: the record of the screening is found by it."""
    txid: str = ""


class Screening(BaseModel):
    is_clear: bool
    score: int = 0
    """0 to 100."""
    reason: str = ""
    """For staff: which list, which category. Stored, so it names nobody."""
    reference: str = ""
    travel_rule_due: bool = False
    """The amount is one for which the other side must know, or tell, who sends."""
    awaits_originator: bool = False
    """Not clear for one reason only: the sender's data has not arrived."""
    for_officers: list[str] = Field(default_factory=list)
    """Names, and how they are alike: for the sealed workflow, never for our database."""

    def stored(self) -> dict[str, Any]:
        """What of it may stand in a row."""
        return self.model_dump(exclude={"for_officers"})


class OriginatorCheck(BaseModel):
    """What the sender's exchange said about a deposit, weighed."""

    has_arrived: bool
    score: int = 0
    """0 to 100: how much a sender's name is like a listed one."""
    reason: str = ""
    """Which list and entry, without a name; empty while there is no hit."""
    for_officers: list[str] = Field(default_factory=list)
    """As in `Screening`."""

    @property
    def is_clear(self) -> bool:
        return self.has_arrived and not self.reason
