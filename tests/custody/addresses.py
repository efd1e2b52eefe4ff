"""Where the servers of a custody under test are, and how they are made ready for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from chains.ethereum.node import EthereumNode
from devstack.rented import Database, RentedStack
from devstack.seed_chains import SeedSettings, seed
from storage.engine import create_engine
from storage.tables_custody import wallets


@dataclass(frozen=True)
class Addresses:
    """Where the servers of a house are; plain text, so that another process can be told."""

    worker: str
    owner: str
    signer: str
    bitcoin: str
    ethereum: str
    temporal: str

    @classmethod
    def of(cls, stack: RentedStack, database: Database) -> Addresses:
        return cls(
            database.worker,
            database.owner,
            database.signer,
            stack.env["RIALTO_BITCOIN_RPC_URL"],
            stack.env["RIALTO_ETHEREUM_RPC_URL"],
            stack.env["RIALTO_TEMPORAL_ADDRESS"],
        )


async def prepare(addresses: Addresses) -> None:
    """Keys, hot wallets with funds on both chains, and no waiting for batches. Needs `aws`."""
    await seed(
        SeedSettings(
            database_url=addresses.owner,
            bitcoin_rpc_url=addresses.bitcoin,
            ethereum_rpc_url=addresses.ethereum,
        )
    )
    owner = create_engine(addresses.owner)
    node = EthereumNode.connect(addresses.ethereum, 31337)
    async with owner.begin() as connection:
        await connection.execute(text("UPDATE chain_policies SET batch_window_seconds = 0"))
    await continue_nonces(owner, node)
    await node.close()
    await owner.dispose()


async def continue_nonces(owner: AsyncEngine, node: EthereumNode) -> None:
    """For a new database on an old chain: tests before this one used the same hot wallet."""
    hot = wallets.c.id == "hot-ethereum"
    async with owner.begin() as connection:
        address = (await connection.scalars(select(wallets.c.address).where(hot))).one()
        nonce = await node.transaction_count(address, "pending")
        await connection.execute(update(wallets).where(hot).values(next_nonce=nonce))
