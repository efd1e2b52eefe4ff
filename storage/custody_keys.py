"""Seeds, xpubs, house wallets and token contracts: written once, when custody is set up.

What was stored is never replaced: another seed, xpub or wallet under a known name is refused,
because coins may already lie under the first.
"""

from __future__ import annotations

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import WrongState
from storage.addresses import Wallet
from storage.tables_custody import sealed_seeds, wallets, xpubs
from storage.tables_ledger import assets, journal_entries


async def lock_setup(connection: AsyncConnection) -> None:
    """One set-up at a time; until the database transaction ends."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('custody set-up'))"))


async def sealed_seed(connection: AsyncConnection, seed_id: str) -> bytes | None:
    found: bytes | None = await connection.scalar(
        select(sealed_seeds.c.ciphertext).where(sealed_seeds.c.id == seed_id)
    )
    return found


async def store_seed(
    connection: AsyncConnection, seed_id: str, key_id: str, ciphertext: bytes
) -> None:
    await connection.execute(
        insert(sealed_seeds).values(id=seed_id, key_id=key_id, ciphertext=ciphertext)
    )


async def store_xpub(
    connection: AsyncConnection, chain: str, xpub: str, path: str, seed_id: str
) -> None:
    """Store the active xpub of `chain`; storing it again changes nothing."""
    active = await connection.scalar(
        select(xpubs.c.xpub).where(xpubs.c.chain == chain, xpubs.c.active)
    )
    if active is None:
        await connection.execute(
            insert(xpubs).values(chain=chain, xpub=xpub, path=path, seed_id=seed_id)
        )
    elif active != xpub:
        raise WrongState(f"{chain} has another active xpub than seed {seed_id} makes")


async def store_wallet(connection: AsyncConnection, wallet: Wallet) -> None:
    """Store a house wallet; storing it again changes nothing."""
    await connection.execute(
        insert(wallets)
        .values(
            id=wallet.id,
            chain=wallet.chain,
            kind=wallet.kind,
            address=wallet.address,
            script=wallet.script,
            public_key=wallet.public_key,
            key_id=wallet.key_id,
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )
    address = await connection.scalar(select(wallets.c.address).where(wallets.c.id == wallet.id))
    if address != wallet.address:
        raise WrongState(f"wallet {wallet.id} is {address}, its key now makes {wallet.address}")


async def wallet_address(connection: AsyncConnection, wallet_id: str) -> str | None:
    found: str | None = await connection.scalar(
        select(wallets.c.address).where(wallets.c.id == wallet_id)
    )
    return found


async def list_contract(connection: AsyncConnection, asset: str, contract: str) -> None:
    """Allow-list the asset's token contract."""
    await connection.execute(update(assets).where(assets.c.code == asset).values(contract=contract))


async def is_posted(connection: AsyncConnection, entry_id: str) -> bool:
    count = await connection.scalar(
        select(func.count()).select_from(journal_entries).where(journal_entries.c.id == entry_id)
    )
    return bool(count)
