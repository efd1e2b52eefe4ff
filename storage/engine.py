"""Creates the async engine, with the pool that every process shares among its tasks."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_STATEMENT_TIMEOUT_MS = 30_000
"""No statement of ours takes long; one that does is stuck behind a lock and had better be retried.
"""


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
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
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
