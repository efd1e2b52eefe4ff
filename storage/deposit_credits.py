"""Crediting deposits and taking credits back, with the ledger, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.deposit import DepositEvent, DepositStatus
from domain.ids import CustomerId, DepositId
from domain.money import AssetCode
from ledger import custody
from storage import deposits
from storage.ledger import Ledger
from storage.tables_custody import deposits as table
from storage.tables_custody import withdrawal_settings

_UNTIL_LIFTED = datetime(9999, 1, 1, tzinfo=UTC)

_LOCK_AVAILABLE = text("""
    SELECT balance FROM accounts
    WHERE customer_id = :customer_id AND asset = :asset AND kind = 'customer_available'
    FOR UPDATE
""")


async def reaches_minimum(connection: AsyncConnection, row: Row[Any], minimum_units: int) -> bool:
    """Whether the deposit counts: alone, or with the customer's other small ones that wait."""
    if row.units >= minimum_units:
        return True
    # Two small deposits may meet here at once: one waits, then sees the other.
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"small deposits {row.customer_id} {row.asset}"},
    )
    waiting = await _waiting_small(connection, row)
    return int(row.units) + sum(int(other.units) for other in waiting) >= minimum_units


async def credit(
    connection: AsyncConnection, ledger: Ledger, row: Row[Any], minimum_units: int
) -> None:
    """Credit the deposit, and with it the small ones that it lifts over the minimum."""
    together = [row]
    if row.units < minimum_units:
        together += await _waiting_small(connection, row)
    for each in together:
        await deposits.move(
            connection,
            each,
            DepositEvent.CREDITED,
            {"confirmations_needed": each.credit_confirmations},
            credited_units=each.units,
            covered_units=0,
            credited_at=func.now(),
            has_news=each is not row,
        )
    await ledger.post_in(connection, [custody.credit(_as_credit(each)) for each in together])
    await _lift_hold(connection, row)


async def reverse(connection: AsyncConnection, ledger: Ledger, row: Row[Any]) -> None:
    """The coins are gone: take the credit back. What was spent meanwhile the house pays for now,
    and the customer's withdrawals are held until the deposit comes back or staff decide.
    """
    deposit = _as_credit(row)
    who = {"customer_id": row.customer_id, "asset": row.asset}
    available_units = int(await connection.scalar(_LOCK_AVAILABLE, who) or 0)
    covered_units = max(0, deposit.units - available_units)
    await deposits.move(
        connection,
        row,
        DepositEvent.REVERSED,
        {"covered_by_house": str(covered_units)},
        credited_units=0,
        covered_units=covered_units,
        reversals=row.reversals + 1,
    )
    await ledger.post_in(connection, [custody.reversal(deposit, covered_units)])
    if covered_units:
        await _hold_withdrawals(connection, row)


async def _waiting_small(connection: AsyncConnection, row: Row[Any]) -> Sequence[Row[Any]]:
    rows = await connection.execute(
        select(table)
        .where(
            table.c.customer_id == row.customer_id,
            table.c.asset == row.asset,
            table.c.status == DepositStatus.BELOW_MINIMUM,
            table.c.height.is_not(None),
            table.c.id != row.id,
        )
        .order_by(table.c.id)
        .with_for_update()
    )
    return rows.all()


def _as_credit(row: Row[Any]) -> custody.DepositCredit:
    return custody.DepositCredit(
        DepositId(row.id),
        CustomerId(row.customer_id),
        AssetCode(row.asset),
        int(row.units),
        reversals=row.reversals,
        covered_units=int(row.covered_units),
    )


def _hold_reason(row: Row[Any]) -> str:
    return f"deposit {row.id} left the chain after it was spent"


async def _hold_withdrawals(connection: AsyncConnection, row: Row[Any]) -> None:
    values = {"held_until": _UNTIL_LIFTED, "held_reason": _hold_reason(row)}
    await connection.execute(
        insert(withdrawal_settings)
        .values(customer_id=row.customer_id, **values)
        .on_conflict_do_update(index_elements=["customer_id"], set_=values)
    )


async def _lift_hold(connection: AsyncConnection, row: Row[Any]) -> None:
    if row.covered_units:
        await connection.execute(
            update(withdrawal_settings)
            .where(
                withdrawal_settings.c.customer_id == row.customer_id,
                withdrawal_settings.c.held_reason == _hold_reason(row),
            )
            .values(held_until=None, held_reason="")
        )
