"""A house with customers, for tests of the listener: addresses given out, chains that pay them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.custody_setup import seal_deposit_seed
from activities.listening.reader import ChainReader
from activities.listening.walk import ChainWalk, SecondOpinion, Step, WalkPolicy
from chains.bitcoin import addresses as bitcoin_addresses
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum import addresses as ethereum_addresses
from chains.ethereum.node import EthereumNode
from devstack.chain_funds import MINER_WALLET, ensure_wallet, receipt_of, send_from_dev_account
from devstack.seed_chains import CONTRACTS
from domain.ids import CustomerId, TxId
from storage.addresses import Derived, issue
from storage.blocks import hash_at
from storage.tables_custody import chain_events, deposits
from streams.aws import client

REGTEST = network("regtest")
BITCOIN_PER_BLOCK = 50
_STEPS_MAX = 2_000


def derive_bitcoin(xpub: str, index: int) -> Derived:
    address = bitcoin_addresses.deposit_address(xpub, index, REGTEST)
    return Derived(address, bitcoin_addresses.parse_address(address, REGTEST).locking_script)


def derive_ethereum(xpub: str, index: int) -> Derived:
    return Derived(ethereum_addresses.deposit_address(xpub, index), None)


async def plant(owner_engine: AsyncEngine) -> None:
    """Seal a seed and store its xpubs, as a new stack does."""
    await seal_deposit_seed(owner_engine, client("kms"), REGTEST)


async def addresses_for(engine: AsyncEngine, chain: str, count: int, first: int = 1) -> list[str]:
    """Addresses of customers `first`, `first + 1`, ..."""
    derive = derive_bitcoin if chain == "bitcoin" else derive_ethereum
    customers = [CustomerId(number) for number in range(first, first + count)]
    async with engine.begin() as connection:
        return [each.address for each in await issue(connection, chain, customers, derive)]


@dataclass
class Followed:
    """A walk and what it wrote."""

    engine: AsyncEngine
    walk: ChainWalk

    async def to_tip(self) -> list[Step]:
        """Step until there is nothing to do at once."""
        steps = []
        for _ in range(_STEPS_MAX):
            steps.append(await self.walk.step())
            if steps[-1] in (Step.WAITING, Step.HALTED):
                return steps
        raise AssertionError(f"no rest after {_STEPS_MAX} steps")

    async def deposits(self) -> dict[str, Any]:
        """Deposit rows by id."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(select(deposits).order_by(deposits.c.id))
            return {row.id: row for row in rows}

    async def events(self, *kinds: str) -> list[dict[str, Any]]:
        async with self.engine.connect() as connection:
            rows = await connection.execute(select(chain_events.c.body).order_by(chain_events.c.id))
            return [row.body for row in rows if not kinds or row.body["kind"] in kinds]

    async def hash_at(self, height: int) -> str | None:
        async with self.engine.connect() as connection:
            return await hash_at(connection, self.walk.chain, height)

    async def halted_reason(self) -> str | None:
        async with self.engine.connect() as connection:
            reason: str | None = await connection.scalar(
                text("SELECT halted_reason FROM chain_cursors WHERE chain = :chain"),
                {"chain": self.walk.chain},
            )
            return reason


async def follow(
    engine: AsyncEngine, reader: ChainReader, second: SecondOpinion | None = None, **policy: int
) -> Followed:
    """Start following at the node's tip, or go on where the database says."""
    followed = Followed(engine, ChainWalk(engine, reader, WalkPolicy(**policy), second))
    await followed.to_tip()
    return followed


class Miner:
    """The outside world on regtest: an external wallet that also finds the blocks."""

    def __init__(self, node: BitcoinNode) -> None:
        self.node = node
        self.wallet = node.wallet(MINER_WALLET)

    async def prepare(self) -> None:
        await ensure_wallet(self.node, MINER_WALLET)
        if await self.node.call("getblockcount") < 120:
            await self.mine(120)

    async def mine(self, count: int = 1) -> list[str]:
        address = await self.wallet.call("getnewaddress")
        return list(await self.node.call("generatetoaddress", count, address))

    async def mine_empty(self) -> str:
        """A block that leaves the mempool alone."""
        address = await self.wallet.call("getnewaddress")
        answer = await self.node.call("generateblock", address, [])
        return str(answer["hash"])

    async def pay(self, address: str, amount: str) -> str:
        return str(await self.wallet.call("sendtoaddress", address, amount))

    async def pay_many(self, amounts: dict[str, str]) -> str:
        return str(await self.wallet.call("sendmany", "", amounts))


class Outside:
    """The outside world on anvil: an account that pays and deploys."""

    def __init__(self, node: EthereumNode) -> None:
        self.node = node
        self._compiled = json.loads(Path(CONTRACTS).read_text(encoding="utf-8"))

    async def pay(self, to: str, wei: int) -> str:
        return await self._send(to, wei=wei)

    async def deploy(self, name: str) -> str:
        """Deploy one of the test contracts; returns its address, checksummed."""
        data = bytes.fromhex(self._compiled[name]["bytecode"][2:])
        contract = await send_from_dev_account(self.node, None, data=data)
        assert contract is not None
        return ethereum_addresses.parse_address(contract)

    async def call(self, contract: str, data: bytes, wei: int = 0) -> str:
        return await self._send(contract, wei=wei, data=data)

    async def mine(self, count: int = 1) -> None:
        await self.node.call("anvil_mine", hex(count))

    async def _send(self, to: str, *, wei: int = 0, data: bytes = b"") -> str:
        """Send from anvil's first account, unlocked on the node, and wait for the block."""
        txid = await self.node.call(
            "eth_sendTransaction",
            {
                "from": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
                "to": to,
                "value": hex(wei),
                "data": "0x" + data.hex(),
            },
        )
        await receipt_of(self.node, TxId(txid))
        return str(txid)
