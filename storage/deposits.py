"""Deposits as the listener finds them, as their workflows move them, and as customers see them.

Every function works inside the caller's database transaction, so that a block, its deposits and its
cursor are written together, and a credit and its ledger entry too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.deposit import DepositEvent, DepositStatus, SeenDeposit, after_deposit_event
from domain.errors import UnknownDeposit
from domain.ids import CustomerId, DepositId
from storage.paging import Place, below
from storage.tables_custody import chain_cursors, deposit_events, deposits

_RECORD_SEEN = text("""
    WITH seen AS (
        SELECT * FROM unnest(
            CAST(:id AS text[]), CAST(:chain AS text[]), CAST(:txid AS text[]),
            CAST(:index AS integer[]), CAST(:asset AS text[]), CAST(:units AS numeric[]),
            CAST(:address AS text[]), CAST(:customer_id AS bigint[]), CAST(:height AS bigint[]),
            CAST(:block_hash AS text[])
        ) AS s(id, chain, txid, index, asset, units, address, customer_id, height, block_hash)
    ), written AS (
        INSERT INTO deposits (
            id, chain, txid, index, asset, units, address, customer_id, height, block_hash,
            status, credit_confirmations, withdrawable_confirmations
        )
        SELECT s.*, CASE WHEN s.height IS NULL THEN 'detected' ELSE 'confirming' END,
            band.credit_confirmations, band.withdrawable_confirmations
        FROM seen s CROSS JOIN LATERAL (
            SELECT * FROM confirmation_policies p
            WHERE p.asset = s.asset AND p.units_min <= s.units
            ORDER BY p.units_min DESC LIMIT 1
        ) band
        ON CONFLICT (id) DO UPDATE SET
            height = excluded.height, block_hash = excluded.block_hash, has_news = TRUE,
            changed_at = now(),
            status = CASE WHEN deposits.status IN ('detected', 'orphaned', 'reversed')
                THEN 'confirming' ELSE deposits.status END
        WHERE excluded.height IS NOT NULL
            AND deposits.block_hash IS DISTINCT FROM excluded.block_hash
            AND (deposits.units, deposits.asset, deposits.address)
                = (excluded.units, excluded.asset, excluded.address)
        RETURNING id, status, height, block_hash
    ), told AS (
        INSERT INTO deposit_events (deposit_id, event, details)
        SELECT id, CASE WHEN height IS NULL THEN 'seen' ELSE 'mined' END,
            jsonb_strip_nulls(jsonb_build_object('height', height, 'block_hash', block_hash))
        FROM written
    )
    SELECT id FROM written
""")

_CLAIM_DUE = text("""
    -- Told of news only, it is told again at once when a threshold is reached.
    UPDATE deposits SET has_news = FALSE, nudged_at = CASE WHEN found.is_due THEN now() END
    FROM (
        SELECT d.id, due.is_due
        FROM deposits d LEFT JOIN chain_cursors c ON c.chain = d.chain
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN d.height IS NULL
                THEN d.status NOT IN ('detected', 'orphaned', 'reversed', 'returned')
                WHEN d.status = 'confirming'
                THEN c.height - d.height + 1 >= d.credit_confirmations
                ELSE c.height - d.height + 1 >= d.withdrawable_confirmations
            END AS is_due
        ) AS due
        WHERE d.chain = :chain
            AND (d.has_news OR d.height IS NULL OR d.status IN ('confirming', 'credited'))
            AND (d.has_news OR (
                due.is_due AND (
                    d.nudged_at IS NULL
                    OR d.nudged_at < now() - make_interval(secs => :again_after)
                )
            ))
        ORDER BY d.first_seen_at LIMIT :limit
        FOR UPDATE OF d SKIP LOCKED
    ) AS found
    WHERE deposits.id = found.id
    RETURNING deposits.id, deposits.chain, asset, units, customer_id, status
""")


@dataclass(frozen=True, slots=True)
class DueDeposit:
    """A deposit whose workflow should look at it now."""

    id: DepositId
    chain: str
    asset: str
    units: int
    customer_id: CustomerId
    status: DepositStatus


async def record_seen(connection: AsyncConnection, seen: Sequence[SeenDeposit]) -> list[DepositId]:
    """Write what a block (or the mempool) pays to us; returns the deposits that are new or moved.

    A known deposit keeps its row whatever block its transaction is mined in: an orphaned one comes
    back to life, one that is unchanged is left alone, and the same block may be recorded again.
    """
    if not seen:
        return []
    columns: dict[str, list[object]] = {
        "id": [deposit.id for deposit in seen],
        "chain": [deposit.chain for deposit in seen],
        "txid": [deposit.txid for deposit in seen],
        "index": [deposit.index for deposit in seen],
        "asset": [deposit.asset for deposit in seen],
        "units": [deposit.units for deposit in seen],
        "address": [deposit.address for deposit in seen],
        "customer_id": [deposit.customer_id for deposit in seen],
        "height": [deposit.height for deposit in seen],
        "block_hash": [deposit.block_hash for deposit in seen],
    }
    rows = await connection.execute(_RECORD_SEEN, columns)
    return [DepositId(row.id) for row in rows]


async def orphan_block(connection: AsyncConnection, chain: str, block_hash: str) -> list[DepositId]:
    """The block left the chain: its deposits stand in no block until they are seen in another.

    Taking back what was credited is the workflow's business; it is told at once.
    """
    rows = await connection.execute(
        update(deposits)
        .where(deposits.c.chain == chain, deposits.c.block_hash == block_hash)
        .values(height=None, block_hash=None, has_news=True, changed_at=func.now())
        .returning(deposits.c.id)
    )
    ids = [DepositId(row.id) for row in rows]
    details = {"block_hash": block_hash}
    if ids:
        await connection.execute(
            insert(deposit_events),
            [{"deposit_id": each, "event": "block_orphaned", "details": details} for each in ids],
        )
    return ids


async def claim_due(
    connection: AsyncConnection, chain: str, *, limit: int = 500, again_after_seconds: float = 30.0
) -> list[DueDeposit]:
    """Deposits whose workflow should be told: news from the chain, or a threshold was reached.

    Whoever claims tells them after the commit. What is still due later is claimed again, in case
    the telling was lost.
    """
    rows = await connection.execute(
        _CLAIM_DUE, {"chain": chain, "limit": limit, "again_after": again_after_seconds}
    )
    return [
        DueDeposit(
            DepositId(row.id),
            row.chain,
            row.asset,
            int(row.units),
            CustomerId(row.customer_id),
            DepositStatus(row.status),
        )
        for row in rows
    ]


async def unseen(
    connection: AsyncConnection,
    chain: str,
    waiting: Collection[str],
    *,
    older_than_seconds: float,
    limit: int = 200,
) -> list[str]:
    """Transactions whose deposits wait for their first block, though no mempool holds them now."""
    rows = await connection.scalars(
        select(deposits.c.txid)
        .distinct()
        .where(
            deposits.c.chain == chain,
            deposits.c.status == DepositStatus.DETECTED,
            deposits.c.height.is_(None),
            deposits.c.txid.not_in(waiting),
            deposits.c.first_seen_at < func.now() - timedelta(seconds=older_than_seconds),
        )
        .limit(limit)
    )
    return list(rows)


async def drop_unmined(connection: AsyncConnection, chain: str, txid: str) -> list[DepositId]:
    """A transaction that was replaced or forgotten: customers no longer see its deposits coming.

    Should it be mined after all, its deposits come back under the same identity.
    """
    rows = await connection.execute(
        select(deposits)
        .where(
            deposits.c.chain == chain,
            deposits.c.txid == txid,
            deposits.c.status == DepositStatus.DETECTED,
            deposits.c.height.is_(None),
        )
        .with_for_update()
    )
    found = rows.all()
    for row in found:
        await move(
            connection, row, DepositEvent.ORPHANED, {"why": "left the mempool"}, has_news=True
        )
    return [DepositId(row.id) for row in found]


async def lock(connection: AsyncConnection, deposit_id: str) -> Row[Any]:
    """The deposit's row, locked until the database transaction ends. Raises UnknownDeposit."""
    row = (
        await connection.execute(
            select(deposits).where(deposits.c.id == deposit_id).with_for_update()
        )
    ).one_or_none()
    if row is None:
        raise UnknownDeposit(f"there is no deposit {deposit_id}")
    return row


async def scanned_height(connection: AsyncConnection, chain: str) -> int:
    """Height of the last block fully scanned; -1 before the first."""
    height = await connection.scalar(
        select(chain_cursors.c.height).where(chain_cursors.c.chain == chain)
    )
    return -1 if height is None else int(height)


async def move(
    connection: AsyncConnection,
    row: Row[Any],
    event: DepositEvent,
    details: Mapping[str, object] | None = None,
    **values: object,
) -> DepositStatus:
    """Apply `event` to a locked row, with a line in its timeline. Raises WrongState."""
    status = after_deposit_event(DepositStatus(row.status), event)
    await connection.execute(
        update(deposits)
        .where(deposits.c.id == row.id)
        .values(**{"status": status, "nudged_at": None, "changed_at": func.now(), **values})
    )
    await connection.execute(
        insert(deposit_events).values(deposit_id=row.id, event=event, details=dict(details or {}))
    )
    return status


async def release(connection: AsyncConnection, row: Row[Any]) -> None:
    """Past the second threshold: what was credited may leave."""
    await move(connection, row, DepositEvent.RELEASED, withdrawable_at=func.now())


async def store_screening(
    connection: AsyncConnection, deposit_id: str, screening: Mapping[str, object]
) -> None:
    await connection.execute(
        update(deposits).where(deposits.c.id == deposit_id).values(screening=dict(screening))
    )


async def read(connection: AsyncConnection, deposit_id: str) -> tuple[Row[Any], int]:
    """The row and the scanned height of its chain. Raises UnknownDeposit."""
    row = (
        await connection.execute(select(deposits).where(deposits.c.id == deposit_id))
    ).one_or_none()
    if row is None:
        raise UnknownDeposit(f"there is no deposit {deposit_id}")
    return row, await scanned_height(connection, row.chain)


# What customers see --------------------------------------------------------------------------


async def list_for(
    connection: AsyncConnection,
    customer_id: CustomerId,
    *,
    before: Place | None = None,
    limit: int = 100,
) -> list[Mapping[str, Any]]:
    """Newest first from `before` on, each with its confirmations at the scanned height."""
    query = (
        select(deposits, chain_cursors.c.height.label("scanned_height"))
        .join(chain_cursors, chain_cursors.c.chain == deposits.c.chain, isouter=True)
        .where(deposits.c.customer_id == customer_id)
        .order_by(deposits.c.first_seen_at.desc(), deposits.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(below(deposits.c.first_seen_at, deposits.c.id, before))
    return [_shown(row) for row in await connection.execute(query)]


async def timeline(connection: AsyncConnection, deposit_id: str) -> list[Mapping[str, Any]]:
    """What happened to the deposit, oldest first."""
    rows = await connection.execute(
        select(deposit_events.c.at, deposit_events.c.event, deposit_events.c.details)
        .where(deposit_events.c.deposit_id == deposit_id)
        .order_by(deposit_events.c.id)
    )
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - the public name of a row's mapping


def _shown(row: Row[Any]) -> Mapping[str, Any]:
    shown = dict(row._mapping)  # noqa: SLF001 - the public name of a row's mapping
    scanned = shown.pop("scanned_height")
    shown["units"] = int(shown["units"])
    shown["confirmations"] = confirmations(row.height, scanned)
    return shown


def confirmations(height: int | None, scanned: int | None) -> int:
    if height is None or scanned is None:
        return 0
    return max(0, scanned - height + 1)
