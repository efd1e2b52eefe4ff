"""A ledger on a real PostgreSQL for tests: short names for what they do over and over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from time import time_ns

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from devstack.rented import Database
from domain.errors import ExchangeError
from domain.ids import CustomerId, EntryId, OrderId
from domain.market import Market, MarketId, Side
from domain.money import AssetCode
from engine import events
from ledger.account import AccountKind, available, house
from ledger.entry import EntryReason, JournalEntry, Transfer
from ledger.settlement import SettlementBatch
from storage.audit import Finding, audit_ledger
from storage.audit_chain import verify_chain
from storage.catalog import LISTED
from storage.engine import create_engine
from storage.ledger import Balance, Ledger
from storage.orders import NewOrder, Orders, PlacedOrder
from storage.seals import verify_seals
from storage.settlement import Settled, Settlements

BTC, ETH, USDT = AssetCode("BTC"), AssetCode("ETH"), AssetCode("USDT")
MARKETS: Mapping[MarketId, Market] = {market.id: market for market in LISTED}
BTC_USDT = LISTED[0]
"""One lot at one tick is one quote unit, and 10^4 base units."""
TIME_US = time_ns() // 1000

_numbers = count(1)


def unique(prefix: str) -> str:
    """An id nobody else in this test session uses."""
    return f"{prefix}:{next(_numbers)}"


def new_customer() -> CustomerId:
    return CustomerId(10**6 + next(_numbers))


def deposit(customer: CustomerId, asset: AssetCode, units: int) -> JournalEntry:
    name = unique("deposit")
    wallet = house(AccountKind.DEPOSIT_WALLET, asset)
    transfer = Transfer(wallet, available(customer, asset), units)
    return JournalEntry(EntryId(name), EntryReason.DEPOSIT, name, (transfer,))


def pay(
    debit: CustomerId, credit: CustomerId, units: int, *, name: str = "", asset: AssetCode = BTC
) -> JournalEntry:
    transfer = Transfer(available(debit, asset), available(credit, asset), units)
    return JournalEntry(EntryId(name or unique("pay")), EntryReason.ADJUSTMENT, "test", (transfer,))


def limit(customer: CustomerId, side: Side, price: int, lots: int, **changes: object) -> NewOrder:
    values = {
        "customer_id": customer,
        "market": BTC_USDT,
        "side": side,
        "kind": "limit",
        "price_ticks": price,
        "lots": lots,
    }
    return NewOrder(**(values | changes))


@dataclass
class World:
    """The ledger as a worker process has it, and a superuser's connection for mischief."""

    engine: AsyncEngine
    ledger: Ledger
    orders: Orders
    settlements: Settlements
    database: Database
    sequence: dict[MarketId, int] = field(default_factory=dict)

    async def customer(self, **units: int) -> CustomerId:
        """A new customer who has these units: `customer(BTC=5)`."""
        customer = new_customer()
        for asset, amount in units.items():
            await self.ledger.post(deposit(customer, AssetCode(asset), amount))
        return customer

    async def balance(self, customer: CustomerId, asset: AssetCode) -> tuple[int, int]:
        """Available and held."""
        for balance in await self.ledger.balances(customer):
            if balance.asset == asset:
                return balance.available_units, balance.held_units
        return 0, 0

    async def balances(self, customer: CustomerId) -> list[Balance]:
        return await self.ledger.balances(customer)

    async def place(self, order: NewOrder) -> PlacedOrder:
        [placed] = await self.orders.place([order])
        if isinstance(placed, ExchangeError):
            raise placed
        return placed

    async def resting(self, customer: CustomerId, side: Side, price: int, lots: int) -> OrderId:
        return (await self.place(limit(customer, side, price, lots))).order_id

    async def batch(self, *happened: tuple[int, ...], epoch: int = 1) -> SettlementBatch:
        """A run of these events, `(kind, ...)`, numbered from where the market's settlement is."""
        first = await self.settlements.next_sequence(BTC_USDT.id)
        numbered = [(first + n, TIME_US + n, *event) for n, event in enumerate(happened)]
        return SettlementBatch(
            BTC_USDT.id, epoch, first, first + len(happened) - 1, json.dumps(numbered)
        )

    async def settle(self, *happened: tuple[int, ...], epoch: int = 1) -> Settled:
        return await self.settlements.settle(await self.batch(*happened, epoch=epoch))

    async def filled(
        self, maker: OrderId, taker: OrderId, price: int, lots: int
    ) -> tuple[int, ...]:
        """The event that two orders of ours traded."""
        resting, taking = await self.orders.find(maker), await self.orders.find(taker)
        assert resting
        assert taking
        trade_id = 1 + (
            await self.ledger.pool.fetchval(
                "SELECT coalesce(max(id), 0) FROM trades WHERE market = $1", BTC_USDT.id
            )
        )
        aggressor = events.BUY_AGGRESSOR if taking.side is Side.BUY else events.SELL_AGGRESSOR
        return (
            events.FILLED, trade_id, price, lots,
            maker, resting.customer_id, resting.open_lots - lots,
            taker, taking.customer_id, taking.open_lots - lots, aggressor,
        )  # fmt: skip

    async def findings(self) -> list[Finding]:
        """What is off, in balances, holds, orders, chains and seals."""
        chain = await verify_chain(self.engine)
        seals = await verify_seals(self.engine)
        return [*await audit_ledger(self.engine), *chain.findings, *seals]

    async def assert_conserved(self) -> None:
        findings = await self.findings()
        assert not findings, "\n".join(str(finding) for finding in findings)

    @asynccontextmanager
    async def as_owner(self) -> AsyncIterator[asyncpg.Connection]:
        """The owner's own connection, past all grants."""
        connection = await asyncpg.connect(self.database.owner.replace("+asyncpg", ""))
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def opened(database: Database, *, role: str = "rialto_worker") -> AsyncIterator[World]:
    engine = create_engine(database.url(role))
    ledger = await Ledger.open(engine)
    orders = Orders(ledger)
    yield World(engine, ledger, orders, Settlements(ledger, MARKETS), database)
    await orders.close()
    await ledger.close()
    await engine.dispose()
