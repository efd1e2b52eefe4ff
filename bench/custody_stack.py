"""Custody on servers of its own: every process that moves coins, and both nodes.

Nothing is shared with a running exchange: other ports, and a folder that is removed at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.chain_tie import ChainTie
from bench.processors import processor_seconds
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from devstack.chain_funds import MINER_WALLET
from devstack.rented import Database, RentedStack, elsewhere
from domain.ids import CustomerId, EntryId
from domain.money import AssetCode
from ledger.account import AccountKind, available, house
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage.audit import audit_ledger
from storage.audit_chain import verify_chain
from storage.engine import create_engine
from storage.ledger import Ledger
from storage.tables_customers import customers
from streams.aws import pointed_at
from streams.temporal import connect

DURABILITY = (
    "commits with fsync; a block, its deposits and its cursor together; a credit and its ledger "
    "entry together; signed bytes before they are sent"
)
PROCESSES = (
    "event_listener",
    "workflow_worker",
    "compliance_worker",
    "bitcoin_worker",
    "ethereum_worker",
    "signer_worker",
)
SERVERS = ("postgres", "temporal", "ministack", "roto", "bitcoind", "anvil")
_TIER = 3
_LOOK_SECONDS = 0.01
"""How often a watcher looks: what it measures is late by at most so much."""
_numbers = count(700_000)


@dataclass(frozen=True)
class _Settings:
    temporal_address: str
    temporal_namespace: str


@dataclass
class CustodyStack:
    engine: AsyncEngine
    owner: AsyncEngine
    ledger: Ledger
    client: Client
    bitcoin: BitcoinNode
    ethereum: EthereumNode
    rented: RentedStack

    def processor_seconds(self) -> dict[str, float]:
        """Of each process and server so far."""
        return processor_seconds(self.rented, (*PROCESSES, *SERVERS))

    async def customers(self, number: int) -> list[CustomerId]:
        """New ones of the highest tier."""
        found = [CustomerId(next(_numbers)) for _ in range(number)]
        async with self.owner.begin() as connection:
            await connection.execute(
                insert(customers),
                [
                    {"id": each, "email": f"bench{each}@example.test", "kyc_tier": _TIER}
                    for each in found
                ],
            )
        return found

    async def give(self, who: Sequence[CustomerId], asset: str, units: int) -> None:
        """From the house's own coins, which stand in its hot wallet."""
        code = AssetCode(asset)
        capital = house(AccountKind.HOUSE_CAPITAL, code)
        await asyncio.gather(
            *(
                self.ledger.post(
                    JournalEntry(
                        EntryId(f"bench:{asset}:{customer}"),
                        EntryReason.ADJUSTMENT,
                        "benchmark",
                        (Transfer(capital, available(customer, code), units),),
                    )
                )
                for customer in who
            )
        )

    async def set(self, statement: str) -> None:
        """Change the house's rules, as its owner."""
        async with self.owner.begin() as connection:
            await connection.execute(text(statement))

    async def pay_many(self, amounts: dict[str, str]) -> str:
        """One transaction of a stranger's wallet."""
        return str(await self.bitcoin.wallet(MINER_WALLET).call("sendmany", "", amounts))

    async def mine(self) -> None:
        """One block on each chain."""
        address = await self.bitcoin.wallet(MINER_WALLET).call("getnewaddress")
        await self.bitcoin.call("generatetoaddress", 1, address)
        await self.ethereum.call("anvil_mine", "0x1")

    async def conservation(self) -> str:
        """`ok`, or what is off: the ledger, its hash chain, or the ties with both chains."""
        findings = [*await audit_ledger(self.engine), *(await verify_chain(self.engine)).findings]
        if findings:
            return str(findings[0])
        tie = ChainTie(self.engine, self.bitcoin, self.ethereum)
        for chain in ("bitcoin", "ethereum"):
            for each in await tie.ties(chain):
                if each.difference_units:
                    return f"{each.asset} is off its chain by {each.difference_units} units"
        return "ok"


@asynccontextmanager
async def custody_stack() -> AsyncIterator[CustodyStack]:
    stack = await asyncio.to_thread(_rent)
    try:
        with pointed_at(stack.env):
            async with _connected(stack) as connected:
                yield connected
    finally:
        await asyncio.to_thread(stack.close)


async def watch(seconds: float, look: Callable[[], Coroutine[Any, Any, bool]], what: str) -> None:
    """Look until `look` says that it saw everything. Raises AssertionError after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await look():
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(_LOOK_SECONDS)


def _rent() -> RentedStack:
    stack = RentedStack(RIALTO_DURABLE="yes", RIALTO_ETHEREUM_BLOCKS="keeper")
    elsewhere(lambda: stack.require(*PROCESSES))
    return stack


@asynccontextmanager
async def _connected(stack: RentedStack) -> AsyncIterator[CustodyStack]:
    database, env = Database(stack.site, "rialto"), stack.env
    async with AsyncExitStack() as closing:
        engine, owner = create_engine(database.worker), create_engine(database.owner)
        for each in (engine, owner):
            closing.push_async_callback(each.dispose)
        ledger = await Ledger.open(engine)
        closing.push_async_callback(ledger.close)
        bitcoin = BitcoinNode.connect(
            env["RIALTO_BITCOIN_RPC_URL"], network("regtest"), timeout_seconds=60
        )
        closing.push_async_callback(bitcoin.close)
        ethereum = EthereumNode.connect(env["RIALTO_ETHEREUM_RPC_URL"], 31337)
        closing.push_async_callback(ethereum.close)
        settings = _Settings(env["RIALTO_TEMPORAL_ADDRESS"], env["RIALTO_TEMPORAL_NAMESPACE"])
        client = await connect(settings)
        yield CustodyStack(engine, owner, ledger, client, bitcoin, ethereum, stack)
