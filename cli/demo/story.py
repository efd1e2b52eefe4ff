"""The story, told top to bottom. Everything goes through the public API and the two chains."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import httpx

from cli.demo.customer import Customer, eventually
from cli.demo.market_maker import LISTINGS, quotes, taking
from cli.demo.outside import OutsideBitcoin, OutsideEthereum, Payment
from cli.demo.staff import Staff
from domain.money import format_units, parse_units

SCALES: Final = {"BTC": 8, "ETH": 18, "USDT": 6}
DEPOSITS: Final = {"BTC": "0.35", "ETH": "2.5", "USDT": "20000"}
"""Worth less together than a verified customer may deposit in 24 hours."""
WITHDRAWALS: Final = {"BTC": "0.01", "ETH": "0.1", "USDT": "100"}
TRADERS: Final = ("alice", "bob", "carol", "dave")
MAKERS: Final = ("maker-one", "maker-two")
CHAIN_SECONDS: Final = 120.0
"""Regtest blocks come every two seconds: time for the confirmations of any amount."""

Tell = Callable[[str], None]


@dataclass
class Totals:
    """What happened, counted."""

    customers: int = 0
    deposits: int = 0
    orders: int = 0
    trades: int = 0
    withdrawals: int = 0
    search_hits: int = 0


class Story:
    def __init__(
        self,
        api: httpx.AsyncClient,
        bitcoin: OutsideBitcoin,
        ethereum: OutsideEthereum,
        staff: Staff,
        tell: Tell,
        *,
        seed: int,
        orders: int,
        patience: float = 1.0,
    ) -> None:
        """`patience` stretches every bound on waiting, for an exchange that is being broken."""
        self._bitcoin = bitcoin
        self._ethereum = ethereum
        self._staff = staff
        self._tell = tell
        self._chance = random.Random(seed)  # noqa: S311 - the same seed, the same story.
        self._orders = orders
        self._traders = [Customer(api, name) for name in TRADERS]
        self._makers = [Customer(api, name) for name in MAKERS]
        self._patience = patience
        self.totals = Totals()
        self.arrivals: list[tuple[str, str, int]] = []
        """`(asset, address, units)` of each withdrawal: every address is used once."""

    @property
    def everybody(self) -> list[Customer]:
        return [*self._traders, *self._makers]

    async def play(self) -> Totals:
        await self._open_accounts()
        payments = await self._fund()
        await self._trade()
        await self._withdraw()
        await self._search(payments)
        return self.totals

    async def _open_accounts(self) -> None:
        self._tell("Customers register, set up two-factor login and hand in their papers")
        for customer in self.everybody:
            await customer.join()
            await customer.hand_in_papers("Lindqvist")
        await asyncio.gather(*(self._pass_kyc(customer) for customer in self.everybody))
        self.totals.customers = len(self.everybody)

    async def _pass_kyc(self, customer: Customer) -> None:
        asked = False

        async def approved() -> bool | None:
            nonlocal asked
            state = await customer.kyc_state()
            if state == "manual_review" and not asked:
                asked = True
                await self._staff.approve_kyc(customer.id, "papers seen, name and photo match")
            return True if state == "approved" else None

        await eventually(f"{customer.name} passes KYC", approved, 60 * self._patience)

    async def _fund(self) -> list[Payment]:
        self._tell("A stranger's wallets pay bitcoin, ether and USDT to their deposit addresses")
        people = len(self.everybody)
        await self._bitcoin.prepare((people + 1) * parse_units(DEPOSITS["BTC"], 8))
        await self._ethereum.prepare(people * parse_units(DEPOSITS["USDT"], 6))
        paid: list[tuple[Customer, Payment]] = []
        for customer in self.everybody:
            for asset in SCALES:
                address = await customer.deposit_address(asset)
                paid.append((customer, await self._pay(asset, address)))
        self._tell("The exchange sees them, waits for confirmations and credits them")
        await asyncio.gather(*(self._credited(customer, payment) for customer, payment in paid))
        self.totals.deposits = len(paid)
        return [payment for _, payment in paid]

    async def _pay(self, asset: str, address: str) -> Payment:
        units = parse_units(DEPOSITS[asset], SCALES[asset])
        if asset == "BTC":
            return await self._bitcoin.pay(address, units)
        if asset == "ETH":
            return await self._ethereum.pay_ether(address, units)
        return await self._ethereum.pay_token(address, units)

    async def _credited(self, customer: Customer, payment: Payment) -> None:
        async def withdrawable() -> bool | None:
            deposit = await customer.deposit(payment.txid)
            return True if deposit is not None and deposit["status"] in _SPENDABLE else None

        what = f"{customer.name}'s deposit {payment.txid} is credited"
        await eventually(what, withdrawable, CHAIN_SECONDS * self._patience)

    async def _trade(self) -> None:
        self._tell(f"Market makers quote; customers place {self._orders} orders against them")
        placed: list[tuple[Customer, str]] = []
        await self._quote(placed)
        for number, order in enumerate(taking(self._chance, self._orders)):
            if number and number % 20 == 0:
                await self._quote(placed)
            trader = self._chance.choice(self._traders)
            placed += [(trader, each["id"]) for each in await trader.place([order])]
        self.totals.orders = len(placed)
        self._tell("What still rests is canceled; every order is settled to its end")
        for customer in self.everybody:
            for listing in LISTINGS:
                await customer.cancel_all(listing.market)
        await _each(placed, self._ended)
        trades = {
            (listing.market, trade_id)
            for customer in self.everybody
            for listing in LISTINGS
            for trade_id in await customer.trade_ids(listing.market)
        }
        self.totals.trades = len(trades)

    async def _quote(self, placed: list[tuple[Customer, str]]) -> None:
        for number, maker in enumerate(self._makers):
            for listing in LISTINGS:
                await maker.cancel_all(listing.market)
                orders = await maker.place(quotes(listing, Decimal(number) / 2))
                placed += [(maker, each["id"]) for each in orders]

    async def _ended(self, customer: Customer, order_id: str) -> None:
        async def closed() -> bool | None:
            order = await customer.order(order_id)
            return None if order["status"] in {"placed", "open"} else True

        await eventually(f"order {order_id} of {customer.name} ends", closed, 60 * self._patience)

    async def _withdraw(self) -> None:
        self._tell("Customers withdraw; the coins arrive in wallets outside")
        asked = [
            (customer, asset, await self._new_address(asset))
            for customer in self._traders
            for asset in WITHDRAWALS
        ]
        ids = [
            await customer.withdraw(asset, WITHDRAWALS[asset], address)
            for customer, asset, address in asked
        ]
        await asyncio.gather(
            *(
                self._arrives(customer, asset, address, withdrawal_id)
                for (customer, asset, address), withdrawal_id in zip(asked, ids, strict=True)
            )
        )
        self.totals.withdrawals = len(ids)

    async def _new_address(self, asset: str) -> str:
        return await self._bitcoin.new_address() if asset == "BTC" else self._ethereum.new_address()

    async def _arrives(
        self, customer: Customer, asset: str, address: str, withdrawal_id: str
    ) -> None:
        async def completed() -> bool | None:
            withdrawal = await customer.withdrawal(withdrawal_id)
            return True if withdrawal["status"] in _PAID else None

        what = f"{customer.name}'s withdrawal {withdrawal_id} is paid"
        await eventually(what, completed, CHAIN_SECONDS * self._patience)
        wanted = parse_units(WITHDRAWALS[asset], SCALES[asset])
        self.arrivals.append((asset, address, wanted))
        arrived = await self.received(asset, address)
        assert arrived == wanted, (
            f"{address} got {format_units(arrived, SCALES[asset])} {asset} "
            f"instead of {WITHDRAWALS[asset]}"
        )

    async def received(self, asset: str, address: str) -> int:
        if asset == "BTC":
            return await self._bitcoin.received(address)
        if asset == "ETH":
            return await self._ethereum.received_ether(address)
        return await self._ethereum.received_token(address)

    async def _search(self, payments: list[Payment]) -> None:
        self._tell("The search finds a deposit by its transaction")
        payment, customer = payments[0], self.everybody[0]

        async def found() -> int | None:
            return len((await customer.search(payment.txid))["data"]) or None

        self.totals.search_hits = await eventually(
            "the deposit is indexed", found, 60 * self._patience
        )


_SPENDABLE = {"withdrawable"}
_PAID = {"done"}


async def _each(
    placed: list[tuple[Customer, str]],
    act: Callable[[Customer, str], Awaitable[None]],
) -> None:
    """`act` on all, sixteen at a time: a demo is no load test."""
    room = asyncio.Semaphore(16)

    async def one(customer: Customer, order_id: str) -> None:
        async with room:
            await act(customer, order_id)

    await asyncio.gather(*(one(*each) for each in placed))
