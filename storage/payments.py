"""Payments in the database: what is reserved is committed before anything is signed or sent.

A wallet's row is the lock under which its nonces and outputs are given out, so two payments never
share one. All functions run in the caller's database transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import WrongState
from domain.payment import PaymentKind
from domain.withdrawal import WithdrawalEvent, WithdrawalKind, WithdrawalStatus
from storage import withdrawals
from storage.tables_custody import wallets
from storage.tables_custody import withdrawals as withdrawal_table
from storage.tables_payments import (
    nonces,
    payment_attempts,
    payment_outputs,
    payment_sources,
    payments,
    utxo_reservations,
    utxos,
)

_PAYING_OUT = text("""
    SELECT coalesce(sum(units) FILTER (WHERE asset = :asset), 0) AS units
    FROM payments WHERE wallet_id = :wallet_id AND posted_at IS NULL AND status <> 'dead'
        -- Sweeps bring coins and a consolidation keeps them: the hot wallet only pays their fees.
        AND kind NOT IN ('batch_sweep', 'consolidation')
""")

_FEES_OUT = text("""
    SELECT coalesce(sum(fee_units_max), 0) FROM (
        SELECT DISTINCT ON (p.id) a.fee_units_max
        FROM payments p JOIN payment_attempts a ON a.payment_id = p.id
        WHERE p.wallet_id = :wallet_id AND p.posted_at IS NULL AND p.status <> 'dead'
        ORDER BY p.id, a.attempt DESC
    ) AS newest
""")


@dataclass(frozen=True, slots=True)
class Coin:
    """An unspent output of a wallet."""

    txid: str
    vout: int
    units: int


@dataclass(frozen=True, slots=True)
class Payee:
    address: str
    units: int
    withdrawal_id: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A deposit address whose tokens a payment gathers."""

    address: str
    units: int
    authorization_nonce: int | None
    """The address's nonce that its delegation uses up; None where it delegates already."""


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """What an attempt will be, to the last unit; the signer makes exactly this."""

    fee_rate: int
    fee_units_max: int
    reason: str
    tip_rate: int | None = None
    gas_limit: int | None = None
    input_count: int | None = None
    change_units: int | None = None


@dataclass(frozen=True, slots=True)
class NewPayment:
    id: str
    chain: str
    kind: PaymentKind
    asset: str
    from_address: str
    wallet_id: str | None
    workflow_id: str
    payees: Sequence[Payee]
    plan: AttemptPlan
    nonce: int | None = None
    inputs: Sequence[Coin] = ()
    sources: Sequence[Source] = ()


async def lock_wallet(connection: AsyncConnection, wallet_id: str) -> Row[Any]:
    return (
        await connection.execute(select(wallets).where(wallets.c.id == wallet_id).with_for_update())
    ).one()


async def spendable(
    connection: AsyncConnection, wallet_id: str, *, confirmed_below: int
) -> list[Coin]:
    """Confirmed, unspent outputs of the wallet that no payment has reserved."""
    taken = (
        select(utxo_reservations.c.txid)
        .where(utxo_reservations.c.txid == utxos.c.txid, utxo_reservations.c.vout == utxos.c.vout)
        .exists()
    )
    rows = await connection.execute(
        select(utxos.c.txid, utxos.c.vout, utxos.c.units)
        .where(
            utxos.c.wallet_id == wallet_id,
            utxos.c.spent_txid.is_(None),
            utxos.c.height <= confirmed_below,
            ~taken,
        )
        .order_by(utxos.c.units.desc(), utxos.c.txid, utxos.c.vout)
    )
    return [Coin(row.txid, row.vout, int(row.units)) for row in rows]


async def approved(connection: AsyncConnection, chain: str, *, limit: int) -> Sequence[Row[Any]]:
    """Withdrawals of the chain that wait to be paid, oldest approval first, locked."""
    rows = await connection.execute(
        select(withdrawal_table)
        .where(
            withdrawal_table.c.chain == chain,
            withdrawal_table.c.kind == WithdrawalKind.CHAIN,
            withdrawal_table.c.status == WithdrawalStatus.APPROVED,
        )
        .order_by(withdrawal_table.c.approved_at, withdrawal_table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return rows.all()


async def newest_batch_age(connection: AsyncConnection, chain: str) -> float | None:
    """Seconds since the newest payment to customers was reserved; None: none is on its way."""
    age = await connection.scalar(
        select(func.extract("epoch", func.clock_timestamp() - func.max(payments.c.created_at)))
        .where(payments.c.chain == chain, payments.c.kind == PaymentKind.WITHDRAWAL)
        .where(payments.c.posted_at.is_(None))
    )
    return None if age is None else float(age)


async def approved_one(connection: AsyncConnection, withdrawal_id: str) -> Row[Any] | None:
    """The withdrawal, locked, if it still waits to be paid."""
    return (
        await connection.execute(
            select(withdrawal_table)
            .where(
                withdrawal_table.c.id == withdrawal_id,
                withdrawal_table.c.status == WithdrawalStatus.APPROVED,
            )
            .with_for_update()
        )
    ).one_or_none()


async def in_flight_units(connection: AsyncConnection, wallet_id: str, asset: str) -> int:
    """What open payments will still take from the wallet, fees not counted."""
    parameters = {"wallet_id": wallet_id, "asset": asset}
    return int(await connection.scalar(_PAYING_OUT, parameters) or 0)


async def in_flight_fees(connection: AsyncConnection, wallet_id: str) -> int:
    """The most that open payments may still cost the wallet in fees."""
    return int(await connection.scalar(_FEES_OUT, {"wallet_id": wallet_id}) or 0)


async def take_nonce(connection: AsyncConnection, wallet: Row[Any]) -> int:
    """The wallet's next nonce; the locked wallet row makes it nobody else's."""
    await connection.execute(
        update(wallets).where(wallets.c.id == wallet.id).values(next_nonce=wallet.next_nonce + 1)
    )
    return int(wallet.next_nonce)


async def create(connection: AsyncConnection, payment: NewPayment) -> None:
    """Write the payment with its payees, its nonce or inputs, and its first attempt's plan."""
    await connection.execute(
        insert(payments).values(
            id=payment.id,
            chain=payment.chain,
            kind=payment.kind,
            from_address=payment.from_address,
            wallet_id=payment.wallet_id,
            nonce=payment.nonce,
            asset=payment.asset,
            units=sum(payee.units for payee in payment.payees),
            workflow_id=payment.workflow_id,
        )
    )
    await connection.execute(
        insert(payment_outputs),
        [
            {
                "payment_id": payment.id,
                "position": position,
                "withdrawal_id": payee.withdrawal_id,
                "address": payee.address,
                "units": payee.units,
            }
            for position, payee in enumerate(payment.payees)
        ],
    )
    await reserve_inputs(connection, payment.id, payment.inputs, first_position=0)
    await _add_sources(connection, payment)
    if payment.nonce is not None:
        await connection.execute(
            insert(nonces).values(
                chain=payment.chain,
                address=payment.from_address,
                nonce=payment.nonce,
                payment_id=payment.id,
            )
        )
    await plan_attempt(connection, payment.id, 1, payment.plan)


async def _add_sources(connection: AsyncConnection, payment: NewPayment) -> None:
    if payment.sources:
        rows = [
            {
                "payment_id": payment.id,
                "position": position,
                "address": each.address,
                "units": each.units,
                "authorization_nonce": each.authorization_nonce,
            }
            for position, each in enumerate(payment.sources)
        ]
        await connection.execute(insert(payment_sources), rows)


async def reserve_inputs(
    connection: AsyncConnection, payment_id: str, inputs: Sequence[Coin], *, first_position: int
) -> None:
    if inputs:
        await connection.execute(
            insert(utxo_reservations),
            [
                {
                    "txid": coin.txid,
                    "vout": coin.vout,
                    "payment_id": payment_id,
                    "position": position,
                }
                for position, coin in enumerate(inputs, first_position)
            ],
        )


async def plan_attempt(
    connection: AsyncConnection, payment_id: str, attempt: int, plan: AttemptPlan
) -> None:
    await connection.execute(
        insert(payment_attempts).values(
            payment_id=payment_id,
            attempt=attempt,
            fee_rate=plan.fee_rate,
            tip_rate=plan.tip_rate,
            gas_limit=plan.gas_limit,
            fee_units_max=plan.fee_units_max,
            input_count=plan.input_count,
            change_units=plan.change_units,
            reason=plan.reason,
        )
    )


async def assign(connection: AsyncConnection, row: Row[Any], payment_id: str) -> None:
    """A locked, approved withdrawal now belongs to a payment: the point of no return."""
    await withdrawals.move(
        connection,
        row,
        WithdrawalEvent.RESERVED,
        {"payment_id": payment_id},
        payment_id=payment_id,
        reason="",
    )


async def lock(connection: AsyncConnection, payment_id: str) -> Row[Any]:
    return (
        await connection.execute(
            select(payments).where(payments.c.id == payment_id).with_for_update()
        )
    ).one()


async def read(connection: AsyncConnection, payment_id: str) -> Row[Any]:
    return (await connection.execute(select(payments).where(payments.c.id == payment_id))).one()


async def attempts(connection: AsyncConnection, payment_id: str) -> Sequence[Row[Any]]:
    """Oldest first."""
    rows = await connection.execute(
        select(payment_attempts)
        .where(payment_attempts.c.payment_id == payment_id)
        .order_by(payment_attempts.c.attempt)
    )
    return rows.all()


async def outputs(connection: AsyncConnection, payment_id: str) -> Sequence[Row[Any]]:
    """In the order of the transaction."""
    rows = await connection.execute(
        select(payment_outputs)
        .where(payment_outputs.c.payment_id == payment_id)
        .order_by(payment_outputs.c.position)
    )
    return rows.all()


async def inputs(connection: AsyncConnection, payment_id: str) -> list[Coin]:
    """In the order of the transaction; an attempt uses its first `input_count`."""
    rows = await connection.execute(
        select(utxos.c.txid, utxos.c.vout, utxos.c.units)
        .join(
            utxo_reservations,
            (utxo_reservations.c.txid == utxos.c.txid) & (utxo_reservations.c.vout == utxos.c.vout),
        )
        .where(utxo_reservations.c.payment_id == payment_id)
        .order_by(utxo_reservations.c.position)
    )
    return [Coin(row.txid, row.vout, int(row.units)) for row in rows]


async def payees(connection: AsyncConnection, payment_id: str) -> Sequence[Row[Any]]:
    """The withdrawals that the payment pays, locked, in the order of its outputs."""
    rows = await connection.execute(
        select(withdrawal_table)
        .join(payment_outputs, payment_outputs.c.withdrawal_id == withdrawal_table.c.id)
        .where(payment_outputs.c.payment_id == payment_id)
        .order_by(payment_outputs.c.position)
        .with_for_update(of=withdrawal_table)
    )
    return rows.all()


async def signed_attempt(connection: AsyncConnection, payment_id: str, attempt: int) -> Row[Any]:
    """The attempt's stored bytes. Raises WrongState while there are none."""
    row = (
        await connection.execute(
            select(payment_attempts).where(
                payment_attempts.c.payment_id == payment_id,
                payment_attempts.c.attempt == attempt,
            )
        )
    ).one()
    if row.raw is None:
        raise WrongState(f"attempt {attempt} of payment {payment_id} is not signed yet")
    return row
