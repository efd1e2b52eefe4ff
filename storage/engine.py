"""Creates the async engine, with the pool that every process shares among its tasks."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

_STATEMENT_TIMEOUT_MS = 30_000
"""No statement of ours takes long; one that does is stuck behind a lock and had better be retried.
"""
FRESH_SECONDS = 1.0
"""Used so recently, and not closed since, a connection is not asked whether it lives.

Asking takes three round trips, as many as a short read. A server that dies closes its connections,
and one that vanishes from the network would not answer the question either.
"""
_USED = "used_at"


def create_engine(
    url: str,
    *,
    pool_size: int = 10,
    application: str = "rialto",
    statement_timeout_ms: int = _STATEMENT_TIMEOUT_MS,
) -> AsyncEngine:
    """An engine for `postgresql+asyncpg://role@host:port/database`. Connections are checked before
    use.
    """
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_recycle=1800,
        connect_args={
            "timeout": 10,
            "server_settings": {
                "application_name": application,
                "statement_timeout": str(statement_timeout_ms),
                "jit": "off",  # Compiling costs more than any of our statements.
            },
        },
    )
    _check_before_use(engine)
    return engine


def for_looking(engine: AsyncEngine) -> AsyncEngine:
    """The same pool without transactions: for single reads that are repeated for ever."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _check_before_use(engine: AsyncEngine) -> None:
    dialect = engine.sync_engine.dialect

    def used(_: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[_USED] = time.monotonic()

    def check(connection: Any, entry: ConnectionPoolEntry, _: object) -> None:
        is_fresh = time.monotonic() - entry.info[_USED] < FRESH_SECONDS
        if is_fresh and not connection.driver_connection.is_closed():
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as fault:
            if dialect.is_disconnect(fault, connection, None):
                raise InvalidatePoolError from fault  # The pool makes another connection.
            raise

    event.listen(engine.sync_engine, "connect", used)
    event.listen(engine.sync_engine, "checkin", used)
    event.listen(engine.sync_engine, "checkout", check)
