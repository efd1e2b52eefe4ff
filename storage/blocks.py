"""The chain of blocks as we followed it: which block stood where, and which were taken back.

A cursor moves one block at a time, in the database transaction that records the block and what it
pays to us. Blocks that left the chain stay as rows with the time they were orphaned.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.tables_custody import blocks, chain_cursors, chain_events, custody_assets
from storage.tables_ledger import assets
from storage.tables_payments import payment_attempts, payment_outputs, utxos


@dataclass(frozen=True, slots=True)
class BlockRow:
    chain: str
    height: int
    hash: str
    parent_hash: str
    mined_at: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last block fully scanned."""

    height: int
    hash: str
    halted_reason: str | None


@dataclass(frozen=True, slots=True)
class OwnOutput:
    """A Bitcoin output that we can spend."""

    txid: str
    vout: int
    address: str
    script: bytes
    units: int
    wallet_id: str | None
    """None: it stands on a deposit address."""


class CursorMoved(Exception):
    """Another listener moved the cursor meanwhile; ours must read it again."""


@asynccontextmanager
async def exclusive(engine: AsyncEngine, chain: str) -> AsyncIterator[bool]:
    """Whether we are the one listener of `chain`, for as long as the block runs.

    The lock is the database session's: a killed listener loses it at once, and another takes over.
    """
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        key = {"key": f"listener {chain}"}
        got = await autocommit.scalar(text("SELECT pg_try_advisory_lock(hashtext(:key))"), key)
        try:
            yield bool(got)
        finally:
            await autocommit.execute(text("SELECT pg_advisory_unlock(hashtext(:key))"), key)


async def cursor(connection: AsyncConnection, chain: str) -> Cursor | None:
    row = (
        await connection.execute(
            select(
                chain_cursors.c.height, chain_cursors.c.hash, chain_cursors.c.halted_reason
            ).where(chain_cursors.c.chain == chain)
        )
    ).one_or_none()
    return None if row is None else Cursor(*row)


async def begin(connection: AsyncConnection, block: BlockRow) -> None:
    """Start following a chain at `block`, counted as scanned. A second start changes nothing."""
    await _write_block(connection, block)
    await connection.execute(
        insert(chain_cursors)
        .values(chain=block.chain, height=block.height, hash=block.hash, node_height=block.height)
        .on_conflict_do_nothing()
    )


async def advance(
    connection: AsyncConnection, block: BlockRow, previous_hash: str, *, node_height: int
) -> None:
    """Move the cursor onto `block`. Raises CursorMoved unless it stood on its parent."""
    assert block.parent_hash == previous_hash, "a block follows its parent"
    await _write_block(connection, block)
    await _move_cursor(connection, block, previous_hash, node_height)


async def step_back(connection: AsyncConnection, chain: str, top: Cursor) -> Cursor:
    """Take the top block off our chain and put the cursor on its parent."""
    parent_hash = await connection.scalar(
        update(blocks)
        .where(blocks.c.chain == chain, blocks.c.hash == top.hash)
        .values(orphaned_at=func.now())
        .returning(blocks.c.parent_hash)
    )
    parent = (
        await connection.execute(
            select(
                blocks.c.chain,
                blocks.c.height,
                blocks.c.hash,
                blocks.c.parent_hash,
                blocks.c.mined_at,
            ).where(blocks.c.chain == chain, blocks.c.hash == parent_hash)
        )
    ).one_or_none()
    assert parent is not None, "a reorg below the first block we ever followed"
    await _move_cursor(connection, BlockRow(*parent), top.hash, None)
    return Cursor(parent.height, parent.hash, None)


async def hash_at(connection: AsyncConnection, chain: str, height: int) -> str | None:
    """Hash of the block that stands at `height` on the chain we follow."""
    found: str | None = await connection.scalar(
        select(blocks.c.hash).where(
            blocks.c.chain == chain, blocks.c.height == height, blocks.c.orphaned_at.is_(None)
        )
    )
    return found


async def standing(connection: AsyncConnection, chain: str, hashes: Sequence[str]) -> set[str]:
    """Those of the blocks that are on the chain we follow."""
    rows = await connection.scalars(
        select(blocks.c.hash).where(
            blocks.c.chain == chain, blocks.c.hash.in_(hashes), blocks.c.orphaned_at.is_(None)
        )
    )
    return set(rows)


async def lowest_height(connection: AsyncConnection, chain: str) -> int | None:
    """Height of the lowest block we know; everything from there to the cursor is known."""
    found: int | None = await connection.scalar(
        select(func.min(blocks.c.height)).where(
            blocks.c.chain == chain, blocks.c.orphaned_at.is_(None)
        )
    )
    return found


async def hold_cursor(connection: AsyncConnection, chain: str) -> None:
    """Keep the cursor where it is until the database transaction ends."""
    await connection.execute(
        select(chain_cursors.c.chain)
        .where(chain_cursors.c.chain == chain)
        .with_for_update(read=True)
    )


async def remember(connection: AsyncConnection, block: BlockRow) -> None:
    """Know a block below those we followed."""
    await _write_block(connection, block)


async def halt(connection: AsyncConnection, chain: str, reason: str | None) -> bool:
    """Say why the walk stands still, or, with None, that it goes on. True when that is news."""
    changed = await connection.execute(
        update(chain_cursors)
        .where(
            chain_cursors.c.chain == chain,
            chain_cursors.c.halted_reason.is_distinct_from(reason),
        )
        .values(halted_reason=reason, updated_at=func.now())
    )
    return bool(changed.rowcount)


async def note_node_height(connection: AsyncConnection, chain: str, height: int) -> None:
    await connection.execute(
        update(chain_cursors)
        .where(chain_cursors.c.chain == chain, chain_cursors.c.node_height != height)
        .values(node_height=height)
    )


async def stop_withdrawals(connection: AsyncConnection, chain: str, reason: str) -> None:
    """Pause withdrawals of every asset on `chain`; staff lift the pause."""
    on_chain = select(assets.c.code).where(assets.c.chain == chain)
    await connection.execute(
        update(custody_assets)
        .where(custody_assets.c.asset.in_(on_chain))
        .values(withdraw_enabled=False, pause_reason=reason)
    )


async def paid_by_us(connection: AsyncConnection, txids: Sequence[str]) -> set[tuple[str, str]]:
    """(txid, address) of outputs that our own payments made: gas for a sweep is no deposit."""
    rows = await connection.execute(
        select(payment_attempts.c.txid, payment_outputs.c.address)
        .join(payment_outputs, payment_outputs.c.payment_id == payment_attempts.c.payment_id)
        .where(payment_attempts.c.txid.in_(txids))
    )
    return {(row.txid, row.address) for row in rows}


# Our outputs on Bitcoin.

_RECORD_OUTPUTS = text("""
    INSERT INTO utxos (txid, vout, address, script, units, wallet_id, height, block_hash)
    SELECT o.*, :height, :block_hash FROM unnest(
        CAST(:txid AS text[]), CAST(:vout AS integer[]), CAST(:address AS text[]),
        CAST(:script AS bytea[]), CAST(:units AS numeric[]), CAST(:wallet_id AS text[])
    ) AS o(txid, vout, address, script, units, wallet_id)
    ON CONFLICT (txid, vout) DO UPDATE
        SET height = excluded.height, block_hash = excluded.block_hash
""")

_RECORD_SPENDS = text("""
    UPDATE utxos u
    SET spent_txid = s.spender, spent_height = :height, spent_block_hash = :block_hash
    FROM unnest(
        CAST(:txid AS text[]), CAST(:vout AS integer[]), CAST(:spender AS text[])
    ) AS s(txid, vout, spender)
    WHERE u.txid = s.txid AND u.vout = s.vout
""")


async def record_outputs(
    connection: AsyncConnection, outputs: Sequence[OwnOutput], block: BlockRow
) -> None:
    """Outputs to our scripts that `block` holds; seen again in another block, they move there."""
    if not outputs:
        return
    await connection.execute(
        _RECORD_OUTPUTS,
        {
            "txid": [output.txid for output in outputs],
            "vout": [output.vout for output in outputs],
            "address": [output.address for output in outputs],
            "script": [output.script for output in outputs],
            "units": [output.units for output in outputs],
            "wallet_id": [output.wallet_id for output in outputs],
            "height": block.height,
            "block_hash": block.hash,
        },
    )


async def record_unconfirmed(connection: AsyncConnection, output: OwnOutput) -> None:
    """An output that waits for its first block; known already, it is left as it is."""
    await connection.execute(
        insert(utxos)
        .values(
            txid=output.txid,
            vout=output.vout,
            address=output.address,
            script=output.script,
            units=output.units,
            wallet_id=output.wallet_id,
        )
        .on_conflict_do_nothing(index_elements=["txid", "vout"])
    )


async def record_spends(
    connection: AsyncConnection, spends: Sequence[tuple[str, int, str]], block: BlockRow
) -> None:
    """Outpoints (txid, vout) spent in `block` and by which txid; those not ours are ignored."""
    if not spends:
        return
    await connection.execute(
        _RECORD_SPENDS,
        {
            "txid": [spend[0] for spend in spends],
            "vout": [spend[1] for spend in spends],
            "spender": [spend[2] for spend in spends],
            "height": block.height,
            "block_hash": block.hash,
        },
    )


async def orphan_outputs(connection: AsyncConnection, block_hash: str) -> None:
    """Undo what a block that left the chain said of our outputs."""
    parameters = {"block_hash": block_hash}
    await connection.execute(
        text("""
            UPDATE utxos SET height = NULL, block_hash = NULL WHERE block_hash = :block_hash
        """),
        parameters,
    )
    await connection.execute(
        text("""
            UPDATE utxos SET spent_txid = NULL, spent_height = NULL, spent_block_hash = NULL
            WHERE spent_block_hash = :block_hash
        """),
        parameters,
    )


# The outbox of the event stream.


async def add_events(
    connection: AsyncConnection, chain: str, bodies: Sequence[dict[str, object]]
) -> None:
    if bodies:
        await connection.execute(
            insert(chain_events), [{"chain": chain, "body": body} for body in bodies]
        )


async def unpublished_events(
    connection: AsyncConnection, chain: str, *, limit: int = 500
) -> list[tuple[int, dict[str, object]]]:
    """Oldest first, each body with its `sequence` and `at_ms`.

    One listener per chain publishes, so an id never appears below one read.
    """
    rows = await connection.execute(
        select(chain_events.c.id, chain_events.c.body, chain_events.c.at)
        .where(chain_events.c.chain == chain, chain_events.c.published_at.is_(None))
        .order_by(chain_events.c.id)
        .limit(limit)
    )
    return [
        (row.id, {**row.body, "sequence": row.id, "at_ms": int(row.at.timestamp() * 1000)})
        for row in rows
    ]


async def mark_published(connection: AsyncConnection, ids: Sequence[int]) -> None:
    await connection.execute(
        update(chain_events).where(chain_events.c.id.in_(ids)).values(published_at=func.now())
    )


async def _write_block(connection: AsyncConnection, block: BlockRow) -> None:
    """A block may come back to the chain after it was orphaned."""
    await connection.execute(
        insert(blocks)
        .values(
            chain=block.chain,
            hash=block.hash,
            height=block.height,
            parent_hash=block.parent_hash,
            mined_at=block.mined_at,
        )
        .on_conflict_do_update(
            index_elements=["chain", "hash"],
            set_={"orphaned_at": None, "scanned_at": func.now()},
        )
    )


async def _move_cursor(
    connection: AsyncConnection, block: BlockRow, from_hash: str, node_height: int | None
) -> None:
    moved = await connection.execute(
        update(chain_cursors)
        .where(chain_cursors.c.chain == block.chain, chain_cursors.c.hash == from_hash)
        .values(
            height=block.height,
            hash=block.hash,
            halted_reason=None,
            updated_at=func.now(),
            **({} if node_height is None else {"node_height": node_height}),
        )
    )
    if moved.rowcount != 1:
        raise CursorMoved(f"the cursor of {block.chain} no longer stands on {from_hash}")
