"""Brings a database up to date: roles, tables, grants, and the rows of assets and markets. Safe to
repeat.

Run as `python -m storage.migrate` with RIALTO_DATABASE_URL naming a role that owns the database (or
a superuser, which also creates what is missing: the database and the five roles).
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from storage.catalog import write_catalog

logger = logging.getLogger(__name__)

OWNER = "rialto_owner"
ROLES = (OWNER, "rialto_api", "rialto_worker", "rialto_signer", "rialto_webhooks")

_WAIT_SECONDS = 30
_ONE_MIGRATION_AT_A_TIME = 7_246_011
"""Key of the advisory lock; any constant will do, as long as nobody else uses it."""


async def migrate(url: str, revision: str = "head") -> None:
    """Upgrade the database at `url` to `revision`. Waits for the server to be there."""
    target = make_url(url)
    await _create_database_if_missing(target)
    engine = create_async_engine(target, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_MIGRATION_AT_A_TIME}
            )
            await _create_missing_roles(connection)
            await _own_the_database(connection)
            await connection.run_sync(_upgrade, revision)
            if revision == "head":
                await write_catalog(connection)
    finally:
        await engine.dispose()


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to `revision`; for tests of migrations."""
    engine = create_async_engine(make_url(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: command.downgrade(_config(sync), revision))
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


async def _create_database_if_missing(target: URL) -> None:
    """Create it when the server has none of that name; waits until the server answers."""
    deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
    while True:
        try:
            connection = await _connect(target, target.database)
        except asyncpg.InvalidCatalogNameError:
            await _create_database(target)
            return
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            await connection.close()
            return


async def _create_database(target: URL) -> None:
    connection = await _connect(target, "postgres")
    try:
        await connection.execute(f'CREATE DATABASE "{target.database}"')
    except asyncpg.DuplicateDatabaseError:
        pass  # Another process was quicker.
    finally:
        await connection.close()


async def _connect(target: URL, database: str | None) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=target.host,
        port=target.port,
        user=target.username,
        password=target.password,
        database=database,
    )


_CREATE_ROLE = """
    SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', CAST(:role AS text), CAST(:password AS text))
"""


async def _create_missing_roles(connection: AsyncConnection) -> None:
    """With the password of `RIALTO_ROLE_PASSWORD`, for servers that ask for one; else with none."""
    present = set((await connection.execute(text("SELECT rolname FROM pg_roles"))).scalars())
    missing = [role for role in ROLES if role not in present]
    password = os.environ.get("RIALTO_ROLE_PASSWORD")
    for role in missing:
        values = {"role": role, "password": password}
        statement = await connection.scalar(text(_CREATE_ROLE), values)
        await connection.execute(text(statement.replace(":", r"\:")))  # No parameters in it.
        logger.info("created a database role", extra={"role": role})


async def _own_the_database(connection: AsyncConnection) -> None:
    """From here on everything is made by, and belongs to, the owner role; also when a superuser
    runs us.
    """
    user = (await connection.execute(text("SELECT current_user"))).scalar_one()
    if user != OWNER:
        database = (await connection.execute(text("SELECT current_database()"))).scalar_one()
        await connection.execute(text(f'ALTER DATABASE "{database}" OWNER TO {OWNER}'))
        await connection.execute(text(f"ALTER SCHEMA public OWNER TO {OWNER}"))
        await connection.execute(text(f"SET LOCAL ROLE {OWNER}"))


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    url = os.environ.get("RIALTO_DATABASE_URL")
    if not url:
        sys.exit(
            "RIALTO_DATABASE_URL is not set: postgresql+asyncpg://rialto_owner@127.0.0.1:PORT/rialto"
        )
    asyncio.run(migrate(url))


if __name__ == "__main__":
    main()
