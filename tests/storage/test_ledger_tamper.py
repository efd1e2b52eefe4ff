"""Tampering with one row, as the database's owner could: it is found, and the row is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.market import Side
from engine import events
from storage import pool
from storage.audit import audit_ledger
from storage.audit_chain import verify_chain
from storage.seals import seal, verify_seals
from tests.storage.world import BTC, World, deposit, new_customer, pay

pytestmark = pytest.mark.stack

GUARDED = ("journal_entries", "transfers", "ledger_seals", "sealed_accounts")
TABLES = (*GUARDED, "accounts", "holds", "orders", "trades")


@asynccontextmanager
async def tampered(world: World, *statements: str) -> AsyncIterator[None]:
    """The database after the owner ran these with all guards off; put right again at the end."""
    async with world.as_owner() as owner:
        for table in TABLES:
            await owner.execute(f"CREATE TABLE IF NOT EXISTS kept_{table} AS SELECT * FROM {table}")
        for table in GUARDED:
            await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            assert await owner.execute(statement) not in ("UPDATE 0", "DELETE 0", "INSERT 0 0")
        try:
            yield
        finally:
            for table in TABLES:
                await owner.execute(f"DELETE FROM {table}")
                await owner.execute(
                    f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{table}"
                )
                await owner.execute(f"DROP TABLE kept_{table}")
            for table in GUARDED:
                await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture(scope="module", autouse=True)
async def story(shared_world: World) -> None:
    """Some deposits, payments, an order with a hold and a trade; sealed."""
    world = shared_world
    alice, bob = new_customer(), new_customer()
    await world.ledger.post(deposit(alice, BTC, 10**8))
    await world.ledger.post(pay(alice, bob, 1000, name="the payment"))
    await world.ledger.post(pay(bob, alice, 500, name="the way back"))
    buyer = await world.customer(USDT=10**6)
    maker = await world.resting(alice, Side.SELL, 1000, 50)
    taker = await world.resting(buyer, Side.BUY, 1000, 100)
    await world.settle(
        (events.RESTED, maker, alice, 0, 1000, 50), await world.filled(maker, taker, 1000, 50)
    )
    assert await seal(world.engine)
    await world.ledger.post(pay(bob, alice, 1, name="after the seal"))


PAYMENT = "entry_number = (SELECT number FROM journal_entries WHERE id = 'the payment')"

ONE_ROW = [
    (f"UPDATE transfers SET units = units + 1 WHERE {PAYMENT}", "the payment"),
    (f"UPDATE transfers SET debit_balance = debit_balance + 1 WHERE {PAYMENT}", "the payment"),
    (f"UPDATE transfers SET credit_hash = sha256('x') WHERE {PAYMENT}", "the payment"),
    (f"UPDATE transfers SET hold_id = 'order:1' WHERE {PAYMENT}", "the payment"),
    (f"UPDATE transfers SET posted_at = '2001-01-01' WHERE {PAYMENT}", "the payment"),
    (f"UPDATE transfers SET asset = 'USDT' WHERE {PAYMENT}", "the payment"),
    (f"UPDATE transfers SET credit_account = -1 WHERE {PAYMENT}", "the payment"),
    ("UPDATE journal_entries SET cause = 'another' WHERE id = 'the payment'", "the payment"),
    ("UPDATE journal_entries SET reason = 'deposit' WHERE id = 'the payment'", "the payment"),
    ("UPDATE journal_entries SET id = 'renamed' WHERE id = 'the payment'", "renamed"),
    ("UPDATE journal_entries SET body_hash = sha256('x') WHERE id = 'the payment'", "the payment"),
    ("UPDATE journal_entries SET posted_at = now() WHERE id = 'the payment'", "the payment"),
    ("UPDATE journal_entries SET reverses = 7 WHERE id = 'the payment'", "the payment"),
    (f"DELETE FROM transfers WHERE {PAYMENT}", "is missing"),
    ("DELETE FROM journal_entries WHERE id = 'the payment'", "(missing)"),
    ("UPDATE accounts SET balance = balance + 1 WHERE sequence > 3", "account"),
    ("UPDATE accounts SET head = sha256('x') WHERE sequence > 3", "account"),
    ("UPDATE accounts SET sequence = sequence + 1 WHERE sequence > 3", "account"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "named"), ONE_ROW)
async def test_one_changed_row_is_found_and_named(world: World, statement: str, named: str):
    async with tampered(world, statement):
        findings = (await verify_chain(world.engine)).findings

    assert any(named in str(finding) for finding in findings), findings


CONSERVATION = [
    ("UPDATE accounts SET balance = balance + 1 WHERE kind = 'fee_income'", "assets sum to zero"),
    (
        "UPDATE accounts SET balance = balance + 1 WHERE kind = 'fee_income'",
        "balances are the sum of their transfers",
    ),
    (f"UPDATE transfers SET units = 7 WHERE {PAYMENT}", "balances are the sum of their transfers"),
    (
        f"UPDATE transfers SET debit_account = -5 WHERE {PAYMENT}",
        "transfers are between existing accounts",
    ),
    (
        "UPDATE holds SET remaining = remaining - 1 WHERE remaining > 0",
        "held money is the sum of open holds",
    ),
    (
        "UPDATE holds SET remaining = remaining - 1 WHERE remaining > 0",
        "order holds are what open orders need",
    ),
    (
        "UPDATE orders SET filled_lots = filled_lots - 1 WHERE status = 'filled'",
        "orders filled what their trades say",
    ),
    ("UPDATE holds SET id = 'order:5' WHERE remaining > 0", "open holds belong to something"),
    ("UPDATE holds SET id = 'order:x' WHERE remaining > 0", "open holds belong to something"),
    ("UPDATE orders SET id = 5 WHERE closed_at IS NULL", "open holds belong to something"),
    ("DELETE FROM trades", "trades in the ledger are settled"),
    ("UPDATE trades SET id = id + 1", "settled trades are in the ledger"),
    ("UPDATE trades SET id = id + 1", "trades are numbered without gaps"),
]


@pytest.mark.parametrize(("statement", "check"), CONSERVATION)
async def test_each_promise_finds_what_breaks_it(world: World, statement: str, check: str):
    async with tampered(world, statement):
        findings = await audit_ledger(world.engine)

    assert check in [finding.check for finding in findings]


async def test_a_balance_below_zero_is_found(world: World):
    async with tampered(
        world,
        "ALTER TABLE accounts DROP CONSTRAINT ck_accounts_balance_not_negative",
        "UPDATE accounts SET balance = -1 WHERE kind = 'customer_held'",
    ):
        findings = await audit_ledger(world.engine)
    async with world.as_owner() as owner:
        await owner.execute(
            "ALTER TABLE accounts ADD CONSTRAINT ck_accounts_balance_not_negative CHECK (balance"
            " >= 0 OR kind IN ('deposit_wallet', 'hot_wallet', 'cold_wallet', 'network_fee',"
            " 'warm_wallet'))"
        )

    assert "no balance is below zero" in [finding.check for finding in findings]


async def test_a_rewritten_history_breaks_its_seal(world: World):
    sealed = (
        "UPDATE transfers SET debit_hash = sha256('rewritten'), debit_balance = debit_balance "
        "WHERE (debit_account, debit_sequence) IN "
        "(SELECT account_id, sequence FROM sealed_accounts LIMIT 1)"
    )
    also_credit = sealed.replace("debit_", "credit_")
    async with tampered(world, "UPDATE sealed_accounts SET sequence = sequence"):
        assert await verify_seals(world.engine) == []
    async with tampered(world, "UPDATE accounts SET remark = 'x'"):
        async with world.as_owner() as owner:
            await owner.execute(sealed)
            await owner.execute(also_credit)
        findings = await verify_seals(world.engine)

    assert [finding.check for finding in findings] == ["what was sealed stays"]


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("UPDATE sealed_accounts SET head = sha256('x')", "seals are chained"),
        ("UPDATE ledger_seals SET hash = sha256('x')", "seals are chained"),
        ("UPDATE ledger_seals SET number = 2", "seals are without gaps"),
        ("DELETE FROM sealed_accounts WHERE account_id = 1", "seals are chained"),
    ],
)
async def test_a_changed_seal_is_found(world: World, statement: str, check: str):
    async with tampered(world, statement):
        findings = await verify_seals(world.engine)

    assert check in [finding.check for finding in findings]


async def test_only_what_moved_is_sealed_again(world: World):
    second = await seal(world.engine)
    assert second
    assert (second.number, second.accounts) == (2, 2)

    assert await seal(world.engine) is None


async def test_the_walk_is_never_given_up_for_being_long(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten million entries are sorted for longer than any other statement may take."""
    monkeypatch.setattr(pool, "COMMAND_TIMEOUT_SECONDS", 0.0001)

    assert (await verify_chain(shared_world.engine)).findings == ()
