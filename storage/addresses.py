"""Deposit addresses: given out once, watched for ever.

An address is number `index` under an xpub. The xpub's row stays locked until its new addresses are
committed, so indexes become visible in order: a reader that asks for everything above the last
index it knows misses none. Deriving is the caller's business; this module never sees a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Unavailable
from domain.ids import CustomerId
from storage.tables_custody import deposit_addresses, wallets, xpubs
from storage.tables_ledger import assets

_CHAIN_COINS = frozenset({"BTC", "ETH"})
"""Assets that are a chain's own coin, and so have no contract."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What an xpub and an index lead to."""

    address: str
    script: bytes | None
    """Bitcoin's locking script; Ethereum has none."""


Derive = Callable[[str, int], Derived]
"""From xpub and index; pure."""


@dataclass(frozen=True, slots=True)
class DepositAddress:
    chain: str
    address: str
    customer_id: CustomerId
    index: int
    created_at: datetime
    verified_at: datetime | None = None
    """When the signer derived the same address."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One address as the listener wants it."""

    xpub_id: int
    index: int
    address: str
    script: bytes | None


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet of the house."""

    id: str
    chain: str
    kind: str
    address: str
    script: bytes | None
    public_key: bytes | None
    key_id: str | None


_COLUMNS = (
    deposit_addresses.c.chain,
    deposit_addresses.c.address,
    deposit_addresses.c.customer_id,
    deposit_addresses.c.index,
    deposit_addresses.c.created_at,
    deposit_addresses.c.verified_at,
)


_ISSUE = text("""
    INSERT INTO deposit_addresses (chain, xpub_id, address, customer_id, index, script)
    SELECT :chain, :xpub_id, d.* FROM unnest(
        CAST(:address AS text[]), CAST(:customer_id AS bigint[]), CAST(:index AS integer[]),
        CAST(:script AS bytea[])
    ) AS d(address, customer_id, index, script)
    RETURNING index, created_at
""")


async def current(
    connection: AsyncConnection, chain: str, customer_id: CustomerId
) -> DepositAddress | None:
    """The customer's newest address on `chain`. Older ones keep working."""
    row = (
        await connection.execute(
            select(*_COLUMNS)
            .where(
                deposit_addresses.c.chain == chain, deposit_addresses.c.customer_id == customer_id
            )
            .order_by(deposit_addresses.c.xpub_id.desc(), deposit_addresses.c.index.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else DepositAddress(*row)


async def current_or_new(
    connection: AsyncConnection, chain: str, customer_id: CustomerId, derive: Derive
) -> DepositAddress:
    """The customer's address, issued now if there is none. Two callers at once get the same one."""
    found = await current(connection, chain, customer_id)
    if found is not None:
        return found
    await _lock_xpub(connection, chain)
    found = await current(connection, chain, customer_id)  # The one before us may have issued it.
    return found or (await issue(connection, chain, [customer_id], derive))[0]


async def verified_at(connection: AsyncConnection, chain: str, address: str) -> datetime | None:
    """When the signer derived the same address; None: not yet."""
    found: datetime | None = await connection.scalar(
        select(deposit_addresses.c.verified_at).where(
            deposit_addresses.c.chain == chain, deposit_addresses.c.address == address
        )
    )
    return found


async def issue(
    connection: AsyncConnection, chain: str, customer_ids: Sequence[CustomerId], derive: Derive
) -> list[DepositAddress]:
    """A new address for each customer, in order. Raises Unavailable before the seed is planted."""
    row = (
        await connection.execute(
            update(xpubs)
            .where(xpubs.c.chain == chain, xpubs.c.active)
            .values(next_index=xpubs.c.next_index + len(customer_ids))
            .returning(xpubs.c.id, xpubs.c.xpub, xpubs.c.next_index)
        )
    ).one_or_none()
    if row is None:
        raise Unavailable(f"no deposit addresses on {chain} yet")
    first = row.next_index - len(customer_ids)
    indexes = list(range(first, row.next_index))
    derived = [derive(row.xpub, index) for index in indexes]
    written = await connection.execute(
        _ISSUE,
        {
            "chain": chain,
            "xpub_id": row.id,
            "address": [each.address for each in derived],
            "customer_id": list(customer_ids),
            "index": indexes,
            "script": [each.script for each in derived],
        },
    )
    created_at: dict[int, datetime] = {row[0]: row[1] for row in written}
    return [
        DepositAddress(chain, each.address, customer_id, index, created_at[index])
        for each, customer_id, index in zip(derived, customer_ids, indexes, strict=True)
    ]


async def watched_after(
    connection: AsyncConnection, chain: str, known: Mapping[int, int], *, limit: int = 50_000
) -> list[Watched]:
    """Addresses above the highest index `known` of each xpub id, lowest first; at most `limit`."""
    found: list[Watched] = []
    ids = await connection.scalars(select(xpubs.c.id).where(xpubs.c.chain == chain))
    for xpub_id in sorted(ids):
        rows = await connection.execute(
            select(
                deposit_addresses.c.xpub_id,
                deposit_addresses.c.index,
                deposit_addresses.c.address,
                deposit_addresses.c.script,
            )
            .where(
                deposit_addresses.c.xpub_id == xpub_id,
                deposit_addresses.c.index > known.get(xpub_id, -1),
            )
            .order_by(deposit_addresses.c.index)
            .limit(limit - len(found))
        )
        found += [Watched(*row) for row in rows]
        if len(found) == limit:
            break
    return found


async def owners(
    connection: AsyncConnection, chain: str, addresses: Sequence[str]
) -> dict[str, CustomerId]:
    """Whose addresses these are; addresses that are not ours are left out."""
    rows = await connection.execute(
        select(deposit_addresses.c.address, deposit_addresses.c.customer_id).where(
            deposit_addresses.c.chain == chain, deposit_addresses.c.address.in_(addresses)
        )
    )
    return {row.address: CustomerId(row.customer_id) for row in rows}


async def contracts(connection: AsyncConnection, chain: str) -> dict[str, str | None]:
    """Assets listed on `chain` with their token contract; None for the chain's own coin.

    A token without a contract yet (before it is deployed, in development) is left out.
    """
    rows = await connection.execute(
        select(assets.c.code, assets.c.contract)
        .where(assets.c.chain == chain)
        .order_by(assets.c.code)
    )
    listed = {row.code: row.contract for row in rows}
    return {
        code: contract
        for code, contract in listed.items()
        if contract is not None or code in _CHAIN_COINS
    }


async def house_wallets(connection: AsyncConnection, chain: str) -> list[Wallet]:
    rows = await connection.execute(
        select(
            wallets.c.id,
            wallets.c.chain,
            wallets.c.kind,
            wallets.c.address,
            wallets.c.script,
            wallets.c.public_key,
            wallets.c.key_id,
        )
        .where(wallets.c.chain == chain)
        .order_by(wallets.c.id)
    )
    return [Wallet(*row) for row in rows]


async def is_ours(connection: AsyncConnection, chain: str, address: str) -> bool:
    """Whether a payment to `address` would come back to us: a deposit address or a house wallet."""
    deposit = select(deposit_addresses.c.address).where(
        deposit_addresses.c.chain == chain, deposit_addresses.c.address == address
    )
    house = select(wallets.c.address).where(wallets.c.chain == chain, wallets.c.address == address)
    return await connection.scalar(union_all(deposit, house).limit(1)) is not None


async def _lock_xpub(connection: AsyncConnection, chain: str) -> None:
    await connection.execute(
        select(xpubs.c.id).where(xpubs.c.chain == chain, xpubs.c.active).with_for_update()
    )
