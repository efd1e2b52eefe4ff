"""Requests to the keepers of the offline wallet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import WrongState
from storage.custody_policy import AssetPolicy
from storage.tables_payments import refill_requests


async def open_request(connection: AsyncConnection, asset: str) -> Row[Any] | None:
    """At most one is open for an asset."""
    return (
        await connection.execute(
            select(refill_requests).where(
                refill_requests.c.asset == asset, refill_requests.c.status == "open"
            )
        )
    ).one_or_none()


async def ask(
    connection: AsyncConnection, asset: AssetPolicy, units: int, unsigned: str
) -> Row[Any]:
    row: Row[Any] = (
        await connection.execute(
            insert(refill_requests)
            .values(
                asset=asset.asset,
                from_wallet_id=f"cold-{asset.chain}",
                to_wallet_id=f"hot-{asset.chain}",
                units=units,
                unsigned=unsigned,
            )
            .returning(refill_requests)
        )
    ).one()
    return row


async def close(
    connection: AsyncConnection, request_id: int, *, status: str, txid: str | None = None
) -> None:
    """Raises WrongState unless it is open."""
    result = await connection.execute(
        update(refill_requests)
        .where(refill_requests.c.id == request_id, refill_requests.c.status == "open")
        .values(status=status, txid=txid)
    )
    if result.rowcount != 1:
        raise WrongState(f"refill request {request_id} is not open")
