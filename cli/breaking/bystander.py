"""A customer who happens to be there: so that every scene has something to lose."""

from __future__ import annotations

from typing import Any, Final, Self

import httpx

from cli.demo.customer import Customer, eventually
from cli.demo.market_maker import LISTINGS
from cli.demo.outside import OutsideBitcoin
from cli.demo.staff import Staff
from cli.running import Running

_MARKET: Final = LISTINGS[0]
_ABOVE: Final = 20
"""Steps above the middle: the order rests, and is within the market's band."""
_SIZE: Final = "0.001"
_APPROVED_SECONDS: Final = 120.0
"""A code of the officer works once: the next comes half a minute later."""


class Bystander:
    """Joins through the public API; is paid by a stranger's wallet."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._api = httpx.AsyncClient(base_url=running.api_url, timeout=30)
        self._node = httpx.AsyncClient(timeout=30)
        self._outside = OutsideBitcoin(self._node, running.bitcoin_rpc_url)
        self._customer = Customer(self._api, "bystander")
        self._address = ""

    async def __aenter__(self) -> Self:
        await self._customer.join()
        self._address = await self._customer.deposit_address("BTC")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.aclose()
        await self._node.aclose()

    async def prepare(self, satoshi: int) -> None:
        """The stranger's wallet can pay so much."""
        await self._outside.prepare(2 * satoshi)

    async def is_paid(self, satoshi: int) -> str:
        """Returns the transaction, which waits to be mined."""
        return (await self._outside.pay(self._address, satoshi)).txid

    async def hands_in_again(self, txid: str) -> None:
        """As wallets do: a node drops what the rival branch makes unripe or too early for a while,
        and payments name the height before which they may not be mined.
        """
        await self._outside.hand_in_again(txid)

    async def deposit_status(self, txid: str) -> str:
        """As the customer is told it; empty before the exchange knows of it."""
        found = await self._customer.deposit(txid)
        return "" if found is None else found["status"]

    async def may_trade(self) -> None:
        """Hands in papers, which staff approves."""
        await self._customer.hand_in_papers("Lindqvist")
        staff = Staff(self._running)
        asked = False

        async def approved() -> bool | None:
            nonlocal asked
            state = await self._customer.kyc_state()
            if state == "manual_review" and not asked:
                asked = True
                await staff.approve_kyc(self._customer.id, "papers seen, name and photo match")
            return True if state == "approved" else None

        try:
            await eventually("the bystander passes KYC", approved, _APPROVED_SECONDS)
        finally:
            await staff.close()

    async def offers(self) -> str:
        """A little bitcoin, dearer than anybody pays; returns the order's id."""
        order: dict[str, Any] = {
            "market": _MARKET.market,
            "side": "sell",
            "type": "limit",
            "price": str(_MARKET.middle + _ABOVE * _MARKET.step),
            "size": _SIZE,
        }
        [placed] = await self._customer.place([order])
        return placed["id"]

    async def withdraws_offers(self) -> None:
        await self._customer.cancel_all(_MARKET.market)

    async def order_status(self, order_id: str) -> str:
        return (await self._customer.order(order_id))["status"]
