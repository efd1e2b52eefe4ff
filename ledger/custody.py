"""Journal entries of deposits, withdrawals, sweeps and fundings: coins that meet a chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.ids import CustomerId, DepositId, EntryId, WithdrawalId
from domain.money import AssetCode
from ledger.account import AccountKind, AccountRef, available, house
from ledger.entry import (
    CaptureHold,
    EntryReason,
    JournalEntry,
    PlaceHold,
    ReleaseHold,
    Transfer,
    withdrawal_hold,
)


@dataclass(frozen=True, slots=True)
class DepositCredit:
    """A deposit as the ledger sees it."""

    id: DepositId
    customer_id: CustomerId
    asset: AssetCode
    units: int
    reversals: int
    """How often its credit was taken back; numbers the entries, so that each happens once."""
    covered_units: int
    """What the house paid for the customer in the last reversal, and gets back first."""


def credit(deposit: DepositCredit) -> JournalEntry:
    coins = house(AccountKind.DEPOSIT_WALLET, deposit.asset)
    own_units = deposit.units - deposit.covered_units
    transfers = _nonzero(
        (coins, house(AccountKind.HOUSE_CAPITAL, deposit.asset), deposit.covered_units),
        (coins, available(deposit.customer_id, deposit.asset), own_units),
    )
    suffix = f":{deposit.reversals + 1}" if deposit.reversals else ""
    return JournalEntry(
        EntryId(f"deposit:{deposit.id}:credit{suffix}"),
        EntryReason.DEPOSIT,
        f"deposit {deposit.id}",
        transfers,
    )


def reversal(deposit: DepositCredit, covered_units: int) -> JournalEntry:
    """Take a credit back. What the customer no longer has, `covered_units`, the house pays."""
    coins = house(AccountKind.DEPOSIT_WALLET, deposit.asset)
    transfers = _nonzero(
        (available(deposit.customer_id, deposit.asset), coins, deposit.units - covered_units),
        (house(AccountKind.HOUSE_CAPITAL, deposit.asset), coins, covered_units),
    )
    return JournalEntry(
        EntryId(f"deposit:{deposit.id}:reversal:{deposit.reversals + 1}"),
        EntryReason.REVERSAL,
        f"deposit {deposit.id}",
        transfers,
    )


@dataclass(frozen=True, slots=True)
class WithdrawalHold:
    """A withdrawal as the ledger sees it: the amount, and the quoted fee on top."""

    id: WithdrawalId
    customer_id: CustomerId
    asset: AssetCode
    units: int
    fee_units: int


def hold(withdrawal: WithdrawalHold) -> JournalEntry:
    placed = PlaceHold(
        withdrawal_hold(withdrawal.id),
        withdrawal.customer_id,
        withdrawal.asset,
        withdrawal.units + withdrawal.fee_units,
    )
    return _withdrawal_entry(withdrawal, "hold", EntryReason.HOLD, holds=(placed,))


def release(withdrawal: WithdrawalHold) -> JournalEntry:
    released = ReleaseHold(withdrawal_hold(withdrawal.id), withdrawal.customer_id, withdrawal.asset)
    return _withdrawal_entry(withdrawal, "release", EntryReason.RELEASE, holds=(released,))


def capture(withdrawal: WithdrawalHold, payee: AccountRef | None = None) -> JournalEntry:
    """Take the hold: the amount leaves, or goes to `payee` of ours; the fee is earned."""
    hold_id = withdrawal_hold(withdrawal.id)
    leaving = payee or house(AccountKind.PENDING_WITHDRAWAL, withdrawal.asset)
    holds = [CaptureHold(hold_id, withdrawal.customer_id, leaving, withdrawal.units)]
    if withdrawal.fee_units:
        income = house(AccountKind.FEE_INCOME, withdrawal.asset)
        holds.append(CaptureHold(hold_id, withdrawal.customer_id, income, withdrawal.fee_units))
    return _withdrawal_entry(withdrawal, "capture", EntryReason.WITHDRAWAL, holds=tuple(holds))


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A confirmed payment: what it moved, and what the chain took for it."""

    payment_id: str
    asset: AssetCode
    units: int
    fee_asset: AssetCode
    fee_units: int


def withdrawals_paid(paid: PaidOut) -> JournalEntry:
    """The coins of captured withdrawals have left the hot wallet, and so has the network's fee."""
    transfers = _nonzero(
        (
            house(AccountKind.PENDING_WITHDRAWAL, paid.asset),
            house(AccountKind.HOT_WALLET, paid.asset),
            paid.units,
        ),
        _network_fee(paid, AccountKind.HOT_WALLET),
    )
    return _payment_entry(paid, EntryReason.WITHDRAWAL, transfers)


def moved(
    paid: PaidOut, source: AccountKind, target: AccountKind, *, hot_fee_units: int = 0
) -> JournalEntry | None:
    """Coins of ours changed wallets; None when nothing did and nothing was paid for it.

    Of the fee, the hot wallet paid `hot_fee_units`, and the source the rest.
    """
    fee_units = paid.fee_units - hot_fee_units
    assert fee_units >= 0
    transfers = _nonzero(
        (house(target, paid.asset), house(source, paid.asset), paid.units)
        if source is not target
        else None,
        _network_fee(replace(paid, fee_units=fee_units), source),
        _network_fee(replace(paid, fee_units=hot_fee_units), AccountKind.HOT_WALLET),
    )
    return _payment_entry(paid, EntryReason.SWEEP, transfers) if transfers else None


def house_funding(entry_id: str, asset: AssetCode, units: int, cause: str) -> JournalEntry:
    """The exchange's own coins, found in its hot wallet."""
    transfer = Transfer(
        house(AccountKind.HOT_WALLET, asset), house(AccountKind.HOUSE_CAPITAL, asset), units
    )
    return JournalEntry(EntryId(entry_id), EntryReason.FUNDING, cause, (transfer,))


_Leg = tuple[AccountRef, AccountRef, int]


def _network_fee(paid: PaidOut, payer: AccountKind) -> _Leg:
    return (
        house(AccountKind.NETWORK_FEE, paid.fee_asset),
        house(payer, paid.fee_asset),
        paid.fee_units,
    )


def _nonzero(*legs: _Leg | None) -> tuple[Transfer, ...]:
    return tuple(Transfer(*leg) for leg in legs if leg is not None and leg[2])


def _payment_entry(
    paid: PaidOut, reason: EntryReason, transfers: Sequence[Transfer]
) -> JournalEntry:
    return JournalEntry(
        EntryId(f"payment:{paid.payment_id}:posted"),
        reason,
        f"payment {paid.payment_id}",
        tuple(transfers),
    )


def _withdrawal_entry(
    withdrawal: WithdrawalHold,
    step: str,
    reason: EntryReason,
    holds: tuple[PlaceHold | CaptureHold | ReleaseHold, ...],
) -> JournalEntry:
    return JournalEntry(
        EntryId(f"withdrawal:{withdrawal.id}:{step}"),
        reason,
        f"withdrawal {withdrawal.id}",
        holds=holds,
    )
