"""Proofs of reserves in the database: written once, read by all; a customer reads one leaf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.challenge import Challenge
from domain.errors import UnknownReserves
from ledger.reserves import Leaf, Node, Step, Tree, path_places, steps
from storage.tables_reserves import (
    reserve_bundles as bundles,
)
from storage.tables_reserves import (
    reserve_holdings as holdings,
)
from storage.tables_reserves import (
    reserve_nodes as nodes,
)
from storage.tables_reserves import (
    reserve_signatures as signatures,
)

_ROWS_AT_ONCE = 2000

_OWED = text("""
    SELECT customer_id, asset, sum(balance) AS units FROM accounts
    WHERE kind IN ('customer_available', 'customer_held') GROUP BY customer_id, asset
""")
_CURSORS = text("SELECT chain, height, hash FROM chain_cursors")
_ASSETS = text("SELECT code FROM assets ORDER BY code")


@dataclass(frozen=True, slots=True)
class Block:
    height: int
    hash: str


@dataclass(frozen=True, slots=True)
class Liabilities:
    """What customers are owed at one moment, and up to which blocks the ledger knew the chains."""

    taken_at: datetime
    owed: Mapping[int, Mapping[str, int]]
    blocks: Mapping[str, Block]


@dataclass(frozen=True, slots=True)
class Holding:
    """What an address of ours had at the bundle's block, in units."""

    chain: str
    address: str
    asset: str
    units: int


@dataclass(frozen=True, slots=True)
class MadeProof:
    chain: str
    address: str
    format: str
    signature: str
    key_id: str | None


@dataclass(frozen=True, slots=True)
class Published:
    """A bundle as its rows have it."""

    id: str
    taken_at: datetime
    leaves: int
    root: Node
    blocks: Mapping[str, Block]
    holdings: Sequence[Holding]
    signatures: Sequence[MadeProof]


async def open_bundle(connection: AsyncConnection, bundle: str) -> None:
    await connection.execute(insert_once(bundles).values(id=bundle).on_conflict_do_nothing())


async def read_liabilities(connection: AsyncConnection) -> Liabilities:
    """All from the caller's one snapshot. Everybody who ever had an account has a leaf."""
    assets = list((await connection.scalars(_ASSETS)).all())
    owed: dict[int, dict[str, int]] = {}
    for row in await connection.execute(_OWED):
        owed.setdefault(row.customer_id, dict.fromkeys(assets, 0))[row.asset] = int(row.units)
    blocks = {row.chain: Block(row.height, row.hash) for row in await connection.execute(_CURSORS)}
    taken_at: datetime = (await connection.execute(text("SELECT now()"))).scalar_one()
    return Liabilities(taken_at, owed, blocks)


async def is_taken(connection: AsyncConnection, bundle: str) -> bool:
    found = await connection.scalar(select(bundles.c.root_hash).where(bundles.c.id == bundle))
    return found is not None


async def write_tree(
    connection: AsyncConnection, bundle: str, tree: Tree, taken: Liabilities
) -> None:
    """Keep the tree, once: a bundle's root never changes."""
    written = await connection.execute(
        update(bundles)
        .where(bundles.c.id == bundle, bundles.c.root_hash.is_(None))
        .values(
            taken_at=taken.taken_at,
            leaves=len(tree.leaves),
            root_hash=tree.root.hash,
            root_sums=_texts(tree.root.sums),
            blocks={c: {"height": b.height, "hash": b.hash} for c, b in taken.blocks.items()},
        )
    )
    assert written.rowcount == 1, "a bundle's liabilities were taken twice"
    rows = [
        {
            "bundle": bundle,
            "level": level,
            "position": position,
            "hash": node.hash,
            "sums": _texts(node.sums),
            "customer_id": tree.leaves[position].customer_id if level == 0 else None,
            "nonce": tree.leaves[position].nonce if level == 0 else None,
        }
        for level, found in enumerate(tree.levels)
        for position, node in enumerate(found)
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        await connection.execute(insert(nodes), rows[start : start + _ROWS_AT_ONCE])


async def write_holdings(
    connection: AsyncConnection, bundle: str, chain: str, found: Iterable[Holding]
) -> None:
    """What was counted last stands; addresses that hold nothing are left out."""
    await connection.execute(
        delete(holdings).where(holdings.c.bundle == bundle, holdings.c.chain == chain)
    )
    rows = [
        {"bundle": bundle, "chain": chain, "address": e.address, "asset": e.asset, "units": e.units}
        for e in found
        if e.units
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        await connection.execute(insert(holdings), rows[start : start + _ROWS_AT_ONCE])


async def blocks_of(connection: AsyncConnection, bundle: str) -> dict[str, Block]:
    found = await connection.scalar(select(bundles.c.blocks).where(bundles.c.id == bundle))
    return _blocks(found or {})


async def unsigned(connection: AsyncConnection, bundle: str, limit: int) -> list[Challenge]:
    """Challenges of addresses that hold something and nobody signed for, in a fixed order.

    Raises UnknownReserves before the liabilities are taken, and ValueError for a row that makes no
    challenge.
    """
    row = (await connection.execute(select(bundles).where(bundles.c.id == bundle))).one_or_none()
    if row is None or row.root_hash is None:
        raise UnknownReserves(f"the liabilities of {bundle} are not taken")
    place = tuple_(holdings.c.chain, holdings.c.address)
    done = select(signatures.c.chain, signatures.c.address).where(signatures.c.bundle == bundle)
    found = await connection.execute(
        select(holdings.c.chain, holdings.c.address)
        .distinct()
        .where(holdings.c.bundle == bundle, place.not_in(done))
        .order_by(holdings.c.chain, holdings.c.address)
        .limit(limit)
    )
    return [_challenge(row, each.chain, each.address) for each in found]


async def write_signatures(
    connection: AsyncConnection, bundle: str, made: Sequence[MadeProof]
) -> None:
    """The first signature of an address stays."""
    if not made:
        return
    rows = [
        {
            "bundle": bundle,
            "chain": each.chain,
            "address": each.address,
            "format": each.format,
            "signature": each.signature,
            "key_id": each.key_id,
        }
        for each in made
    ]
    await connection.execute(insert_once(signatures).values(rows).on_conflict_do_nothing())


async def publish(connection: AsyncConnection, bundle: str) -> None:
    """Everybody may read it from now on."""
    await connection.execute(
        update(bundles)
        .where(bundles.c.id == bundle, bundles.c.published_at.is_(None))
        .values(published_at=text("now()"))
    )


async def read_bundle(
    connection: AsyncConnection, bundle: str | None = None, *, published_only: bool = True
) -> Published:
    """This one, or the newest. Raises UnknownReserves."""
    wanted = select(bundles).where(bundles.c.root_hash.is_not(None))
    if published_only:
        wanted = wanted.where(bundles.c.published_at.is_not(None))
    if bundle is not None:
        wanted = wanted.where(bundles.c.id == bundle)
    newest = wanted.order_by(bundles.c.taken_at.desc()).limit(1)
    row = (await connection.execute(newest)).one_or_none()
    if row is None:
        raise UnknownReserves("no such proof of reserves was published")
    held = await connection.execute(
        select(holdings)
        .where(holdings.c.bundle == row.id)
        .order_by(holdings.c.asset, holdings.c.chain, holdings.c.address)
    )
    signed = await connection.execute(
        select(signatures)
        .where(signatures.c.bundle == row.id)
        .order_by(signatures.c.chain, signatures.c.address)
    )
    return Published(
        id=row.id,
        taken_at=row.taken_at,
        leaves=row.leaves,
        root=Node(row.root_hash, _units(row.root_sums)),
        blocks=_blocks(row.blocks),
        holdings=[Holding(e.chain, e.address, e.asset, int(e.units)) for e in held],
        signatures=[MadeProof(e.chain, e.address, e.format, e.signature, e.key_id) for e in signed],
    )


async def read_leaf(
    connection: AsyncConnection, bundle: Published, customer_id: int
) -> tuple[Leaf, list[Step]]:
    """A customer's leaf and its neighbours up to the root. Raises UnknownReserves."""
    row = (
        await connection.execute(
            select(nodes).where(nodes.c.bundle == bundle.id, nodes.c.customer_id == customer_id)
        )
    ).one_or_none()
    if row is None:
        raise UnknownReserves(
            "this proof of reserves has no leaf of yours: you had no account then"
        )
    places = path_places(row.position, bundle.leaves)
    near = await connection.execute(
        select(nodes).where(
            nodes.c.bundle == bundle.id, tuple_(nodes.c.level, nodes.c.position).in_(places)
        )
    )
    found = {(each.level, each.position): Node(each.hash, _units(each.sums)) for each in near}
    return Leaf(row.customer_id, row.nonce, _units(row.sums)), steps(places, found)


async def read_leaves(connection: AsyncConnection, bundle: str) -> list[Leaf]:
    """All of them, for an auditor: whoever has these knows what every customer owns."""
    found = await connection.execute(
        select(nodes).where(nodes.c.bundle == bundle, nodes.c.level == 0).order_by(nodes.c.position)
    )
    return [Leaf(each.customer_id, each.nonce, _units(each.sums)) for each in found]


def _challenge(row: Row[Any], chain: str, address: str) -> Challenge:
    block = _blocks(row.blocks)[chain]
    return Challenge(row.id, row.root_hash, chain, block.height, block.hash, address)


def _blocks(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Block]:
    return {chain: Block(int(each["height"]), each["hash"]) for chain, each in found.items()}


def _texts(sums: Mapping[str, int]) -> dict[str, str]:
    return {asset: str(units) for asset, units in sums.items()}


def _units(sums: Mapping[str, str]) -> dict[str, int]:
    return {asset: int(units) for asset, units in sums.items()}
