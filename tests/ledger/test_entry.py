from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.ids import CustomerId, EntryId, HoldId, OrderId, WithdrawalId
from domain.money import UNITS_MAX, AssetCode
from ledger.account import AccountKind, AccountRef, available, held, house
from ledger.entry import (
    CaptureHold,
    EntryReason,
    JournalEntry,
    PlaceHold,
    ReleaseHold,
    Transfer,
    body_hash,
    order_hold,
    withdrawal_hold,
)

BTC, USDT = AssetCode("BTC"), AssetCode("USDT")
ALICE = CustomerId(1)
WALLET = house(AccountKind.DEPOSIT_WALLET, BTC)
DEPOSIT = JournalEntry(
    EntryId("deposit:x"),
    EntryReason.DEPOSIT,
    "deposit bitcoin:x:0",
    (Transfer(WALLET, available(ALICE, BTC), 5),),
)


def test_the_same_body_has_the_same_hash():
    assert body_hash(DEPOSIT) == body_hash(replace(DEPOSIT))


@pytest.mark.parametrize(
    "other",
    [
        replace(DEPOSIT, id=EntryId("deposit:y")),
        replace(DEPOSIT, reason=EntryReason.FUNDING),
        replace(DEPOSIT, cause="deposit bitcoin:x:1"),
        replace(DEPOSIT, transfers=(Transfer(WALLET, available(ALICE, BTC), 6),)),
        replace(DEPOSIT, transfers=(Transfer(WALLET, available(CustomerId(2), BTC), 5),)),
        replace(DEPOSIT, transfers=DEPOSIT.transfers * 2),
        replace(DEPOSIT, holds=(PlaceHold(HoldId("h"), ALICE, BTC, 5),)),
        replace(DEPOSIT, reverses=EntryId("e")),
    ],
)
def test_any_other_body_has_another_hash(other):
    assert body_hash(other) != body_hash(DEPOSIT)


def test_kinds_of_hold_changes_are_told_apart():
    changes = [
        PlaceHold(HoldId("h"), ALICE, BTC, 5),
        PlaceHold(HoldId("h"), ALICE, BTC, 5, datetime(2026, 1, 1, tzinfo=UTC)),
        ReleaseHold(HoldId("h"), ALICE, BTC, 5),
        ReleaseHold(HoldId("h"), ALICE, BTC),
        CaptureHold(HoldId("h"), ALICE, available(ALICE, BTC), 5),
    ]

    hashes = {
        body_hash(JournalEntry(EntryId("e"), EntryReason.HOLD, "", (), (change,)))
        for change in changes
    }

    assert len(hashes) == len(changes)


def test_amounts_beyond_64_bits_are_hashed_exactly():
    huge = replace(DEPOSIT, transfers=(Transfer(WALLET, available(ALICE, BTC), UNITS_MAX - 1),))
    huger = replace(DEPOSIT, transfers=(Transfer(WALLET, available(ALICE, BTC), UNITS_MAX - 2),))

    assert body_hash(huge) != body_hash(huger)


@pytest.mark.parametrize(
    ("debit", "credit", "units"),
    [
        (WALLET, available(ALICE, BTC), 0),
        (WALLET, available(ALICE, BTC), -1),
        (WALLET, available(ALICE, BTC), UNITS_MAX),
        (WALLET, available(ALICE, USDT), 1),
        (WALLET, WALLET, 1),
        (WALLET, held(ALICE, BTC), 1),
        (held(ALICE, BTC), WALLET, 1),
    ],
)
def test_impossible_transfers_cannot_be_made(debit, credit, units):
    with pytest.raises(AssertionError):
        Transfer(debit, credit, units)


def test_an_entry_that_moves_nothing_cannot_be_made():
    with pytest.raises(AssertionError):
        JournalEntry(EntryId("e"), EntryReason.HOLD, "")


def test_an_entry_knows_every_account_it_may_touch():
    fee = house(AccountKind.FEE_INCOME, BTC)
    entry = JournalEntry(
        EntryId("e"),
        EntryReason.WITHDRAWAL,
        "",
        (Transfer(available(ALICE, BTC), fee, 1),),
        (CaptureHold(HoldId("h"), ALICE, fee, 1), ReleaseHold(HoldId("h"), ALICE, BTC)),
    )

    assert entry.accounts() == {available(ALICE, BTC), held(ALICE, BTC), fee}


def test_ids_of_holds():
    assert order_hold(OrderId(7)) == "order:7"
    assert withdrawal_hold(WithdrawalId("x")) == "withdrawal:x"


def test_accounts_are_named_for_people():
    assert str(available(ALICE, BTC)) == "customer_available/BTC/1"
    assert str(AccountRef(AccountKind.FEE_INCOME, BTC, None, None)) == "fee_income/BTC"


def test_the_house_has_no_customer_accounts():
    with pytest.raises(AssertionError):
        house(AccountKind.CUSTOMER_AVAILABLE, BTC)
