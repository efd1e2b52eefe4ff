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

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.bitcoin_payments import BitcoinPayments
from activities.chain_tie import ChainTie
from activities.deposits import DepositActivities
from activities.ethereum_payments import EthereumPayments
from activities.listening.bitcoin import BitcoinReader
from activities.listening.ethereum import EthereumReader
from activities.payment_watch import PaymentWatch
from activities.payments import PaymentActivities, PaymentChain
from activities.screening_messages import Screening
from activities.signing import KeyRing, SigningActivities
from activities.withdrawals import WithdrawalActivities
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from devstack.rented import Database, RentedStack
from devstack.seed_chains import SeedSettings, seed
from domain.ids import CustomerId
from domain.money import AssetCode
from storage import deposits, withdrawals
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
from workers.chain_worker import teller
from workers.withdrawal_relay import WithdrawalRelay
from workflows.deposit import DepositWorkflow
from workflows.start import Subject, start_deposit, start_withdrawal
from workflows.withdrawal import WithdrawalWorkflow

BTC, ETH, USDT = AssetCode("BTC"), AssetCode("ETH"), AssetCode("USDT")
COIN, ETHER, DOLLAR = 10**8, 10**18, 10**6
_numbers = count(50_000)
_PATIENCE_SECONDS = 30.0


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
    ledger: Ledger
    catalog: Catalog
    bitcoin: PaymentChain
    ethereum: PaymentChain
    signing: SigningActivities
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
        from ledger.account import AccountKind, available, house
        from ledger.entry import EntryReason, JournalEntry, Transfer

        transfer = Transfer(
            house(AccountKind.HOUSE_CAPITAL, asset), available(customer_id, asset), units
        )
        name = f"present:{uuid4()}"
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
            payments = self.bitcoin if chain == "bitcoin" else self.ethereum
            await PaymentWatch(self.engine, payments, teller(self.client, self.engine)).look()
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
            await asyncio.sleep(0.05)
        raise AssertionError(f"not within {_PATIENCE_SECONDS:g} s: {what}")

    async def until_status(self, withdrawal_id: str, *statuses: str) -> Row[Any]:
        async def reached() -> Row[Any] | None:
            row = await self.withdrawal(withdrawal_id)
            return row if row.status in statuses else None

        return await self.until(f"withdrawal {' or '.join(statuses)}", reached)

    async def until_deposit(self, txid: str, *statuses: str) -> Row[Any]:
        async def reached() -> Row[Any] | None:
            row = await self.deposit_of(txid)
            return row if row.status in statuses else None

        return await self.until(f"deposit {' or '.join(statuses)}", reached)


def _subject(row: Any) -> Subject:
    return Subject(row.status, row.asset, row.chain, row.customer_id, f"{row.units} units")


@asynccontextmanager
async def opened(
    stack: RentedStack, database: Database, bitcoin: BitcoinNode, ethereum: EthereumNode
) -> AsyncIterator[House]:
    """Seed a house with funds on both chains and follow them. Needs `aws`."""
    settings = SeedSettings(
        database_url=database.owner,
        bitcoin_rpc_url=stack.env["RIALTO_BITCOIN_RPC_URL"],
        ethereum_rpc_url=stack.env["RIALTO_ETHEREUM_RPC_URL"],
    )
    await seed(settings)
    async with AsyncExitStack() as closing:
        engine, owner, signer = (
            create_engine(url) for url in (database.worker, database.owner, database.signer)
        )
        for each in (engine, owner, signer):
            closing.push_async_callback(each.dispose)
        ledger = await Ledger.open(engine)
        closing.push_async_callback(ledger.close)
        async with engine.connect() as connection:
            catalog = await read_catalog(connection)
        signing = SigningActivities(
            signer, KeyRing(aws_client("kms")), network=network("regtest"), chain_id=31337
        )
        async with owner.begin() as connection:
            await connection.execute(text("UPDATE chain_policies SET batch_window_seconds = 0"))
        yield House(
            engine,
            owner,
            ledger,
            catalog,
            BitcoinPayments(bitcoin),
            EthereumPayments(ethereum),
            signing,
            Miner(bitcoin),
            Outside(ethereum),
            {
                "bitcoin": await follow(engine, BitcoinReader(bitcoin), start_height=0),
                "ethereum": await follow(engine, EthereumReader(ethereum), start_height=0),
            },
            ChainTie(engine, bitcoin, ethereum),
        )


@asynccontextmanager
async def working(house: House, address: str, namespace: str = "rialto") -> AsyncIterator[House]:
    """Run every queue of custody in this process, on queues' real names."""
    house.client = await Client.connect(
        address, namespace=namespace, data_converter=data_converter(None)
    )
    async with AsyncExitStack() as workers:
        for queue, workflows, activities in queues(house):
            await workers.enter_async_context(
                Worker(
                    house.client,
                    task_queue=queue,
                    workflows=workflows,
                    activities=activities,
                    workflow_runner=SandboxedWorkflowRunner(
                        restrictions=SandboxRestrictions.default.with_passthrough_all_modules()
                    ),
                )
            )
        yield house
    house.client = None


def queues(house: House) -> list[tuple[str, list[type], list[Callable[..., Any]]]]:
    parts = (house.engine, house.ledger, house.catalog, NoNotices())
    deciding = WithdrawalActivities(*parts)

    def paying(chain: PaymentChain) -> list[Callable[..., Any]]:
        crediting = DepositActivities(*parts, chain)
        return [*crediting.all(), *PaymentActivities(*parts, chain).all()]

    return [
        ("workflows", [DepositWorkflow, WithdrawalWorkflow], []),
        ("ledger", [], list(deciding.all())),
        ("bitcoin", [], paying(house.bitcoin)),
        ("ethereum", [], paying(house.ethereum)),
        ("signer", [], [house.signing.sign_payment]),
        ("compliance", [], [house.desk.screen_address]),
    ]


async def set_status(house: House, withdrawal_id: str, **values: object) -> None:
    async with house.owner.begin() as connection:
        await connection.execute(
            update(withdrawal_table).where(withdrawal_table.c.id == withdrawal_id).values(**values)
        )
