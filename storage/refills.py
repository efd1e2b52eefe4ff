"""Requests to the keepers of the offline wallet, and the booking of what they sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import WrongState
from domain.ids import TxId, WithdrawalId
from domain.money import AssetCode
from ledger import custody
from ledger.account import AccountKind
from storage.custody_policy import AssetPolicy
from storage.ledger import Ledger
from storage.tables_payments import refill_requests

_PENDING = ("open", "sent")


@dataclass(frozen=True, slots=True)
class PaidRefill:
    """What a node says of a refill's transaction: checked to come from the cold wallet only."""

    txid: TxId
    height: int
    block_hash: str
    units: int
    """What the hot wallet received; the keepers may have sent less than was asked."""
    fee_units: int
    """In the chain's own coin, paid by the cold wallet."""


async def pending(connection: AsyncConnection, asset: str) -> Row[Any] | None:
    """The request that waits to be sent or to be final; at most one of an asset."""
    return (
        await connection.execute(
            select(refill_requests)
            .where(refill_requests.c.asset == asset, refill_requests.c.status.in_(_PENDING))
            .order_by(refill_requests.c.id)
            .limit(1)
            .with_for_update()
        )
    ).one_or_none()


async def ask(
    connection: AsyncConnection, asset: AssetPolicy, units: int, unsigned: str, txid: str | None
) -> Row[Any]:
    """`txid`: where it is known before anybody signs."""
    row: Row[Any] = (
        await connection.execute(
            insert(refill_requests)
            .values(
                asset=asset.asset,
                from_wallet_id=f"cold-{asset.chain}",
                to_wallet_id=f"hot-{asset.chain}",
                units=units,
                unsigned=unsigned,
                txid=txid,
            )
            .returning(refill_requests)
        )
    ).one()
    return row


async def note_sent(connection: AsyncConnection, request_id: int, txid: str) -> None:
    """The keepers signed it. Nothing is booked on their word. Raises WrongState."""
    result = await connection.execute(
        update(refill_requests)
        .where(refill_requests.c.id == request_id, refill_requests.c.status.in_(_PENDING))
        .values(status="sent", txid=txid)
    )
    if result.rowcount != 1:
        raise WrongState(f"refill request {request_id} is not open")


async def cancel(connection: AsyncConnection, request_id: int) -> None:
    """Nobody will send it. Raises WrongState unless it is open."""
    result = await connection.execute(
        update(refill_requests)
        .where(refill_requests.c.id == request_id, refill_requests.c.status == "open")
        .values(status="cancelled")
    )
    if result.rowcount != 1:
        raise WrongState(f"refill request {request_id} is not open")


async def book(
    connection: AsyncConnection, ledger: Ledger, request: Row[Any], paid: PaidRefill, fee_asset: str
) -> None:
    """Take a final refill of a locked request into the ledger, once: from cold to hot."""
    moved = custody.PaidOut(
        WithdrawalId(f"refill-{request.id}"),
        AssetCode(request.asset),
        paid.units,
        AssetCode(fee_asset),
        paid.fee_units,
    )
    entry = custody.moved(moved, AccountKind.COLD_WALLET, AccountKind.HOT_WALLET)
    assert entry is not None, "coins of ours changed wallets"
    await connection.execute(
        update(refill_requests)
        .where(refill_requests.c.id == request.id)
        .values(status="done", txid=paid.txid)
    )
    await ledger.post_in(connection, [entry])


async def listed(connection: AsyncConnection, *, limit: int = 50) -> list[Row[Any]]:
    """Newest first."""
    rows = await connection.execute(
        select(refill_requests).order_by(refill_requests.c.id.desc()).limit(limit)
    )
    return list(rows.all())
