"""The rules of posting: entries applied to the accounts and holds they touch, one after another.

The caller loads the accounts and holds, locked; a Book moves them in memory and yields the rows to
write. A refused entry leaves everything as it was, so one caller's refusal never touches its
neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from domain.errors import InsufficientAvailable, WrongState
from domain.ids import EntryId, HoldId
from ledger.account import MAY_BE_NEGATIVE, AccountRef, available, held
from ledger.chain import entry_digest, leg_hash
from ledger.entry import CaptureHold, HoldChange, JournalEntry, PlaceHold, body_hash


class Account:
    """An account as loaded, moved by the entries of one batch."""

    __slots__ = ("balance", "head", "id", "may_be_negative", "ref", "sequence")

    def __init__(
        self, ref: AccountRef, account_id: int, balance: int, sequence: int, head: bytes
    ) -> None:
        self.ref = ref
        self.id = account_id
        self.balance = balance
        self.sequence = sequence
        self.head = head
        self.may_be_negative = ref.kind in MAY_BE_NEGATIVE


class Hold:
    """A hold as loaded; `remaining` 0 means resolved, for good."""

    __slots__ = ("account", "id", "remaining")

    def __init__(self, hold_id: HoldId, account: AccountRef | None, remaining: int) -> None:
        self.id = hold_id
        self.account = account
        self.remaining = remaining


class TransferRow(NamedTuple):
    """One transfer with both its legs, as stored."""

    entry_number: int
    ordinal: int
    asset: str
    units: int
    hold_id: HoldId | None
    debit_account: int
    debit_sequence: int
    debit_balance: int
    debit_hash: bytes
    credit_account: int
    credit_sequence: int
    credit_balance: int
    credit_hash: bytes


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A journal entry as stored, with its transfers."""

    number: int
    id: EntryId
    reason: str
    cause: str
    body_hash: bytes
    reverses: int | None
    transfers: tuple[TransferRow, ...]


class _Moved(NamedTuple):
    """A movement that happened, with both balances right after it."""

    debit: Account
    credit: Account
    units: int
    hold_id: HoldId | None
    debit_balance: int
    credit_balance: int


class Book:
    """Accounts and holds of one batch. `posted_at` is UTC text with microseconds, as it enters the
    chain.
    """

    def __init__(self, accounts: Iterable[Account], holds: Iterable[Hold], posted_at: str) -> None:
        self._accounts = {account.ref: account for account in accounts}
        self._holds = {hold.id: hold for hold in holds}
        self._posted_at = posted_at

    def post(self, entry: JournalEntry, *, number: int, reverses: int | None = None) -> EntryRow:
        """Apply the entry. Raises InsufficientAvailable or WrongState, and then nothing has moved.

        `reverses` is the number of the entry that this one names as reversed.
        """
        assert (entry.reverses is None) == (reverses is None)
        moved: list[_Moved] = []
        try:
            for change in entry.holds:
                self._change_hold(change, moved)
            for transfer in entry.transfers:
                leg = self._move(transfer.debit, transfer.credit, transfer.units, None)
                moved.append(leg)
        except (InsufficientAvailable, WrongState):
            self._undo(moved)
            raise
        fingerprint = body_hash(entry)
        digest = entry_digest(
            number, entry.id, entry.reason, entry.cause, fingerprint, reverses, self._posted_at
        )
        rows = tuple(_row(number, ordinal, digest, leg) for ordinal, leg in enumerate(moved))
        return EntryRow(number, entry.id, entry.reason, entry.cause, fingerprint, reverses, rows)

    def _change_hold(self, change: HoldChange, moved: list[_Moved]) -> None:
        if isinstance(change, PlaceHold):
            moved.append(self._place(change))
            return
        if isinstance(change, CaptureHold):
            account, credit = held(change.customer_id, change.credit.asset), change.credit
        else:
            account = held(change.customer_id, change.asset)
            credit = available(change.customer_id, change.asset)
        hold = self._hold_to_empty(change.hold_id, account, change.units or 0)
        units = hold.remaining if change.units is None else change.units
        if units:
            moved.append(self._move(account, credit, units, hold.id))
            hold.remaining -= units

    def _place(self, change: PlaceHold) -> _Moved:
        account = held(change.customer_id, change.asset)
        hold = self._holds.get(change.hold_id) or Hold(change.hold_id, account, 0)
        if change.hold_id in self._holds and (hold.remaining == 0 or hold.account != account):
            raise WrongState(f"hold {hold.id} was resolved before, or is on another account")
        placed = self._move(
            available(change.customer_id, change.asset), account, change.units, hold.id
        )
        self._holds[hold.id] = hold
        hold.remaining += change.units
        return placed

    def _hold_to_empty(self, hold_id: HoldId, account: AccountRef, units: int) -> Hold:
        hold = self._holds.get(hold_id)
        if hold is None or hold.account != account:
            raise WrongState(f"there is no hold {hold_id} on {account}")
        if units > hold.remaining:
            raise WrongState(f"hold {hold_id}: {units} units needed, {hold.remaining} remain")
        return hold

    def _move(
        self, debit_ref: AccountRef, credit_ref: AccountRef, units: int, hold_id: HoldId | None
    ) -> _Moved:
        debit, credit = self._accounts[debit_ref], self._accounts[credit_ref]
        if debit.balance < units and not debit.may_be_negative:
            raise InsufficientAvailable(
                f"needs {units} units of {debit_ref.asset}, available are {debit.balance}",
                asset=debit_ref.asset,
                needed_units=str(units),
                available_units=str(debit.balance),
            )
        debit.balance -= units
        credit.balance += units
        return _Moved(debit, credit, units, hold_id, debit.balance, credit.balance)

    def _undo(self, moved: list[_Moved]) -> None:
        for leg in reversed(moved):
            leg.debit.balance += leg.units
            leg.credit.balance -= leg.units
            if leg.hold_id is None:
                continue
            hold = self._holds[leg.hold_id]
            if leg.debit.ref == hold.account:
                hold.remaining += leg.units
                continue
            hold.remaining -= leg.units
            if hold.remaining == 0:  # It was new: an emptied hold cannot be filled again.
                del self._holds[hold.id]


def _row(number: int, ordinal: int, digest: bytes, leg: _Moved) -> TransferRow:
    """Number and hash both legs, so that each account's chain goes on."""
    debit, credit, units, hold_id = leg.debit, leg.credit, leg.units, leg.hold_id
    debit.sequence += 1
    debit.head = leg_hash(
        debit.head,
        digest,
        ordinal,
        debit.id,
        debit.sequence,
        -units,
        leg.debit_balance,
        credit.id,
        hold_id,
    )
    credit.sequence += 1
    credit.head = leg_hash(
        credit.head,
        digest,
        ordinal,
        credit.id,
        credit.sequence,
        units,
        leg.credit_balance,
        debit.id,
        hold_id,
    )
    return TransferRow(
        number,
        ordinal,
        debit.ref.asset,
        units,
        hold_id,
        debit.id,
        debit.sequence,
        leg.debit_balance,
        debit.head,
        credit.id,
        credit.sequence,
        leg.credit_balance,
        credit.head,
    )
