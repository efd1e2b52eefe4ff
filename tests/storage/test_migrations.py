"""Migrations: up from empty, up from every earlier release with its data, down again."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import storage.migrate
import storage.tables_compliance
import storage.tables_customers
import storage.tables_ledger
import storage.tables_payments
import storage.tables_projections
import storage.tables_reserves
import storage.tables_staff
import storage.tables_webhooks
from devstack.postgres import admin_url
from devstack.rented import Database, RentedStack
from domain.ids import CustomerId
from domain.market import Side
from storage.engine import create_engine
from storage.metadata import metadata
from storage.migrate import downgrade, migrate
from tests.storage.world import USDT, World, opened, pay

pytestmark = pytest.mark.stack

RELEASES = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parent / "releases").glob("*.sql"))
}
SCRIPTS = Path(storage.migrate.__file__).parent / "migrations"


@pytest.fixture
def empty(stack: RentedStack) -> Iterator[Database]:
    """A database without a table."""
    database = stack.empty_database()
    yield database
    stack.drop_database(database)


@asynccontextmanager
async def as_superuser(stack: RentedStack, database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(admin_url(stack.site, database.name))
    yield connection
    await connection.close()


async def load(stack: RentedStack, database: Database, data: str) -> None:
    """Put a release's data in as it was, guards off, instead of what its migrations put there."""
    async with as_superuser(stack, database) as connection:
        await connection.execute("SET session_replication_role = replica")
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename <> 'alembic_version'"
        )
        await connection.execute(f"TRUNCATE {', '.join(row[0] for row in names)}")
        await connection.execute(data)


TABLES = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attacl::text, c.relacl::text, c.reloptions::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relname NOT LIKE 'alembic%' ORDER BY 1, 2
"""
RULES = """
SELECT pg_get_constraintdef(oid), conname FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
UNION ALL SELECT pg_get_triggerdef(oid), tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT pg_get_functiondef(oid), proname FROM pg_proc
          WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT indexdef, indexname FROM pg_indexes
          WHERE schemaname = 'public' AND tablename <> 'alembic_version'
ORDER BY 1, 2
"""


async def anatomy(stack: RentedStack, database: Database) -> list[tuple[object, ...]]:
    """All that makes up the database but its rows: columns, rights, rules, triggers, functions."""
    async with as_superuser(stack, database) as connection:
        rows = [*await connection.fetch(TABLES), *await connection.fetch(RULES)]
    return [tuple(row) for row in rows]


def test_there_is_one_line_of_migrations():
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))

    revisions = [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()]

    assert revisions == sorted(revisions, reverse=True)
    assert revisions[-1] == "0001"


async def test_up_from_empty_makes_what_the_code_expects(database: Database):
    engine = create_engine(database.owner)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []


async def test_migrating_again_changes_nothing(stack: RentedStack, database: Database):
    before = await anatomy(stack, database)

    await migrate(database.owner)

    assert await anatomy(stack, database) == before


async def test_down_to_nothing_and_up_again(stack: RentedStack, empty: Database):
    await migrate(empty.owner)
    before = await anatomy(stack, empty)

    await downgrade(empty.owner, "base")
    assert await anatomy(stack, empty) == []
    await migrate(empty.owner)

    assert await anatomy(stack, empty) == before


async def rows_of(connection: asyncpg.Connection) -> dict[str, int]:
    names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {
        row[0]: await connection.fetchval(f"SELECT count(*) FROM {row[0]}")
        for row in names
        if row[0] != "alembic_version"
    }


@pytest.mark.parametrize("release", RELEASES)
async def test_up_from_an_earlier_release_with_its_data(
    stack: RentedStack, empty: Database, database: Database, release: str
):
    await migrate(empty.owner, release)
    await load(stack, empty, RELEASES[release])
    async with as_superuser(stack, empty) as connection:
        before = await rows_of(connection)

    await migrate(empty.owner)

    async with as_superuser(stack, empty) as connection:
        after = await rows_of(connection)
    assert before["transfers"] > 10
    assert {name: after[name] for name in before} == before
    assert await anatomy(stack, empty) == await anatomy(stack, database)
    async with opened(empty) as world:
        await world.assert_conserved()
        await goes_on(world)
        await world.assert_conserved()


async def goes_on(world: World) -> None:
    """Money that came with the old release moves by the rules of the new one."""
    owners = await world.ledger.pool.fetch(
        "SELECT customer_id FROM accounts WHERE kind = 'customer_available' AND asset = 'USDT'"
        " AND balance > 10000 ORDER BY customer_id"
    )
    alice, bob = (CustomerId(row[0]) for row in owners)
    before = await world.balance(alice, USDT)
    await world.ledger.post(pay(alice, bob, 100, asset=USDT, name="after the upgrade"))
    await world.resting(alice, Side.BUY, 10, 10)
    assert await world.balance(alice, USDT) == (before[0] - 200, before[1] + 100)


async def test_roles_get_the_password_of_the_variable(
    stack: RentedStack, database: Database, monkeypatch: pytest.MonkeyPatch
):
    """As in the composition, whose server asks for passwords; odd characters included."""
    monkeypatch.setattr(storage.migrate, "ROLES", ("rialto_probe",))
    monkeypatch.setenv("RIALTO_ROLE_PASSWORD", "it's: a\\pass'word")
    url = admin_url(stack.site, database.name)
    engine = create_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    kept = text("SELECT rolpassword FROM pg_authid WHERE rolname = 'rialto_probe'")
    try:
        async with engine.connect() as connection:
            await storage.migrate._create_missing_roles(connection)
            password = await connection.scalar(kept)
            await connection.rollback()
    finally:
        await engine.dispose()

    assert password.startswith("SCRAM-SHA-256$")
