"""What can be swept from deposit addresses, and what sweeping did to the deposits."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.payments import Coin
from storage.tables_custody import deposit_addresses, deposits
from storage.tables_payments import payments

# Only what is credited and final: a sweep must never spend coins that a reorg can take back.
_COINS = text("""
    SELECT u.txid, u.vout, u.units FROM utxos u
    JOIN deposits d ON d.chain = 'bitcoin' AND d.txid = u.txid AND d.index = u.vout
    LEFT JOIN utxo_reservations r ON r.txid = u.txid AND r.vout = u.vout
    WHERE u.wallet_id IS NULL AND u.spent_txid IS NULL AND u.height IS NOT NULL
        AND r.txid IS NULL AND d.status = 'withdrawable' AND u.units > :units_min
    ORDER BY u.txid, u.vout LIMIT :limit
""")

_BALANCES = text("""
    SELECT d.address, sum(d.credited_units) AS units
    FROM deposits d
    WHERE d.chain = 'ethereum' AND d.asset = :asset AND d.status = 'withdrawable'
        AND d.sweep_payment_id IS NULL AND d.height IS NOT NULL
    GROUP BY d.address HAVING sum(d.credited_units) >= :units_min
    ORDER BY units DESC, d.address LIMIT :limit
""")

_OPEN_AT = text("""
    SELECT EXISTS (
        SELECT FROM payments p JOIN payment_outputs o ON o.payment_id = p.id
        WHERE p.chain = :chain AND p.posted_at IS NULL AND p.status <> 'dead'
            AND (p.from_address = :address OR o.address = :address)
    ) OR EXISTS (
        SELECT FROM payment_sources s JOIN payments p ON p.id = s.payment_id
        WHERE p.chain = :chain AND p.posted_at IS NULL AND p.status <> 'dead'
            AND s.address = :address
    )
""")

_TOOK = text("""
    SELECT EXISTS (
        SELECT FROM deposits WHERE chain = :chain AND asset = :asset AND address = :address
    )
""")


@dataclass(frozen=True, slots=True)
class Swept:
    """An address and what its final, unswept deposits of one asset come to."""

    address: str
    units: int


async def bitcoin_coins(connection: AsyncConnection, *, units_min: int, limit: int) -> list[Coin]:
    """Final coins on deposit addresses that are worth more than spending them costs."""
    rows = await connection.execute(_COINS, {"units_min": units_min, "limit": limit})
    return [Coin(row.txid, row.vout, int(row.units)) for row in rows]


async def balances(
    connection: AsyncConnection, asset: str, *, units_min: int, limit: int
) -> list[Swept]:
    rows = await connection.execute(
        _BALANCES, {"asset": asset, "units_min": units_min, "limit": limit}
    )
    return [Swept(row.address, int(row.units)) for row in rows]


async def is_busy(connection: AsyncConnection, chain: str, address: str) -> bool:
    """A payment from or to the address is under way."""
    return bool(await connection.scalar(_OPEN_AT, {"chain": chain, "address": address}))


async def took(connection: AsyncConnection, chain: str, address: str, asset: str) -> bool:
    """The asset was ever paid to the address."""
    parameters = {"chain": chain, "address": address, "asset": asset}
    return bool(await connection.scalar(_TOOK, parameters))


async def take_nonce(connection: AsyncConnection, chain: str, address: str) -> int:
    """The deposit address's next nonce; its row stays locked until the commit."""
    taken = await connection.scalar(
        update(deposit_addresses)
        .where(deposit_addresses.c.chain == chain, deposit_addresses.c.address == address)
        .values(next_nonce=deposit_addresses.c.next_nonce + 1)
        .returning(deposit_addresses.c.next_nonce)
    )
    assert taken is not None, "a deposit address of ours"
    return int(taken) - 1


async def assign_outputs(connection: AsyncConnection, payment_id: str) -> None:
    """Bitcoin: the deposits whose coins are the payment's inputs are being swept by it."""
    await connection.execute(
        text("""
            UPDATE deposits SET sweep_payment_id = :payment_id
            FROM utxo_reservations r
            WHERE r.payment_id = :payment_id AND deposits.chain = 'bitcoin'
                AND deposits.txid = r.txid AND deposits.index = r.vout
        """),
        {"payment_id": payment_id},
    )


async def assign_address(
    connection: AsyncConnection, asset: str, address: str, payment_id: str
) -> None:
    """Ethereum: all final, unswept deposits of the address are being swept by the payment."""
    await connection.execute(
        update(deposits)
        .where(
            deposits.c.chain == "ethereum",
            deposits.c.asset == asset,
            deposits.c.address == address,
            deposits.c.status == "withdrawable",
            deposits.c.sweep_payment_id.is_(None),
            deposits.c.height.is_not(None),
        )
        .values(sweep_payment_id=payment_id)
    )


async def mark_swept(connection: AsyncConnection, payment_id: str) -> None:
    await connection.execute(
        update(deposits)
        .where(deposits.c.sweep_payment_id == payment_id)
        .values(swept_at=func.now())
    )


async def release(connection: AsyncConnection, payment_id: str) -> None:
    """The payment moved nothing: what it should have swept may be swept again."""
    await connection.execute(
        update(deposits)
        .where(deposits.c.sweep_payment_id == payment_id, deposits.c.swept_at.is_(None))
        .values(sweep_payment_id=None)
    )


async def planned_by(connection: AsyncConnection, prefix: str) -> list[str]:
    """Payments that a run already planned; its ids begin with the run's own."""
    rows = await connection.scalars(
        select(payments.c.id).where(payments.c.id.startswith(prefix)).order_by(payments.c.id)
    )
    return list(rows)
