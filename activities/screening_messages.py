"""What custody asks compliance about addresses, and what it hears."""

from __future__ import annotations

from pydantic import BaseModel


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
    """For staff: which list, which category."""
    reference: str = ""
    travel_rule_due: bool = False
    """The amount is one for which the other side must know, or tell, who sends."""
    awaits_originator: bool = False
    """Not clear for one reason only: the sender's data has not arrived."""
