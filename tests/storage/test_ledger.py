import asyncio

import asyncpg
import pytest

from domain.errors import IdempotencyBodyDiffers, InsufficientAvailable, WrongState
from domain.ids import EntryId, HoldId
from ledger.account import AccountKind, available, house
from ledger.entry import (
    CaptureHold,
    EntryReason,
    JournalEntry,
    PlaceHold,
    ReleaseHold,
    Transfer,
)
from storage.ledger import Balance, HoldState
from storage.reversals import reverse
from tests.storage.world import BTC, ETH, USDT, World, deposit, new_customer, opened, pay, unique

pytestmark = pytest.mark.stack


def hold_entry(customer, hold: str, units: int, name: str = "") -> JournalEntry:
    place = PlaceHold(HoldId(hold), customer, BTC, units)
    return JournalEntry(EntryId(name or unique("hold")), EntryReason.HOLD, "test", (), (place,))


async def test_a_posted_entry_moves_balances(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()

    posted = await world.ledger.post(pay(alice, bob, 30, name="a payment"))

    assert (posted.entry_id, posted.replayed) == ("a payment", False)
    assert await world.balance(alice, BTC) == (70, 0)
    assert await world.balance(bob, BTC) == (30, 0)


async def test_amounts_of_eighteen_decimals_are_exact(world: World):
    alice, bob = await world.customer(ETH=10**36 + 7), new_customer()

    await world.ledger.post(pay(alice, bob, 10**36 + 6, asset=ETH))

    assert await world.balance(alice, ETH) == (1, 0)
    assert await world.balance(bob, ETH) == (10**36 + 6, 0)


async def test_balances_name_every_asset_once(world: World):
    alice = await world.customer(BTC=5, USDT=7)
    await world.ledger.post(hold_entry(alice, unique("h"), 2))

    assert await world.balances(alice) == [Balance(BTC, 3, 2), Balance(USDT, 7, 0)]


async def test_the_same_entry_again_is_a_replay(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    entry = pay(alice, bob, 30)

    first, second = await world.ledger.post(entry), await world.ledger.post(entry)

    assert (first.replayed, second.replayed) == (False, True)
    assert await world.balance(bob, BTC) == (30, 0)


async def test_many_of_the_same_entry_at_once_post_once(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    entry = pay(alice, bob, 30)

    answers = await asyncio.gather(*(world.ledger.post(entry) for _ in range(50)))

    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 49
    assert await world.balance(bob, BTC) == (30, 0)


async def test_two_processes_posting_the_same_entry_post_once(world: World):
    alice, bob = await world.customer(BTC=1000), new_customer()
    entries = [pay(alice, bob, 1) for _ in range(40)]

    async with opened(world.database) as other:
        await asyncio.gather(
            *(process.ledger.post(e) for e in entries for process in (world, other))
        )

    assert await world.balance(bob, BTC) == (40, 0)


async def test_the_same_id_with_another_body_is_refused(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    entry = pay(alice, bob, 30)
    await world.ledger.post(entry)

    with pytest.raises(IdempotencyBodyDiffers):
        await world.ledger.post(pay(alice, bob, 31, name=entry.id))

    assert await world.balance(bob, BTC) == (30, 0)


async def test_a_refusal_does_not_touch_its_neighbours(world: World):
    rich, poor, bob = await world.customer(BTC=100), await world.customer(BTC=1), new_customer()
    entries = [pay(rich if n % 2 else poor, bob, 2) for n in range(20)]

    answers = await asyncio.gather(
        *(world.ledger.post(entry) for entry in entries), return_exceptions=True
    )

    refused = [isinstance(answer, InsufficientAvailable) for answer in answers]
    assert refused == [True, False] * 10
    assert await world.balance(bob, BTC) == (20, 0)


async def test_what_was_refused_stays_refused(world: World):
    alice, bob = new_customer(), new_customer()
    entry = pay(alice, bob, 30)
    with pytest.raises(InsufficientAvailable):
        await world.ledger.post(entry)
    await world.ledger.post(deposit(alice, BTC, 100))

    with pytest.raises(InsufficientAvailable):
        await world.ledger.post(entry)

    assert await world.balance(alice, BTC) == (100, 0)


async def test_a_refusal_may_be_left_open(world: World):
    alice, bob = new_customer(), new_customer()
    entry = pay(alice, bob, 30)
    with pytest.raises(InsufficientAvailable):
        await world.ledger.post(entry, refusal_is_final=False)
    await world.ledger.post(deposit(alice, BTC, 100))

    await world.ledger.post(entry, refusal_is_final=False)

    assert await world.balance(bob, BTC) == (30, 0)


async def test_all_of_a_batch_in_the_callers_transaction_or_nothing(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    good, bad = pay(alice, bob, 60), pay(alice, bob, 60)

    with pytest.raises(InsufficientAvailable):
        async with world.engine.begin() as connection:
            await world.ledger.post_in(connection, [good, bad])
    assert await world.balance(bob, BTC) == (0, 0)

    async with world.engine.begin() as connection:
        posted = await world.ledger.post_in(connection, [good])
    assert [one.entry_id for one in posted] == [good.id]
    assert await world.balance(bob, BTC) == (60, 0)


async def test_what_the_caller_rolls_back_did_not_happen(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    entry = pay(alice, bob, 60)

    async with world.engine.connect() as connection:
        await world.ledger.post_in(connection, [entry])
        await connection.rollback()

    assert await world.balance(alice, BTC) == (100, 0)
    assert not (await world.ledger.post(entry)).replayed


async def test_a_hold_is_captured_in_parts_and_the_rest_released(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    hold = HoldId(unique("h"))
    await world.ledger.post(hold_entry(alice, hold, 50))
    capture = CaptureHold(hold, alice, available(bob, BTC), 20)

    for change in (capture, capture, ReleaseHold(hold, alice, BTC)):
        await world.ledger.post(
            JournalEntry(EntryId(unique("e")), EntryReason.RELEASE, "test", (), (change,))
        )

    assert await world.balance(alice, BTC) == (60, 0)
    assert await world.balance(bob, BTC) == (40, 0)
    assert await world.ledger.hold(hold) == HoldState(hold, alice, BTC, 50, 0)


async def test_a_resolved_hold_is_never_resolved_again(world: World):
    alice = await world.customer(BTC=100)
    hold = HoldId(unique("h"))
    await world.ledger.post(hold_entry(alice, hold, 50))
    release = ReleaseHold(hold, alice, BTC)
    await world.ledger.post(
        JournalEntry(EntryId(unique("e")), EntryReason.RELEASE, "test", (), (release,))
    )

    for change in (
        PlaceHold(hold, alice, BTC, 1),
        CaptureHold(hold, alice, available(alice, BTC), 1),
        ReleaseHold(hold, alice, BTC, 1),
    ):
        with pytest.raises(WrongState):
            await world.ledger.post(
                JournalEntry(EntryId(unique("e")), EntryReason.RELEASE, "test", (), (change,))
            )

    assert await world.balance(alice, BTC) == (100, 0)


async def test_an_unknown_hold_is_none(world: World):
    assert await world.ledger.hold(HoldId("no such hold")) is None


async def test_a_reversal_undoes_an_entry_once(world: World):
    alice = new_customer()
    entry = deposit(alice, BTC, 100)
    await world.ledger.post(entry)

    first = await reverse(world.ledger, entry.id, "block orphaned")
    second = await reverse(world.ledger, entry.id, "block orphaned")

    assert (first.replayed, second.replayed) == (False, True)
    assert await world.balance(alice, BTC) == (0, 0)


async def test_a_reversal_waits_until_the_money_is_there_again(world: World):
    alice, bob = new_customer(), new_customer()
    entry = deposit(alice, BTC, 100)
    await world.ledger.post(entry)
    await world.ledger.post(pay(alice, bob, 1))

    with pytest.raises(InsufficientAvailable):
        await reverse(world.ledger, entry.id, "block orphaned")
    await world.ledger.post(pay(bob, alice, 1))
    await reverse(world.ledger, entry.id, "block orphaned")

    assert await world.balance(alice, BTC) == (0, 0)


async def test_only_plain_entries_that_exist_can_be_reversed(world: World):
    alice = await world.customer(BTC=100)
    placed = hold_entry(alice, unique("h"), 50)
    await world.ledger.post(placed)

    with pytest.raises(WrongState, match="no entry"):
        await reverse(world.ledger, EntryId("never posted"), "test")
    with pytest.raises(WrongState, match="held money"):
        await reverse(world.ledger, placed.id, "test")


async def test_an_entry_that_reverses_nothing_known_is_refused(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    transfer = pay(alice, bob, 1).transfers
    entry = JournalEntry(
        EntryId(unique("r")), EntryReason.REVERSAL, "", transfer, reverses=EntryId("unknown")
    )

    with pytest.raises(WrongState, match="no entry"):
        await world.ledger.post(entry)


async def test_a_body_the_database_cannot_store_fails_alone(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    entries = [pay(alice, bob, 1) for _ in range(5)]
    broken = JournalEntry(EntryId(unique("e")), EntryReason.ADJUSTMENT, "\0", entries[0].transfers)

    answers = await asyncio.gather(
        *(world.ledger.post(entry) for entry in (*entries, broken)), return_exceptions=True
    )

    assert [isinstance(answer, Exception) for answer in answers] == [False] * 5 + [True]
    assert isinstance(answers[-1], asyncpg.PostgresError)
    assert await world.balance(bob, BTC) == (5, 0)


async def test_fee_income_is_kept_by_market(world: World):
    alice = await world.customer(BTC=100)
    for market in ("BTC-USDT", "ETH-BTC"):
        income = house(AccountKind.FEE_INCOME, BTC, market)
        await world.ledger.post(
            JournalEntry(
                EntryId(unique("fee")),
                EntryReason.FEE,
                "test",
                (Transfer(available(alice, BTC), income, 5),),
            )
        )

    rows = await world.ledger.pool.fetch(
        "SELECT market, balance FROM accounts WHERE kind = 'fee_income' AND asset = 'BTC'"
        " ORDER BY market"
    )
    assert [(row["market"], int(row["balance"])) for row in rows] == [
        ("BTC-USDT", 5),
        ("ETH-BTC", 5),
    ]


async def test_time_never_runs_backwards_in_an_account(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    async with world.as_owner() as owner:
        await owner.execute(
            "UPDATE accounts SET moved_at = now() + interval '1 hour' WHERE customer_id = $1", alice
        )

    await world.ledger.post(pay(alice, bob, 1))

    rows = await world.ledger.pool.fetch(
        "SELECT posted_at > now() + interval '59 minutes' AS late FROM transfers"
        " WHERE credit_account = (SELECT id FROM accounts WHERE customer_id = $1)",
        bob,
    )
    assert [row["late"] for row in rows] == [True]


async def test_a_release_of_nothing_is_posted_and_moves_nothing(world: World):
    alice = await world.customer(BTC=100)
    hold = HoldId(unique("h"))
    await world.ledger.post(hold_entry(alice, hold, 50))

    for _ in range(2):
        release = ReleaseHold(hold, alice, BTC)
        entry = JournalEntry(EntryId(unique("e")), EntryReason.RELEASE, "test", (), (release,))
        assert not (await world.ledger.post(entry)).replayed

    assert (await world.ledger.post(entry)).replayed
    assert await world.balance(alice, BTC) == (100, 0)
