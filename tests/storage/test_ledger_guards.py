"""What the database itself refuses, whoever writes: here a process gone wrong, or a stolen role."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from devstack.rented import Database
from domain.ids import HoldId
from ledger.entry import EntryReason, JournalEntry, PlaceHold
from tests.storage.world import BTC, USDT, World, new_customer, opened, pay, unique

pytestmark = pytest.mark.stack

APPEND_ONLY = ("journal_entries", "transfers", "refused_entries", "ledger_seals", "audit_log")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {} = {}"])
async def test_not_even_the_owner_changes_what_was_written(world: World, table, statement):
    column = {"refused_entries": "code", "audit_log": "action", "ledger_seals": "hash"}
    name = column.get(table, "posted_at")
    async with world.as_owner() as owner:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(statement.format(table, name, name))


@pytest.mark.parametrize("role", ["rialto_api", "rialto_worker", "rialto_signer"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET balance = balance + 1",
        "UPDATE accounts SET sequence = 0",
        "UPDATE accounts SET head = ''",
        "DELETE FROM accounts",
        "INSERT INTO accounts (kind, asset, balance) VALUES ('rounding', 'BTC', 5)",
        "UPDATE holds SET remaining = 0",
        "INSERT INTO holds (id, account_id, units, remaining) VALUES ('h', 1, 5, 5)",
        "DELETE FROM holds",
        "UPDATE transfers SET units = 1",
        "DELETE FROM journal_entries",
        "ALTER TABLE transfers DISABLE TRIGGER apply_transfers",
        "DROP TABLE transfers",
        "SET session_replication_role = replica",
    ],
)
async def test_no_process_may_write_balances_holds_or_history(world: World, role, statement):
    async with connected(world.database.url(role)) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET status = 'canceled'",
        "UPDATE settlement_cursors SET next_sequence = 1",
        "INSERT INTO trades SELECT * FROM trades",
        "UPDATE fee_rates SET maker_fee_ppm = 0",
        "DELETE FROM order_commands",
    ],
)
async def test_the_api_may_not_settle(world: World, statement):
    async with connected(world.database.api) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


@pytest.mark.parametrize("table", ["orders", "accounts", "transfers", "trades", "customers"])
async def test_the_signer_sees_no_money(world: World, table):
    async with connected(world.database.signer) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"SELECT * FROM {table}")


async def test_the_api_may_hold_a_customers_money_but_not_give_it_away(world: World):
    alice, bob = await world.customer(BTC=100), new_customer()
    hold = PlaceHold(HoldId(unique("h")), alice, BTC, 5)

    async with opened(world.database, role="rialto_api") as api:
        await api.ledger.post(JournalEntry(unique("e"), EntryReason.HOLD, "test", (), (hold,)))
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="own money"):
            await api.ledger.post(pay(alice, bob, 1))

    assert await world.balance(alice, BTC) == (95, 5)


INSERT = """
INSERT INTO transfers VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
Row = list[object]


async def good_row(world: World, connection: asyncpg.Connection) -> Row:
    """What a rightful transfer of 1 from Alice to Bob would be."""
    alice, bob = await world.customer(BTC=100), await world.customer(BTC=100)
    name, number = unique("raw"), -int(unique("n").removeprefix("n:"))
    await connection.execute(
        "INSERT INTO journal_entries VALUES ($1, $2, 'adjustment', '', '', NULL, now())",
        number,
        name,
    )
    ids = [
        await connection.fetchval(
            "SELECT id FROM accounts WHERE customer_id = $1 AND kind = 'customer_available'", owner
        )
        for owner in (alice, bob)
    ]
    now = await connection.fetchval("SELECT clock_timestamp()")
    return [number, "BTC", 1, None, ids[0], 2, 99, b"", ids[1], 2, 101, b"", now]


WRONG: dict[str, Callable[[Row], None]] = {
    "an entry that does not exist": lambda row: row.__setitem__(0, 99),
    "another asset": lambda row: row.__setitem__(1, "USDT"),
    "nothing": lambda row: row.__setitem__(2, 0),
    "less than nothing": lambda row: row.__setitem__(2, -1),
    "more than there is": lambda row: row.__setitem__(slice(2, 11), [
        101, None, row[4], 2, -1, b"", row[8], 2, 201]),
    "an amount that is not what the balances say": lambda row: row.__setitem__(2, 2),
    "a gap in the numbering": lambda row: row.__setitem__(5, 3),
    "a number taken before": lambda row: row.__setitem__(5, 1),
    "a wrong balance": lambda row: row.__setitem__(10, 1000),
    "an account to itself": lambda row: row.__setitem__(8, row[4]),
    "an account that does not exist": lambda row: row.__setitem__(8, -1),
    "the past": lambda row: row.__setitem__(12, row[12].replace(year=2000)),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
async def test_transfers_that_do_not_fit_are_refused(world: World, wrong):
    async with connected(world.database.worker) as connection:
        transaction = connection.transaction()
        await transaction.start()
        row = await good_row(world, connection)
        WRONG[wrong](row)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(INSERT, *row)
        await transaction.rollback()


async def test_a_transfer_that_fits_is_applied(world: World):
    async with connected(world.database.worker) as connection:
        transaction = connection.transaction()
        await transaction.start()
        row = await good_row(world, connection)
        await connection.execute(INSERT, *row)
        balances = [
            await connection.fetchval("SELECT balance FROM accounts WHERE id = $1", account)
            for account in (row[4], row[8])
        ]
        await transaction.rollback()

    assert [int(balance) for balance in balances] == [99, 101]


async def test_held_money_moves_only_with_its_hold(world: World):
    alice = await world.customer(BTC=100)
    hold = HoldId(unique("h"))
    place = PlaceHold(hold, alice, BTC, 50)
    await world.ledger.post(JournalEntry(unique("e"), EntryReason.HOLD, "test", (), (place,)))
    take = """
    INSERT INTO transfers SELECT e.number, 1, 'BTC', {units}, {hold}, h.id, 2, 50 - {units}, '',
        a.id, 3, 50 + {units}, '', clock_timestamp()
    FROM accounts h, accounts a, journal_entries e
    WHERE h.customer_id = $1 AND h.kind = 'customer_held'
      AND a.customer_id = $1 AND a.kind = 'customer_available'
      AND e.number = (SELECT max(number) FROM journal_entries)
    """

    async with connected(world.database.worker) as connection:
        for units, name in ((10, "NULL"), (10, "'no such hold'"), (51, f"'{hold}'")):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(take.format(units=units, hold=name), alice)


async def test_an_account_has_a_known_asset_and_a_fitting_owner(world: World):
    async with connected(world.database.worker) as connection:
        for kind, asset, customer in (
            ("rounding", "XYZ", None),
            ("rounding", "BTC", 5),
            ("customer_held", "BTC", None),
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(
                    "INSERT INTO accounts (kind, asset, customer_id) VALUES ($1, $2, $3)",
                    kind,
                    asset,
                    customer,
                )


async def test_an_account_exists_once(world: World, database: Database):
    alice = await world.customer(USDT=1)
    async with connected(database.worker) as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "INSERT INTO accounts (kind, asset, customer_id) VALUES ($1, $2, $3)",
                "customer_available",
                USDT,
                alice,
            )
