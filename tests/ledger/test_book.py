import pytest

from domain.errors import InsufficientAvailable, WrongState
from domain.ids import CustomerId, EntryId, HoldId
from domain.money import AssetCode
from ledger.account import AccountKind, AccountRef, available, held, house
from ledger.book import Account, Book, Hold
from ledger.entry import (
    CaptureHold,
    EntryReason,
    HoldChange,
    JournalEntry,
    PlaceHold,
    ReleaseHold,
    Transfer,
)

BTC = AssetCode("BTC")
ALICE, BOB = CustomerId(1), CustomerId(2)
WALLET = house(AccountKind.DEPOSIT_WALLET, BTC)
HOLD = HoldId("order:7")


def book(alice: int = 0, bob: int = 0, hold: int | None = None) -> Book:
    """Alice and Bob with so much available; Alice with a hold of which so much remains."""
    balances: dict[AccountRef, int] = {
        available(ALICE, BTC): alice,
        held(ALICE, BTC): hold or 0,
        available(BOB, BTC): bob,
        held(BOB, BTC): 0,
        WALLET: -alice - bob - (hold or 0),
    }
    accounts = [
        Account(ref, n, units, 0, b"") for n, (ref, units) in enumerate(balances.items(), 1)
    ]
    holds = [] if hold is None else [Hold(HOLD, held(ALICE, BTC), hold)]
    return Book(accounts, holds, "2026-01-01T00:00:00.000000+00:00")


def entry(*changes: Transfer | HoldChange, name: str = "e") -> JournalEntry:
    transfers = tuple(change for change in changes if isinstance(change, Transfer))
    holds = tuple(change for change in changes if not isinstance(change, Transfer))
    return JournalEntry(EntryId(name), EntryReason.ADJUSTMENT, "test", transfers, holds)


def balances(world: Book) -> tuple[int, int, int]:
    """Alice's available, Alice's held, Bob's available."""
    refs = (available(ALICE, BTC), held(ALICE, BTC), available(BOB, BTC))
    return tuple(world._accounts[ref].balance for ref in refs)


def pay(units: int) -> Transfer:
    return Transfer(available(ALICE, BTC), available(BOB, BTC), units)


def place(units: int, name: HoldId = HOLD) -> PlaceHold:
    return PlaceHold(name, ALICE, BTC, units)


def capture(units: int) -> CaptureHold:
    return CaptureHold(HOLD, ALICE, available(BOB, BTC), units)


def release(units: int | None = None) -> ReleaseHold:
    return ReleaseHold(HOLD, ALICE, BTC, units)


TABLE = [
    # Alice has, her hold has, what is asked                  -> her available, held, Bob's
    (10, None, [pay(10)], (0, 0, 10)),
    (10, None, [pay(11)], InsufficientAvailable),
    (10, None, [place(10)], (0, 10, 0)),
    (10, None, [place(11)], InsufficientAvailable),
    (10, None, [place(6), place(4)], (0, 10, 0)),
    (10, None, [place(6), place(5)], InsufficientAvailable),
    (0, 5, [capture(5)], (0, 0, 5)),
    (0, 5, [capture(6)], WrongState),
    (0, 5, [capture(3), capture(2)], (0, 0, 5)),
    (0, 5, [capture(3), capture(3)], WrongState),
    (0, 5, [release()], (5, 0, 0)),
    (0, 5, [release(2)], (2, 3, 0)),
    (0, 5, [release(6)], WrongState),
    (0, 5, [capture(3), release()], (2, 0, 3)),
    (0, 5, [release(), release()], (5, 0, 0)),
    (0, 5, [release(), capture(1)], WrongState),
    (0, None, [capture(1)], WrongState),
    (0, None, [release()], WrongState),
    (10, 0, [place(1)], WrongState),  # A hold that was resolved stays resolved.
    (10, 5, [place(1)], (9, 6, 0)),  # An open one may grow.
    (0, 5, [capture(5), pay(1)], InsufficientAvailable),
    (0, 5, [release(), pay(5)], (0, 0, 5)),  # Holds change first, then transfers.
]


@pytest.mark.parametrize(("alice", "hold", "changes", "expected"), TABLE)
def test_an_entry_moves_all_it_says_or_nothing(alice, hold, changes, expected):
    world = book(alice=alice, hold=hold)

    if isinstance(expected, tuple):
        world.post(entry(*changes), number=1)
        assert balances(world) == expected
    else:
        with pytest.raises(expected):
            world.post(entry(*changes), number=1)
        assert balances(world) == (alice, hold or 0, 0)


def test_a_refused_entry_leaves_no_trace_of_its_new_hold():
    world = book(alice=10)

    with pytest.raises(InsufficientAvailable):
        world.post(entry(place(6), place(6, HoldId("order:8"))), number=1)

    world.post(entry(place(10)), number=2)
    assert balances(world) == (0, 10, 0)


def test_a_hold_on_another_customers_account_is_not_found():
    world = book(bob=5, hold=5)
    stealing = CaptureHold(HOLD, BOB, available(BOB, BTC), 1)

    with pytest.raises(WrongState):
        world.post(entry(stealing), number=1)
    with pytest.raises(WrongState):
        world.post(entry(PlaceHold(HOLD, BOB, BTC, 1)), number=2)


def test_what_the_exchange_owns_may_go_below_zero():
    world = book()

    world.post(entry(Transfer(WALLET, available(ALICE, BTC), 100)), number=1)

    assert balances(world) == (100, 0, 0)


def test_legs_are_numbered_and_chained():
    world = book(alice=10)

    first = world.post(entry(pay(1), pay(2)), number=7)
    second = world.post(entry(pay(3), name="f"), number=8)

    legs = [*first.transfers, *second.transfers]
    assert [leg.ordinal for leg in legs] == [0, 1, 0]
    assert [leg.debit_sequence for leg in legs] == [1, 2, 3]
    assert [leg.debit_balance for leg in legs] == [9, 7, 4]
    assert [leg.credit_balance for leg in legs] == [1, 3, 6]
    assert len({leg.debit_hash for leg in legs} | {leg.credit_hash for leg in legs}) == 6


def test_the_refusal_says_what_was_needed_and_what_is_there():
    with pytest.raises(InsufficientAvailable) as refusal:
        book(alice=3).post(entry(pay(4)), number=1)

    assert refusal.value.fields == {
        "asset": "BTC",
        "needed_units": "4",
        "available_units": "3",
    }


def test_a_reversal_carries_the_number_of_what_it_reverses():
    undo = JournalEntry(
        EntryId("r"), EntryReason.REVERSAL, "test", (pay(1),), reverses=EntryId("e")
    )

    row = book(alice=1).post(undo, number=2, reverses=1)

    assert row.reverses == 1
