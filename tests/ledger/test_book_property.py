"""Whatever is posted: nothing made, nothing lost, nothing below zero; refusals change nothing."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InsufficientAvailable, WrongState
from domain.ids import CustomerId, EntryId, HoldId
from domain.money import AssetCode
from ledger.account import AccountKind, AccountRef, available, held, house
from ledger.book import Account, Book, EntryRow
from ledger.entry import (
    CaptureHold,
    EntryReason,
    HoldChange,
    JournalEntry,
    PlaceHold,
    ReleaseHold,
    Transfer,
)

ASSETS = (AssetCode("BTC"), AssetCode("USDT"))
CUSTOMERS = (CustomerId(1), CustomerId(2))
WALLETS = [house(AccountKind.DEPOSIT_WALLET, asset) for asset in ASSETS]
OWN = [available(customer, asset) for customer in CUSTOMERS for asset in ASSETS]
HELD = [held(customer, asset) for customer in CUSTOMERS for asset in ASSETS]

units = st.integers(1, 30)
assets = st.sampled_from(ASSETS)
customers = st.sampled_from(CUSTOMERS)
hold_ids = st.sampled_from([HoldId("a"), HoldId("b"), HoldId("c")])


@st.composite
def transfers(draw: st.DrawFn) -> Transfer:
    asset = draw(assets)
    debit, credit = draw(st.permutations([ref for ref in OWN + WALLETS if ref.asset == asset]))[:2]
    return Transfer(debit, credit, draw(units))


places = st.builds(PlaceHold, hold_ids, customers, assets, units)
releases = st.builds(ReleaseHold, hold_ids, customers, assets, st.none() | units)


@st.composite
def captures(draw: st.DrawFn) -> CaptureHold:
    credit = available(draw(customers), draw(assets))
    return CaptureHold(draw(hold_ids), draw(customers), credit, draw(units))


bodies = st.tuples(
    st.lists(transfers(), max_size=3), st.lists(places | captures() | releases, max_size=4)
).filter(lambda body: body[0] or body[1])


def new_book() -> Book:
    accounts = [Account(ref, n, 0, 0, b"") for n, ref in enumerate(OWN + HELD + WALLETS, 1)]
    return Book(accounts, [], "2026-01-01T00:00:00.000000+00:00")


def state(world: Book) -> dict[str, object]:
    moved = {
        str(ref): (account.balance, account.sequence, account.head)
        for ref, account in world._accounts.items()
    }
    return moved | {hold.id: (hold.remaining, hold.account) for hold in world._holds.values()}


def post(
    world: Book, number: int, body: tuple[list[Transfer], list[HoldChange]]
) -> EntryRow | None:
    entry = JournalEntry(
        EntryId(f"e{number}"), EntryReason.ADJUSTMENT, "", tuple(body[0]), tuple(body[1])
    )
    before = state(world)
    try:
        return world.post(entry, number=number)
    except (InsufficientAvailable, WrongState):
        assert state(world) == before
        return None


@given(st.lists(bodies, max_size=25))
def test_conservation(many: Sequence[tuple[list[Transfer], list[HoldChange]]]):
    world = new_book()

    rows = [row for n, body in enumerate(many) if (row := post(world, n, body))]

    accounts = world._accounts
    for asset in ASSETS:
        assert sum(a.balance for ref, a in accounts.items() if ref.asset == asset) == 0
    for ref in OWN + HELD:
        assert accounts[ref].balance >= 0
        if ref.kind is AccountKind.CUSTOMER_HELD:
            open_holds = [h.remaining for h in world._holds.values() if h.account == ref]
            assert sum(open_holds) == accounts[ref].balance
            assert all(remaining >= 0 for remaining in open_holds)
    assert replay(rows) == {ref: a.balance for ref, a in accounts.items() if a.balance}


def replay(rows: Sequence[EntryRow]) -> dict[AccountRef, int]:
    """Balances from the written rows alone, checking numbering and running balances on the way."""
    names = dict(enumerate(OWN + HELD + WALLETS, 1))
    balances: dict[int, int] = {}
    sequences: dict[int, int] = {}
    for transfer in (transfer for row in rows for transfer in row.transfers):
        for account, change, sequence, balance in (
            (
                transfer.debit_account,
                -transfer.units,
                transfer.debit_sequence,
                transfer.debit_balance,
            ),
            (
                transfer.credit_account,
                transfer.units,
                transfer.credit_sequence,
                transfer.credit_balance,
            ),
        ):
            balances[account] = balances.get(account, 0) + change
            sequences[account] = sequences.get(account, 0) + 1
            assert balances[account] == balance
            assert sequences[account] == sequence
    return {names[account]: units for account, units in balances.items() if units}


@given(st.lists(bodies, max_size=10))
def test_the_same_entries_make_the_same_hashes(
    many: Sequence[tuple[list[Transfer], list[HoldChange]]],
):
    first, second = new_book(), new_book()

    for number, body in enumerate(many):
        assert post(first, number, body) == post(second, number, body)
