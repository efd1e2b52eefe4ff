"""Where a customer may withdraw to: saved addresses, allow-list mode, and holds after changes.

Both directions take time: a new address can be used only after the lock, and switching the
allow-list off takes effect only after it too. So a thief with a session gains nothing at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import UnknownAddress
from domain.ids import CustomerId
from storage.tables_custody import address_book, withdrawal_settings

TIME_LOCK = timedelta(hours=48)
SECURITY_HOLD = timedelta(hours=24)


async def add(
    connection: AsyncConnection,
    customer_id: CustomerId,
    *,
    chain: str,
    address: str,
    label: str,
    memo: str = "",
) -> Row[Any]:
    """Save an address that was checked for its chain; saved already, it keeps its time lock."""
    row: Row[Any] | None = (
        await connection.execute(
            insert(address_book)
            .values(
                customer_id=customer_id,
                chain=chain,
                address=address,
                memo=memo,
                label=label,
                usable_at=datetime.now(UTC) + TIME_LOCK,
            )
            .on_conflict_do_update(
                index_elements=["customer_id", "chain", "address", "memo"],
                index_where=text("removed_at IS NULL"),
                set_={"label": label},
            )
            .returning(address_book)
        )
    ).one_or_none()
    assert row is not None
    return row


async def remove(connection: AsyncConnection, customer_id: CustomerId, entry_id: int) -> None:
    """Raises UnknownAddress when the customer has no such entry."""
    result = await connection.execute(
        update(address_book)
        .where(
            address_book.c.id == entry_id,
            address_book.c.customer_id == customer_id,
            address_book.c.removed_at.is_(None),
        )
        .values(removed_at=func.now())
    )
    if result.rowcount != 1:
        raise UnknownAddress(f"there is no address {entry_id} in your address book")


async def entries(
    connection: AsyncConnection, customer_id: CustomerId, *, before: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Newest first, without removed ones."""
    query = (
        select(address_book)
        .where(address_book.c.customer_id == customer_id, address_book.c.removed_at.is_(None))
        .order_by(address_book.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(address_book.c.id < before)
    return (await connection.execute(query)).all()


@dataclass(frozen=True, slots=True)
class WithdrawalSettings:
    allow_list_only: bool
    allow_list_off_at: datetime | None
    """Switched off, but still in force until then."""
    held_until: datetime | None
    held_reason: str


async def settings(connection: AsyncConnection, customer_id: CustomerId) -> WithdrawalSettings:
    """As they are in force now."""
    row = (
        await connection.execute(
            select(withdrawal_settings).where(withdrawal_settings.c.customer_id == customer_id)
        )
    ).one_or_none()
    if row is None:
        return WithdrawalSettings(
            allow_list_only=False, allow_list_off_at=None, held_until=None, held_reason=""
        )
    now = datetime.now(UTC)
    is_off = row.allow_list_off_at is not None and row.allow_list_off_at <= now
    is_on = row.allow_list_only and not is_off
    is_held = row.held_until is not None and row.held_until > now
    return WithdrawalSettings(
        allow_list_only=is_on,
        allow_list_off_at=row.allow_list_off_at if is_on else None,
        held_until=row.held_until if is_held else None,
        held_reason=row.held_reason if is_held else "",
    )


async def set_allow_list(
    connection: AsyncConnection, customer_id: CustomerId, *, is_on: bool
) -> None:
    """On takes effect at once, off only after the time lock; asked again, the lock goes on."""
    if is_on:
        await connection.execute(
            insert(withdrawal_settings)
            .values(customer_id=customer_id, allow_list_only=True)
            .on_conflict_do_update(
                index_elements=["customer_id"],
                set_={"allow_list_only": True, "allow_list_off_at": None},
            )
        )
        return
    await connection.execute(
        update(withdrawal_settings)
        .where(
            withdrawal_settings.c.customer_id == customer_id,
            withdrawal_settings.c.allow_list_only,
            withdrawal_settings.c.allow_list_off_at.is_(None),
        )
        .values(allow_list_off_at=datetime.now(UTC) + TIME_LOCK)
    )


async def hold_for_security(
    connection: AsyncConnection, customer_id: CustomerId, reason: str
) -> None:
    """After a change of password or second factor. A longer hold is never made shorter."""
    until = datetime.now(UTC) + SECURITY_HOLD
    held = withdrawal_settings.c.held_until
    await connection.execute(
        insert(withdrawal_settings)
        .values(customer_id=customer_id, held_until=until, held_reason=reason)
        .on_conflict_do_update(
            index_elements=["customer_id"],
            set_={"held_until": until, "held_reason": reason},
            where=held.is_(None) | (held < until),
        )
    )
