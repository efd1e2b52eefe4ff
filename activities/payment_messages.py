"""What workflows and the activities of payments tell each other."""

from __future__ import annotations

from pydantic import BaseModel

from chains.node import BroadcastOutcome
from domain.payment import PaymentKind, PaymentStatus


class WithdrawalStep(BaseModel):
    withdrawal_id: str


class Sent(BaseModel):
    """What offering the bytes to a node gave. Unknown is not a failure."""

    txid: str
    outcome: BroadcastOutcome
    reason: str
    bump_after_seconds: int | None = None
    """Policy of the chain; older workers did not say."""

    @property
    def is_out(self) -> bool:
        return self.outcome in (BroadcastOutcome.ACCEPTED, BroadcastOutcome.KNOWN)

    @property
    def is_refused(self) -> bool:
        return self.outcome is BroadcastOutcome.REFUSED


class BumpPayment(BaseModel):
    payment_id: str
    after_attempt: int
    """The newest attempt the asker knows; if there is a newer one, that is the answer."""
    reason: str


class Bumped(BaseModel):
    attempt: int
    """The attempt to sign and broadcast; the old one when nothing is to be done."""
    why_not: str = ""


class PaymentStep(BaseModel):
    payment_id: str


class PaymentState(BaseModel):
    payment_id: str
    status: PaymentStatus
    is_posted: bool
    confirmations: int
    why_not: str = ""


class PaymentView(BaseModel):
    """A payment of the house, for its workflow and for staff."""

    payment_id: str
    chain: str
    kind: PaymentKind
    status: PaymentStatus
    asset: str
    amount: str
    is_posted: bool
    attempt: int
    txids: list[str]
