"""What our books say about one chain, at one block: the coins we own, and what is in between.

Between chain and ledger are deposits that stand in blocks but are not credited, and payments that
may have left but are not posted. Both are expected; anything else that differs is a break.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.payment import PaymentKind

_CURSOR = text("SELECT height, hash FROM chain_cursors WHERE chain = :chain")
_ADDRESSES = text("""
    SELECT address FROM deposit_addresses WHERE chain = :chain
    UNION SELECT address FROM wallets WHERE chain = :chain
""")
_ASSETS = text("""
    SELECT assets.code, assets.contract,
        coalesce((SELECT -sum(balance) FROM accounts
            WHERE asset = assets.code AND kind IN (
                'deposit_wallet', 'hot_wallet', 'warm_wallet', 'cold_wallet'
            )
        ), 0) AS ledger_units,
        coalesce((SELECT sum(units) FROM deposits
            WHERE asset = assets.code AND block_hash IS NOT NULL AND credited_units = 0
        ), 0) AS uncredited_units
    FROM assets WHERE chain = :chain ORDER BY code
""")
_OPEN_PAYMENTS = text("""
    SELECT p.id, p.kind, p.asset, p.units, array_agg(a.txid) AS txids
    FROM payments p JOIN payment_attempts a ON a.payment_id = p.id AND a.txid IS NOT NULL
    WHERE p.chain = :chain AND p.posted_at IS NULL
    GROUP BY p.id, p.kind, p.asset, p.units
    UNION ALL
    SELECT 'refill-' || r.id, 'refill', r.asset, r.units, ARRAY[r.txid]
    FROM refill_requests r JOIN wallets w ON w.id = r.to_wallet_id
    WHERE w.chain = :chain AND r.status IN ('open', 'sent') AND r.txid IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class AssetBooks:
    """One asset's coins by the ledger, in units, and those that wait to be credited."""

    asset: str
    contract: str | None
    ledger_units: int
    uncredited_units: int


@dataclass(frozen=True, slots=True)
class OpenPayment:
    """A payment with signed bytes that the ledger has not taken in; any of `txids` may be mined."""

    id: str
    asset: str
    units: int
    leaves_us: bool
    """To customers; false between addresses of our own, where only the network's fee leaves."""
    txids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustodyBooks:
    chain: str
    height: int
    block_hash: str
    """The last block that the listener has taken in: what the books know reaches up to here."""
    assets: tuple[AssetBooks, ...]
    payments: tuple[OpenPayment, ...]
    addresses: tuple[str, ...]


async def read_books(connection: AsyncConnection, chain: str) -> CustodyBooks | None:
    """All of it from the caller's one snapshot; None before the listener's first block."""
    named: Mapping[str, str] = {"chain": chain}
    cursor = (await connection.execute(_CURSOR, named)).one_or_none()
    if cursor is None:
        return None
    assets = (await connection.execute(_ASSETS, named)).all()
    payments = (await connection.execute(_OPEN_PAYMENTS, named)).all()
    addresses: Sequence[str] = (await connection.scalars(_ADDRESSES, named)).all()
    return CustodyBooks(
        chain=chain,
        height=cursor.height,
        block_hash=cursor.hash,
        assets=tuple(
            AssetBooks(row.code, row.contract, int(row.ledger_units), int(row.uncredited_units))
            for row in assets
        ),
        payments=tuple(
            OpenPayment(
                row.id,
                row.asset,
                int(row.units),
                leaves_us=row.kind == PaymentKind.WITHDRAWAL,
                txids=tuple(row.txids),
            )
            for row in payments
        ),
        addresses=tuple(addresses),
    )
