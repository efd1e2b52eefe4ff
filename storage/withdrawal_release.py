"""Giving a withdrawal's funds back; taking withdrawals out of payments that were never signed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import WrongState
from domain.payment import AttemptStatus, PaymentKind, PaymentStatus
from domain.withdrawal import WithdrawalEvent
from ledger import custody
from storage import withdrawal_rules, withdrawals
from storage.ledger import Ledger
from storage.tables_custody import withdrawals as withdrawal_table
from storage.tables_payments import (
    payment_attempts,
    payment_outputs,
    payments,
    utxo_reservations,
    utxos,
)


async def give_back(
    connection: AsyncConnection,
    ledger: Ledger,
    row: Row[Any],
    event: WithdrawalEvent,
    *,
    officer: str,
    reason: str,
) -> None:
    """Release the hold of a locked withdrawal that provably was not paid and will not be."""
    await withdrawals.move(
        connection, row, event, {"reason": reason}, officer=officer, reason=reason
    )
    await withdrawal_rules.give_back_limits(connection, row.id)
    await ledger.post_in(connection, [custody.release(withdrawals.as_hold(row))])


async def lock_unsigned(connection: AsyncConnection, payment_id: str) -> Sequence[Row[Any]]:
    """The payment's attempts, locked against the signer. Raises WrongState if one has bytes."""
    rows = (
        await connection.execute(
            select(payment_attempts)
            .where(payment_attempts.c.payment_id == payment_id)
            .order_by(payment_attempts.c.attempt)
            .with_for_update()
        )
    ).all()
    if any(row.raw is not None for row in rows):
        raise WrongState("the transaction is signed: the coins may have left")
    return rows


async def take_out(connection: AsyncConnection, payment: Row[Any], row: Row[Any]) -> int:
    """Remove a withdrawal from a locked payment; answers how many payees are left."""
    await connection.execute(
        delete(payment_outputs).where(
            payment_outputs.c.payment_id == payment.id, payment_outputs.c.withdrawal_id == row.id
        )
    )
    left = (
        await connection.execute(
            select(payment_outputs)
            .where(payment_outputs.c.payment_id == payment.id)
            .order_by(payment_outputs.c.position)
        )
    ).all()
    values: dict[str, object] = {"units": sum(int(output.units) for output in left)}
    if left and payment.workflow_id == f"withdrawal/{row.id}":
        values["workflow_id"] = f"withdrawal/{left[0].withdrawal_id}"
        await connection.execute(
            update(withdrawal_table)
            .where(withdrawal_table.c.id == left[0].withdrawal_id)
            .values(has_news=True)
        )
    await connection.execute(update(payments).where(payments.c.id == payment.id).values(**values))
    return len(left)


async def abandon(connection: AsyncConnection, payment_id: str) -> None:
    """Nothing of the payment was ever signed, and nothing will be: its inputs are free again."""
    await connection.execute(
        delete(utxo_reservations).where(utxo_reservations.c.payment_id == payment_id)
    )
    await _close(connection, payment_id)


async def give_up(connection: AsyncConnection, payment_id: str, reason: str) -> None:
    """A foreign transaction that is final took an input or the nonce: no attempt can be mined."""
    still_there = (
        select(utxos.c.txid)
        .where(
            utxos.c.txid == utxo_reservations.c.txid,
            utxos.c.vout == utxo_reservations.c.vout,
            utxos.c.spent_txid.is_(None),
        )
        .exists()
    )
    await connection.execute(
        delete(utxo_reservations).where(utxo_reservations.c.payment_id == payment_id, still_there)
    )
    await _close(connection, payment_id)
    await connection.execute(
        update(withdrawal_table)
        .where(withdrawal_table.c.payment_id == payment_id)
        .values(reason=reason, has_news=True)
    )


async def fill_gap(connection: AsyncConnection, payment: Row[Any]) -> None:
    """The payment pays nobody any more, but its nonce must be used: nothing goes to ourselves."""
    await connection.execute(
        payment_outputs.insert().values(
            payment_id=payment.id, position=0, address=payment.from_address, units=0
        )
    )
    await connection.execute(
        update(payments)
        .where(payments.c.id == payment.id)
        .values(
            kind=PaymentKind.FILL,
            asset="ETH",
            units=0,
            workflow_id=f"payment/{payment.id}",
            has_news=True,
        )
    )


async def _close(connection: AsyncConnection, payment_id: str) -> None:
    await connection.execute(
        update(payments)
        .where(payments.c.id == payment_id)
        .values(status=PaymentStatus.DEAD, posted_at=func.now())
    )
    await connection.execute(
        update(payment_attempts)
        .where(payment_attempts.c.payment_id == payment_id)
        .values(status=AttemptStatus.REPLACED)
    )
