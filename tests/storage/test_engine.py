"""The pool asks a connection whether it lives, unless it was just used and is not closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cli.demo.customer import eventually
from devstack.rented import Database
from storage import engine as engines
from storage.engine import create_engine, for_looking

pytestmark = pytest.mark.stack


class Asked:
    """Counts how often the pool asks."""

    def __init__(self, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        dialect = engine.sync_engine.dialect
        ask = dialect.do_ping

        def counted(connection: Any) -> bool:
            self.times += 1
            return ask(connection)

        monkeypatch.setattr(dialect, "do_ping", counted)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.worker, pool_size=1)
    yield engine
    await engine.dispose()


@pytest.fixture
def asked(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(engine, monkeypatch)


async def _pid(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def _used(engine: AsyncEngine) -> tuple[int, Any]:
    """Its backend, and the driver's connection."""
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        return await _pid(connection), raw.driver_connection


async def _end(database: Database, pid: int, driver: Any) -> None:
    other = create_engine(database.worker)
    async with other.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    await other.dispose()

    async def closed() -> bool | None:
        return driver.is_closed() or None

    await eventually("the connection is closed", closed, 20)


async def test_a_connection_used_a_moment_ago_is_not_asked(
    engine: AsyncEngine, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "FRESH_SECONDS", 3600.0)
    assert len({(await _used(engine))[0] for _ in range(3)}) == 1
    assert asked.times == 0

    monkeypatch.setattr(engines, "FRESH_SECONDS", 0.0)
    await _used(engine)
    assert asked.times == 1


@pytest.mark.parametrize("fresh_seconds", [0.0, 3600.0])
async def test_a_connection_that_the_server_ended_is_replaced(
    engine: AsyncEngine,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    fresh_seconds: float,
) -> None:
    monkeypatch.setattr(engines, "FRESH_SECONDS", fresh_seconds)
    pid, driver = await _used(engine)
    await _end(database, pid, driver)

    assert (await _used(engine))[0] != pid


async def test_looking_opens_no_transaction_and_leaves_none_to_others(engine: AsyncEngine) -> None:
    now = text("SELECT now()")
    async with for_looking(engine).connect() as connection:
        pid = await _pid(connection)
        first, second = [(await connection.execute(now)).scalar_one() for _ in range(2)]
    assert first < second

    async with engine.begin() as connection:
        assert await _pid(connection) == pid
        first, second = [(await connection.execute(now)).scalar_one() for _ in range(2)]
    assert first == second
