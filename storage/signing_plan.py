"""A payment as the signer sees it: the plan, and the decisions that stand behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.errors import InvalidInput
from domain.payment import PaymentKind, PaymentStatus
from domain.withdrawal import WithdrawalKind, WithdrawalStatus


class UnknownPayment(InvalidInput):
    code = "unknown_payment"


@dataclass(frozen=True, slots=True)
class KeyLocation:
    """Where the private key of an address is: in KMS, or at a path under a sealed seed."""

    key_id: str | None = None
    public_key: bytes | None = None
    seed_id: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovedWithdrawal:
    """One customer's withdrawal, with the rules that bind it as they are now."""

    id: str
    kind: WithdrawalKind
    chain: str
    asset: str
    units: int
    address: str
    status: WithdrawalStatus
    payment_id: str | None
    approved_at: datetime | None
    approvals_needed: int
    officers: frozenset[str]
    is_screened_clear: bool
    is_on_allow_list: bool
    allow_list_only: bool
    is_listed: bool
    """On a sanctions list, by now."""
    tier: int
    """Of the customer's KYC, by now."""
    counts_for_limits: bool
    """Its value was taken from the customer's limits and not given back."""
    day_value_units: int
    """What the customer withdrew in the last 24 hours, in units of the reference asset."""
    month_value_units: int


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    address: str
    units: int
    withdrawal: ApprovedWithdrawal | None
    house_kind: str | None
    """hot, warm or cold where a house wallet is paid; `deposit` where a deposit address is."""


@dataclass(frozen=True, slots=True)
class PlannedInput:
    txid: str
    vout: int
    units: int
    address: str
    spent_txid: str | None
    key: KeyLocation | None


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """A deposit address whose tokens the payment gathers."""

    address: str
    units: int
    authorization_nonce: int | None
    """Its nonce that a new delegation uses up; None where it delegates already."""
    key: KeyLocation | None


@dataclass(frozen=True, slots=True)
class Fees:
    """Of one attempt, in the chain's own units."""

    fee_rate: int
    tip_rate: int | None
    gas_limit: int | None
    fee_units_max: int


@dataclass(frozen=True, slots=True)
class Attempt:
    number: int
    fees: Fees
    input_count: int | None
    change_units: int | None
    txid: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What stops every payment of an asset."""

    fee_rate_cap: int
    is_enabled: bool
    """The asset's own flag and the global switch, both on."""
    four_eyes_units: int
    hourly_units_max: int
    hourly_units: int
    """Signed for other withdrawals of the asset in the last hour."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A payment as its rows describe it."""

    payment_id: str
    chain: str
    kind: PaymentKind
    status: PaymentStatus
    asset: str
    contract: str | None
    units: int
    from_address: str
    from_key: KeyLocation | None
    """None: paid from many deposit addresses; each input knows its key."""
    nonce: int | None
    nonce_owner: str | None
    """The payment to which the nonce is reserved."""
    outputs: Sequence[PlannedOutput]
    inputs: Sequence[PlannedInput]
    attempt: Attempt
    earlier: Sequence[Attempt]
    limits: Limits
    sources: Sequence[PlannedSource] = ()


@dataclass(frozen=True, slots=True)
class MadeSignature:
    digest: bytes
    key_id: str
    """KMS alias, or the path under the seed."""


@dataclass(frozen=True, slots=True)
class Sealed:
    id: str
    key_id: str
    ciphertext: bytes
