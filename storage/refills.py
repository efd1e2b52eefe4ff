"""Requests to the keepers of the offline wallets, and the booking of what they sent."""

from __future__ import annotations

from collections.abc import Sequence
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
_ACCOUNTS = {
    "hot": AccountKind.HOT_WALLET,
    "warm": AccountKind.WARM_WALLET,
    "cold": AccountKind.COLD_WALLET,
}


@dataclass(frozen=True, slots=True)
class Way:
    """From which kind of wallet to which: hot, warm or cold."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Ends:
    """The addresses of a way's wallets."""

    way: Way
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class PaidRefill:
    """What a node says of a refill's transaction: checked to come from the one wallet only."""

    txid: TxId
    height: int
    block_hash: str
    units: int
    """What the other wallet received; the keepers may have sent less than was asked."""
    fee_units: int
    """In the chain's own coin, paid by the wallet that was asked."""


def way_of(request: Row[Any]) -> Way:
    """Wallets' ids begin with their kind."""
    return Way(request.from_wallet_id.partition("-")[0], request.to_wallet_id.partition("-")[0])


async def pending(connection: AsyncConnection, asset: str) -> Sequence[Row[Any]]:
    """Requests that wait to be sent or to be final, oldest first; at most one from each wallet."""
    rows = await connection.execute(
        select(refill_requests)
        .where(refill_requests.c.asset == asset, refill_requests.c.status.in_(_PENDING))
        .order_by(refill_requests.c.id)
        .with_for_update()
    )
    return rows.all()


async def is_asked(connection: AsyncConnection, wallet_id: str) -> bool:
    """The wallet's keepers have a request to sign, or one that is not final yet; of any asset."""
    found = await connection.scalar(
        select(refill_requests.c.id)
        .where(
            refill_requests.c.from_wallet_id == wallet_id, refill_requests.c.status.in_(_PENDING)
        )
        .limit(1)
    )
    return found is not None


async def ask(
    connection: AsyncConnection,
    asset: AssetPolicy,
    way: Way,
    units: int,
    unsigned: str,
    txid: str | None,
) -> Row[Any]:
    """`txid`: where it is known before anybody signs."""
    row: Row[Any] = (
        await connection.execute(
            insert(refill_requests)
            .values(
                asset=asset.asset,
                from_wallet_id=f"{way.source}-{asset.chain}",
                to_wallet_id=f"{way.target}-{asset.chain}",
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
    """Take a final refill of a locked request into the ledger, once."""
    moved = custody.PaidOut(
        WithdrawalId(f"refill-{request.id}"),
        AssetCode(request.asset),
        paid.units,
        AssetCode(fee_asset),
        paid.fee_units,
    )
    way = way_of(request)
    entry = custody.moved(moved, _ACCOUNTS[way.source], _ACCOUNTS[way.target])
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
