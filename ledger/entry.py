"""Journal entries: transfers and movements of holds that happen together or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import msgspec

from domain.ids import CustomerId, EntryId, HoldId, OrderId, WithdrawalId
from domain.money import UNITS_MAX, AssetCode
from ledger.account import AccountKind, AccountRef


class EntryReason(StrEnum):
    """Why money moved; the first word of "explain my balance"."""

    DEPOSIT = "deposit"
    HOLD = "hold"
    RELEASE = "release"
    TRADE = "trade"
    WITHDRAWAL = "withdrawal"
    FEE = "fee"
    NETWORK_FEE = "network_fee"
    SWEEP = "sweep"
    FUNDING = "funding"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"

    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Transfer:
    """`units` go from `debit` to `credit`. Held accounts move only through holds."""

    debit: AccountRef
    credit: AccountRef
    units: int

    def __post_init__(self) -> None:
        assert 0 < self.units < UNITS_MAX, self
        assert self.debit.asset == self.credit.asset, self
        assert self.debit != self.credit, self
        assert self.debit.kind is not AccountKind.CUSTOMER_HELD, self
        assert self.credit.kind is not AccountKind.CUSTOMER_HELD, self


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Promise `units` of what the customer has available. The same id again, while open, adds to
    the hold.
    """

    hold_id: HoldId
    customer_id: CustomerId
    asset: AssetCode
    units: int
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        assert 0 < self.units < UNITS_MAX, self


@dataclass(frozen=True, slots=True)
class CaptureHold:
    """Take `units` of a hold for `credit`; at most what remains of it."""

    hold_id: HoldId
    customer_id: CustomerId
    credit: AccountRef
    units: int

    def __post_init__(self) -> None:
        assert 0 < self.units < UNITS_MAX, self
        assert self.credit.kind is not AccountKind.CUSTOMER_HELD, self


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Give `units` of a hold back to its customer; None gives back all that remains, which may be
    nothing.
    """

    hold_id: HoldId
    customer_id: CustomerId
    asset: AssetCode
    units: int | None = None

    def __post_init__(self) -> None:
        assert self.units is None or 0 < self.units < UNITS_MAX, self


_encode = msgspec.json.encode

HoldChange = PlaceHold | CaptureHold | ReleaseHold


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Changes of holds happen in order, then transfers in order; one refused refuses them all."""

    id: EntryId
    reason: EntryReason
    cause: str
    """What in the world caused it: `deposit bitcoin:{txid}:0`, `trade BTC-USDT 17`, `order 1001`.
    """
    transfers: tuple[Transfer, ...] = ()
    holds: tuple[HoldChange, ...] = ()
    reverses: EntryId | None = None

    def __post_init__(self) -> None:
        assert self.transfers or self.holds, f"entry {self.id} moves nothing"

    def accounts(self) -> set[AccountRef]:
        """Every account that the entry may touch."""
        refs = {ref for transfer in self.transfers for ref in (transfer.debit, transfer.credit)}
        for hold in self.holds:
            asset = hold.credit.asset if isinstance(hold, CaptureHold) else hold.asset
            refs.add(AccountRef(AccountKind.CUSTOMER_HELD, asset, hold.customer_id))
            if isinstance(hold, CaptureHold):
                refs.add(hold.credit)
            else:
                refs.add(AccountRef(AccountKind.CUSTOMER_AVAILABLE, asset, hold.customer_id))
        return refs


def body_hash(entry: JournalEntry) -> bytes:
    """Fingerprint of all that the caller asked for: the same id must come with the same body."""
    transfers = [
        (*transfer.debit, *transfer.credit, str(transfer.units)) for transfer in entry.transfers
    ]
    holds = [_hold_fields(hold) for hold in entry.holds]
    return sha256(
        _encode((entry.id, entry.reason, entry.cause, entry.reverses, transfers, holds))
    ).digest()


def _hold_fields(hold: HoldChange) -> tuple[object, ...]:
    """Units as text: JSON numbers end where 256-bit amounts go on."""
    if isinstance(hold, PlaceHold):
        return (
            "place",
            hold.hold_id,
            hold.customer_id,
            hold.asset,
            str(hold.units),
            hold.expires_at,
        )
    if isinstance(hold, CaptureHold):
        return ("capture", hold.hold_id, hold.customer_id, *hold.credit, str(hold.units))
    return ("release", hold.hold_id, hold.customer_id, hold.asset, str(hold.units))


def order_entry_id(order_id: OrderId) -> EntryId:
    """Id of the entry that places an order's hold."""
    return EntryId(f"order:{order_id}")


def order_hold(order_id: OrderId) -> HoldId:
    return HoldId(f"order:{order_id}")


def withdrawal_hold(withdrawal_id: WithdrawalId) -> HoldId:
    return HoldId(f"withdrawal:{withdrawal_id}")
