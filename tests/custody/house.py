"""A whole custody in one process: real nodes, Postgres, KMS and Temporal, our activities, no mains.

The listener is stepped by hand, so that a test decides when the exchange sees a block.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

from eth_account import Account
from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import Client

from activities.bitcoin_treasury import BitcoinTreasury
from activities.chain_tie import ChainTie
from activities.deposits import DepositActivities
from activities.ethereum_treasury import EthereumTreasury
from activities.listening.bitcoin import BitcoinReader
from activities.listening.ethereum import EthereumReader
from activities.payment_repairs import RepairActivities
from activities.payment_watch import PaymentWatch
from activities.payments import PaymentActivities
from activities.reconciliation import ReconciliationActivities
from activities.screening_messages import Screening
from activities.signing import KeyRing, SigningActivities
from activities.treasury import TreasuryActivities
from activities.withdrawals import WithdrawalActivities
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from domain.ids import CustomerId
from domain.money import AssetCode
from ledger.account import AccountKind, AccountRef, available
from ledger.account import house as house_account
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage import custody_policy, deposits, payments, withdrawals
from storage.catalog import Catalog, read_catalog
from storage.engine import create_engine
from storage.ledger import Ledger
from storage.tables_custody import deposits as deposit_table
from storage.tables_custody import wallets
from storage.tables_custody import withdrawals as withdrawal_table
from storage.tables_customers import customers
from storage.tables_payments import payment_attempts
from storage.withdrawals import WithdrawalRequest
from streams.aws import client as aws_client
from streams.notices import NoNotices
from streams.temporal import data_converter
from tests.chains.house import (
    Followed,
    Miner,
    Outside,
    addresses_for,
    follow,
)
from tests.custody.addresses import Addresses
from workers.chain_worker import Chain, teller
from workers.temporal_worker import Queue, build_worker
from workers.withdrawal_relay import WithdrawalRelay
from workers.workflow_worker import MONEY_WORKFLOWS
from workflows.start import Subject, start_deposit, start_withdrawal

BTC, ETH, USDT = AssetCode("BTC"), AssetCode("ETH"), AssetCode("USDT")
COIN, ETHER, DOLLAR = 10**8, 10**18, 10**6
_numbers = count(50_000)
_PATIENCE_SECONDS = 180.0


@dataclass
class Desk:
    """What stands behind `screen_address` in tests: clear, unless a test says otherwise."""

    verdicts: dict[str, Screening] = field(default_factory=dict)
    """By address."""

    @activity.defn(name="screen_address")
    async def screen_address(self, asked: dict[str, Any]) -> Screening:
        for address in asked["addresses"]:
            if address in self.verdicts:
                return self.verdicts[address]
        return Screening(is_clear=True)


@dataclass
class House:
    engine: AsyncEngine
    owner: AsyncEngine
    signer: AsyncEngine
    ledger: Ledger
    catalog: Catalog
    bitcoin: Chain
    ethereum: Chain
    keys: KeyRing
    miner: Miner
    outside: Outside
    walks: dict[str, Followed]
    tie: ChainTie
    desk: Desk = field(default_factory=Desk)
    client: Client | None = None

    # Customers and money ------------------------------------------------------------------

    async def customer(self, tier: int = 3) -> CustomerId:
        number = next(_numbers)
        async with self.owner.begin() as connection:
            await connection.execute(
                insert(customers).values(
                    id=number, email=f"{uuid4().hex}@example.test", kyc_tier=tier
                )
            )
        return CustomerId(number)

    async def address(self, customer_id: CustomerId, chain: str) -> str:
        [address] = await addresses_for(self.engine, chain, 1, first=customer_id)
        return address

    async def balance(self, customer_id: CustomerId, asset: AssetCode) -> tuple[int, int]:
        """Available and held units."""
        found = {each.asset: each for each in await self.ledger.balances(customer_id)}
        each = found.get(asset)
        return (each.available_units, each.held_units) if each else (0, 0)

    async def give(self, customer_id: CustomerId, asset: AssetCode, units: int) -> None:
        """The house makes a present: coins it has anyway."""
        await self._transfer(
            house_account(AccountKind.HOUSE_CAPITAL, asset), available(customer_id, asset), units
        )

    async def move(
        self, debit: CustomerId, credit: CustomerId, asset: AssetCode, units: int
    ) -> None:
        """As a trade would."""
        await self._transfer(available(debit, asset), available(credit, asset), units)

    async def _transfer(self, debit: AccountRef, credit: AccountRef, units: int) -> None:
        transfer = Transfer(debit, credit, units)
        name = f"test:{uuid4()}"
        await self.ledger.post(
            JournalEntry(name, EntryReason.ADJUSTMENT, name, (transfer,))  # type: ignore[arg-type]
        )

    # Chains -------------------------------------------------------------------------------

    async def scan(self) -> None:
        """The listener catches up, and the watches look."""
        for walk in self.walks.values():
            await walk.to_tip()

    async def mine(self, chain: str, blocks: int = 1) -> None:
        if chain == "bitcoin":
            await self.miner.mine(blocks)
        else:
            await self.outside.mine(blocks)
        await self.scan()

    # Rows ---------------------------------------------------------------------------------

    async def deposit_of(self, txid: str) -> Row[Any]:
        async with self.engine.connect() as connection:
            return (
                await connection.execute(select(deposit_table).where(deposit_table.c.txid == txid))
            ).one()

    async def withdrawal(self, withdrawal_id: str) -> Row[Any]:
        async with self.engine.connect() as connection:
            return await withdrawals.find(connection, withdrawal_id)

    async def attempts(self, payment_id: str) -> Sequence[Row[Any]]:
        async with self.engine.connect() as connection:
            return (
                await connection.execute(
                    select(payment_attempts)
                    .where(payment_attempts.c.payment_id == payment_id)
                    .order_by(payment_attempts.c.attempt)
                )
            ).all()

    async def request(
        self,
        customer_id: CustomerId,
        asset: AssetCode,
        units: int,
        address: str,
        *,
        key: str = "",
        memo: str = "",
    ) -> Row[Any]:
        wanted = WithdrawalRequest(
            customer_id, key or uuid4().hex, asset, units, address, memo=memo
        )
        return (await withdrawals.request(self.ledger, wanted)).row

    async def set(self, statement: str, **values: object) -> None:
        """Change the house's rules, as its owner."""
        async with self.owner.begin() as connection:
            await connection.execute(text(statement), values)

    async def hot_address(self, chain: str) -> str:
        async with self.engine.connect() as connection:
            address: str = (
                await connection.scalars(
                    select(wallets.c.address).where(wallets.c.id == f"hot-{chain}")
                )
            ).one()
            return address

    # Conservation -------------------------------------------------------------------------

    async def assert_tied(self) -> None:
        """The books agree with both chains, to the unit."""
        await self.scan()
        for chain in ("bitcoin", "ethereum"):
            for tie in await self.tie.ties(chain):
                assert tie.difference_units == 0, tie

    # Workflows ----------------------------------------------------------------------------

    async def tell(self) -> None:
        """What the outboxes do in the mains: tell deposits, withdrawals and payments."""
        assert self.client is not None
        for chain in ("bitcoin", "ethereum"):
            async with self.engine.begin() as connection:
                due = await deposits.claim_due(connection, chain, again_after_seconds=5)
            for each in due:
                await start_deposit(self.client, each.id, _subject(each))
            paying = self.bitcoin if chain == "bitcoin" else self.ethereum
            await PaymentWatch(self.engine, paying, teller(self.client, self.engine)).look()
        await WithdrawalRelay(self.engine, self.client, self.catalog).tell()

    async def start(self, row: Row[Any]) -> Any:
        assert self.client is not None
        return await start_withdrawal(self.client, row.id, _subject(row))

    async def until(self, what: str, found: Callable[[], Any], *, tell: bool = True) -> Any:
        """Tell and look until `found` (a coroutine function) answers something true."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if tell:
                await self.tell()
            answer = await found()
            if answer:
                return answer
            await asyncio.sleep(0.1)
        raise AssertionError(f"not within {_PATIENCE_SECONDS:g} s: {what}")

    async def until_status(self, withdrawal_id: str, *statuses: str) -> Row[Any]:
        async def reached() -> Row[Any] | None:
            row = await self.withdrawal(withdrawal_id)
            return row if row.status in statuses else None

        return await self.until(f"withdrawal {' or '.join(statuses)}", reached)

    async def until_mined(self, withdrawal_id: str) -> None:
        """Mine until the withdrawal's transaction is as deep as it must be."""

        async def is_deep() -> bool:
            row = await self.withdrawal(withdrawal_id)
            await self.mine(row.chain)
            async with self.engine.connect() as connection:
                payment = await payments.read(connection, row.payment_id)
                policy = await custody_policy.read_chain(connection, row.chain)
                tip = await deposits.scanned_height(connection, row.chain)
            depth = deposits.confirmations(payment.height, tip)
            return depth >= policy.withdrawal_confirmations

        await self.until("the payment is deep in the chain", is_deep)

    def fresh_ethereum_address(self) -> str:
        """Of nobody: nothing was ever sent there."""
        return str(Account.create().address)

    async def until_deposit(self, txid: str, *statuses: str) -> Row[Any]:
        async def reached() -> Row[Any] | None:
            row = await self.deposit_of(txid)
            return row if row.status in statuses else None

        return await self.until(f"deposit {' or '.join(statuses)}", reached)


def _subject(row: Any) -> Subject:
    return Subject(row.status, row.asset, row.chain, row.customer_id, f"{row.units} units")


@asynccontextmanager
async def opened(addresses: Addresses) -> AsyncIterator[House]:
    """Connect to all servers of a prepared house."""
    async with AsyncExitStack() as closing:
        engine, owner, signer = (
            create_engine(url) for url in (addresses.worker, addresses.owner, addresses.signer)
        )
        for each in (engine, owner, signer):
            closing.push_async_callback(each.dispose)
        ledger = await Ledger.open(engine)
        closing.push_async_callback(ledger.close)
        bitcoin = BitcoinNode.connect(addresses.bitcoin, network("regtest"))
        closing.push_async_callback(bitcoin.close)
        ethereum = EthereumNode.connect(addresses.ethereum, 31337)
        closing.push_async_callback(ethereum.close)
        async with engine.connect() as connection:
            catalog = await read_catalog(connection)
        yield House(
            engine,
            owner,
            signer,
            ledger,
            catalog,
            BitcoinTreasury(bitcoin),
            EthereumTreasury(ethereum),
            KeyRing(aws_client("kms")),
            Miner(bitcoin),
            Outside(ethereum),
            {},
            ChainTie(engine, bitcoin, ethereum),
        )


async def follow_chains(house: House) -> None:
    """The listener of this house is stepped by hand: by `scan`."""
    house.walks = {
        "bitcoin": await follow(house.engine, BitcoinReader(house.miner.node), start_height=0),
        "ethereum": await follow(house.engine, EthereumReader(house.outside.node), start_height=0),
    }


async def connected(house: House, addresses: Addresses) -> Client:
    house.client = await Client.connect(
        addresses.temporal, namespace="rialto", data_converter=data_converter(None)
    )
    return house.client


@asynccontextmanager
async def working(house: House) -> AsyncIterator[House]:
    """Run every queue of custody in this process, under the queues' real names."""
    assert house.client is not None
    async with AsyncExitStack() as workers:
        for queue in queues(house):
            await workers.enter_async_context(build_worker(house.client, queue))
        yield house


def repairs(house: House, chain: Chain) -> RepairActivities:
    return RepairActivities(house.engine, house.ledger, house.catalog, NoNotices(), chain)


def queues(house: House) -> list[Queue]:
    parts: Any = (house.engine, house.ledger, house.catalog, NoNotices())
    signing = SigningActivities(
        house.signer, house.keys, network=network("regtest"), chain_id=31337
    )

    def paying(chain: Chain) -> list[Callable[..., Any]]:
        crediting = DepositActivities(*parts, chain)
        return [
            *crediting.all(),
            *PaymentActivities(*parts, chain).all(),
            *repairs(house, chain).all(),
            *TreasuryActivities(house.engine, house.ledger, chain).all(),
            *ReconciliationActivities(house.engine, house.catalog, house.tie).all(),
        ]

    return [
        Queue("workflows", workflows=MONEY_WORKFLOWS),
        Queue("ledger", WithdrawalActivities(*parts).all()),
        Queue("bitcoin", paying(house.bitcoin)),
        Queue("ethereum", paying(house.ethereum)),
        Queue("signer", [signing.sign_payment]),
        Queue("compliance", [house.desk.screen_address]),
    ]


async def set_status(house: House, withdrawal_id: str, **values: object) -> None:
    async with house.owner.begin() as connection:
        await connection.execute(
            update(withdrawal_table).where(withdrawal_table.c.id == withdrawal_id).values(**values)
        )
