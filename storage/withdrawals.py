"""Withdrawals: asked for with their hold in one database transaction, then moved by their workflow.

From the row everything can be found again: a workflow that was lost is started anew from it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import IdempotencyBodyDiffers, UnknownWithdrawal
from domain.ids import CustomerId, WithdrawalId
from domain.money import AssetCode
from domain.withdrawal import (
    WithdrawalEvent,
    WithdrawalKind,
    WithdrawalStatus,
    after_withdrawal_event,
)
from ledger import custody
from storage import custody_policy, withdrawal_rules
from storage.ledger import Ledger
from storage.paging import Place, below
from storage.tables_custody import withdrawal_events, withdrawals

_CLAIM_NEWS = text("""
    UPDATE withdrawals SET has_news = FALSE, nudged_at = now()
    FROM (
        SELECT id FROM withdrawals
        WHERE has_news AND changed_at < now() - make_interval(secs => :settled_for)
            OR status NOT IN ('done', 'cancelled', 'rejected')
            AND nudged_at < now() - make_interval(secs => :again_after)
        ORDER BY created_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ) AS found
    WHERE withdrawals.id = found.id
    RETURNING withdrawals.id, chain, asset, units, customer_id, status
""")


@dataclass(frozen=True, slots=True)
class WithdrawalRequest:
    """What a customer asks for. The address is in its one normal form: the API checked it."""

    customer_id: CustomerId
    idempotency_key: str
    asset: AssetCode
    units: int
    address: str
    memo: str = ""

    @property
    def fingerprint(self) -> str:
        body = [self.asset, self.units, self.address, self.memo]
        return sha256(json.dumps(body).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Requested:
    row: Row[Any]
    replayed: bool
    """The same request was made before; this is its withdrawal."""


@dataclass(frozen=True, slots=True)
class DueWithdrawal:
    """A withdrawal whose workflow should look at it now, or be started."""

    id: WithdrawalId
    chain: str
    asset: AssetCode
    units: int
    customer_id: CustomerId
    status: WithdrawalStatus


async def request(ledger: Ledger, wanted: WithdrawalRequest) -> Requested:
    """Hold the amount and the fee, and write the withdrawal: both or neither.

    Raises for every reason to refuse: AssetPaused, InvalidAmount, InvalidAddress, TierTooLow,
    LimitExceeded, WithdrawalsHeld, AddressNotAllowed, InsufficientAvailable, and
    IdempotencyBodyDiffers when the key was used for something else.
    """
    async with ledger.engine.begin() as connection:
        known = await _known(connection, wanted)
        if known is not None:
            return Requested(known, replayed=True)
        policy = await custody_policy.read_asset(connection, wanted.asset)
        payee = await withdrawal_rules.check(connection, policy, wanted)
        row = await _insert(connection, policy, wanted, payee)
        if row is None:  # The same key, at the same moment: the other one is committed by now.
            known = await _known(connection, wanted)
            assert known is not None
            return Requested(known, replayed=True)
        await withdrawal_rules.take_limits(connection, row)
        await ledger.post_in(connection, [custody.hold(as_hold(row))])
        await withdrawal_rules.check_final(connection, wanted.customer_id)
        await add_event(connection, row.id, "requested", {"fee_units": str(int(row.fee_units))})
        return Requested(row, replayed=False)


async def mark_told(connection: AsyncConnection, withdrawal_id: str) -> None:
    """The caller started the workflow itself; the relay need not."""
    await connection.execute(
        update(withdrawals)
        .where(withdrawals.c.id == withdrawal_id)
        .values(has_news=False, nudged_at=func.now())
    )


async def claim_news(
    connection: AsyncConnection,
    *,
    limit: int = 200,
    settled_for_seconds: float = 0.5,
    again_after_seconds: float = 600.0,
) -> list[DueWithdrawal]:
    """Withdrawals whose workflow must be told or started; the claimer does so after the commit.

    News must have settled for a moment: whoever made the row usually starts its workflow. What is
    unfinished is claimed again from time to time, so that a lost workflow is started anew.
    """
    parameters = {
        "limit": limit,
        "settled_for": settled_for_seconds,
        "again_after": again_after_seconds,
    }
    return [
        DueWithdrawal(
            WithdrawalId(row.id),
            row.chain,
            AssetCode(row.asset),
            int(row.units),
            CustomerId(row.customer_id),
            WithdrawalStatus(row.status),
        )
        for row in await connection.execute(_CLAIM_NEWS, parameters)
    ]


async def lock(connection: AsyncConnection, withdrawal_id: str) -> Row[Any]:
    """The row, locked until the database transaction ends. Raises UnknownWithdrawal."""
    return await _one(connection, select(withdrawals).with_for_update(), withdrawal_id)


async def find(connection: AsyncConnection, withdrawal_id: str) -> Row[Any]:
    """Raises UnknownWithdrawal."""
    return await _one(connection, select(withdrawals), withdrawal_id)


async def move(
    connection: AsyncConnection,
    row: Row[Any],
    event: WithdrawalEvent,
    details: Mapping[str, object] | None = None,
    *,
    officer: str = "",
    **values: object,
) -> WithdrawalStatus:
    """Apply `event` to a locked row, with a line in its history. Raises WrongState."""
    status = after_withdrawal_event(WithdrawalStatus(row.status), event)
    await connection.execute(
        update(withdrawals)
        .where(withdrawals.c.id == row.id)
        .values(**{"status": status, "changed_at": func.now(), **values})
    )
    await add_event(connection, row.id, event, details, officer=officer)
    return status


async def note(connection: AsyncConnection, withdrawal_id: str, **values: object) -> None:
    """Change what describes the withdrawal (why it waits, its screening), not where it stands."""
    await connection.execute(
        update(withdrawals).where(withdrawals.c.id == withdrawal_id).values(**values)
    )


async def add_event(
    connection: AsyncConnection,
    withdrawal_id: str,
    event: str,
    details: Mapping[str, object] | None = None,
    *,
    officer: str = "",
) -> None:
    await connection.execute(
        insert(withdrawal_events).values(
            withdrawal_id=withdrawal_id, event=event, officer=officer, details=dict(details or {})
        )
    )


async def add_event_once(
    connection: AsyncConnection,
    withdrawal_id: str,
    event: str,
    details: Mapping[str, object],
    *,
    officer: str,
) -> None:
    """Unless an event with the same `key` in its details is there; the caller holds the row."""
    known = await connection.scalar(
        select(withdrawal_events.c.id).where(
            withdrawal_events.c.withdrawal_id == withdrawal_id,
            withdrawal_events.c.details["key"].astext == details["key"],
        )
    )
    if known is None:
        await add_event(connection, withdrawal_id, event, details, officer=officer)


async def list_for(
    connection: AsyncConnection,
    customer_id: CustomerId,
    *,
    before: Place | None = None,
    limit: int = 100,
) -> Sequence[Row[Any]]:
    """Newest first, from `before` on."""
    query = (
        select(withdrawals)
        .where(withdrawals.c.customer_id == customer_id)
        .order_by(withdrawals.c.created_at.desc(), withdrawals.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(below(withdrawals.c.created_at, withdrawals.c.id, before))
    return (await connection.execute(query)).all()


async def timeline(connection: AsyncConnection, withdrawal_id: str) -> list[Mapping[str, Any]]:
    """What happened to the withdrawal, oldest first; officers' names are for staff only."""
    rows = await connection.execute(
        select(
            withdrawal_events.c.at,
            withdrawal_events.c.event,
            withdrawal_events.c.officer,
            withdrawal_events.c.details,
        )
        .where(withdrawal_events.c.withdrawal_id == withdrawal_id)
        .order_by(withdrawal_events.c.id)
    )
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - the public name of a row's mapping


def as_hold(row: Row[Any]) -> custody.WithdrawalHold:
    return custody.WithdrawalHold(
        WithdrawalId(row.id),
        CustomerId(row.customer_id),
        AssetCode(row.asset),
        int(row.units),
        int(row.fee_units),
    )


async def _known(connection: AsyncConnection, wanted: WithdrawalRequest) -> Row[Any] | None:
    row = (
        await connection.execute(
            select(withdrawals).where(
                withdrawals.c.customer_id == wanted.customer_id,
                withdrawals.c.idempotency_key == wanted.idempotency_key,
            )
        )
    ).one_or_none()
    if row is not None and row.fingerprint != wanted.fingerprint:
        raise IdempotencyBodyDiffers(
            "this idempotency key belongs to another withdrawal", withdrawal_id=row.id
        )
    return row


async def _insert(
    connection: AsyncConnection,
    policy: custody_policy.AssetPolicy,
    wanted: WithdrawalRequest,
    payee: CustomerId | None,
) -> Row[Any] | None:
    kind = WithdrawalKind.CHAIN if payee is None else WithdrawalKind.INTERNAL
    row: Row[Any] | None = (
        await connection.execute(
            postgres_insert(withdrawals)
            .values(
                id=str(uuid.uuid4()),
                customer_id=wanted.customer_id,
                idempotency_key=wanted.idempotency_key,
                fingerprint=wanted.fingerprint,
                kind=kind,
                asset=wanted.asset,
                chain=policy.chain,
                units=wanted.units,
                fee_units=policy.withdrawal_fee_units if kind is WithdrawalKind.CHAIN else 0,
                address=wanted.address,
                memo=wanted.memo,
                payee_customer_id=payee,
                status=WithdrawalStatus.HELD,
            )
            .on_conflict_do_nothing(index_elements=["customer_id", "idempotency_key"])
            .returning(withdrawals)
        )
    ).one_or_none()
    return row


async def _one(connection: AsyncConnection, query: Any, withdrawal_id: str) -> Row[Any]:
    row: Row[Any] | None = (
        await connection.execute(query.where(withdrawals.c.id == withdrawal_id))
    ).one_or_none()
    if row is None:
        raise UnknownWithdrawal(f"there is no withdrawal {withdrawal_id[:40]!r}")
    return row
