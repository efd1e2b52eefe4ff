"""Plain asyncpg pools for the hot paths, where every microsecond of a statement counts."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy.engine import URL

DriverConnection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
)
"""A connection of asyncpg itself, from a pool or from below SQLAlchemy."""


class LedgerConnection(asyncpg.Connection):
    """A connection that goes back to its pool as it is.

    The driver would ask the server to forget locks, cursors and settings of the session, at the
    price of one statement in ten. Nothing that borrows from these pools makes any: settings are
    SET LOCAL, locks end with their transaction, and a transaction left open is rolled back.
    """

    def get_reset_query(self) -> str:
        return ""


STATEMENT_TIMEOUT_MS = 30_000
COMMAND_TIMEOUT_SECONDS = STATEMENT_TIMEOUT_MS / 1000 + 5
"""After that the driver gives up by itself, whether or not the server still answers."""


async def open_pool(url: URL, *, size: int = 4, is_patient: bool = False) -> asyncpg.Pool:
    """A pool to the server of a SQLAlchemy URL. Connections are made when first needed.

    `is_patient`: no statement is given up, for walks through whole tables.
    """
    return await asyncpg.create_pool(
        host=url.host,
        port=url.port,
        user=url.username,
        password=url.password,
        database=url.database,
        min_size=0,
        max_size=size,
        connection_class=LedgerConnection,
        timeout=10,
        command_timeout=None if is_patient else COMMAND_TIMEOUT_SECONDS,
        server_settings={
            "application_name": "rialto-ledger",
            "statement_timeout": "0" if is_patient else str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": "30000",
            "jit": "off",
        },
    )
