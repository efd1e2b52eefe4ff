"""Customers and staff of the simulated exchange: what they place, cancel, amend and replace."""

from __future__ import annotations

from random import Random
from typing import Final

from bench.simulation.database import SimulatedDatabase
from domain.errors import InsufficientAvailable
from domain.ids import CustomerId, DepositId, OrderId
from domain.market import Market, MarketId, Side
from domain.money import Asset, AssetCode
from engine import commands as c
from ledger.custody import DepositCredit, credit
from ledger.fees import FeeRates
from storage.order_rows import NewOrder, Placement
from storage.orders import place_command

CUSTOMERS: Final = tuple(CustomerId(number) for number in range(1, 5))

_BTC = Asset(AssetCode("BTC"), 8)
_ETH = Asset(AssetCode("ETH"), 8)
_USDT = Asset(AssetCode("USDT"), 6)
MARKETS: Final = {
    market.id: market
    for market in (
        Market(MarketId("BTC-USDT"), _BTC, _USDT, 10_000, 10_000, 1, 10**6, 10**6),
        Market(MarketId("ETH-BTC"), _ETH, _BTC, 10_000, 10_000, 1, 10**6, 10**6),
    )
}
"""Two that share an asset; one lot at one tick is one unit in both."""

DEPOSITED: Final = {"BTC": 200_000, "ETH": 200_000, "USDT": 20_000}
"""Units each customer begins with: twenty lots, or what three orders cost; many are refused."""

_MIDDLE: Final = 1_000
_SPREAD: Final = 8
_RATES = (FeeRates(), FeeRates(0, 3_333), FeeRates(777, 999_999))


class Desk:
    """What the API would do with what they ask for, up to the commit."""

    def __init__(self, database: SimulatedDatabase) -> None:
        self._database = database
        for customer in CUSTOMERS:
            for asset, units in DEPOSITED.items():
                name = DepositId(f"simulated:{customer}:{asset}")
                deposit = DepositCredit(name, customer, AssetCode(asset), units, 0, 0)
                database.post([credit(deposit)])

    def act(self, chance: Random, now_us: int) -> str:
        """One request; what it was, in words. A refused one changes nothing."""
        draw = chance.random()
        market = chance.choice(list(MARKETS.values()))
        customer = chance.choice(CUSTOMERS)
        try:
            if draw < 0.55:
                return self._place(chance, market, customer, now_us)
            if draw < 0.62:
                return self._place_pair(chance, market, customer)
            if draw < 0.69:
                return self._replace(chance, market, customer)
        except InsufficientAvailable:
            return f"customer {customer} cannot pay for an order"
        return self._ask(chance, draw, market, customer)

    def _place(self, chance: Random, market: Market, customer: CustomerId, now_us: int) -> str:
        order = _new_order(chance, market, customer, now_us)
        order_id, command_id = OrderId(self._database.next_id()), self._database.next_id()
        command = place_command(order, order_id, command_id)
        self._database.place(Placement((order,), (order_id,), command_id, command))
        return f"customer {customer} places {order_id} in {market.id}: {command}"

    def _place_pair(self, chance: Random, market: Market, customer: CustomerId) -> str:
        side = chance.choice((Side.BUY, Side.SELL))
        away = _SPREAD if side is Side.SELL else -_SPREAD
        lots = chance.randint(1, 8)
        limit = _order(market, customer, side, _MIDDLE + away + chance.randint(-6, 6), lots)
        stop = _order(market, customer, side, _MIDDLE - away * 2, lots, trigger_kind=c.STOP)
        first, second = OrderId(self._database.next_id()), OrderId(self._database.next_id())
        command_id = self._database.next_id()
        command = c.oco(
            command_id=command_id,
            owner=customer,
            limit_order_id=first,
            stop_order_id=second,
            limit_terms=limit.terms_with_side(),
            limit_price=limit.price_ticks,
            lots=lots,
            stop_terms=stop.terms_with_side(),
            trigger=_MIDDLE - away + chance.randint(-6, 6),
            stop_price=stop.price_ticks,
        )
        self._database.place(Placement((limit, stop), (first, second), command_id, command))
        return f"customer {customer} places the pair {first}, {second} in {market.id}: {command}"

    def _replace(self, chance: Random, market: Market, customer: CustomerId) -> str:
        old = self._some_order(chance, market, customer)
        new = _order(market, customer, chance.choice((Side.BUY, Side.SELL)), _price(chance), 3)
        order_id, command_id = OrderId(self._database.next_id()), self._database.next_id()
        command = c.replace(
            command_id=command_id,
            owner=customer,
            old_order_id=old,
            order_id=order_id,
            terms=new.terms_with_side(),
            price=new.price_ticks,
            lots=new.lots,
            mode=chance.choice((c.STOP_ON_FAILURE, c.ALLOW_FAILURE)),
        )
        self._database.place(Placement((new,), (order_id,), command_id, command))
        return f"customer {customer} replaces {old} by {order_id} in {market.id}: {command}"

    def _ask(self, chance: Random, draw: float, market: Market, customer: CustomerId) -> str:
        command_id = self._database.next_id()
        order_id = self._some_order(chance, market, customer)
        if draw < 0.86:
            command = c.cancel(command_id=command_id, owner=customer, order_id=order_id)
        elif draw < 0.93:
            lots = chance.randint(0, 6)
            command = c.amend(
                command_id=command_id, owner=customer, order_id=order_id, total_lots=lots
            )
        elif draw < 0.97:
            command = c.cancel_all(command_id=command_id, owner=customer)
        else:
            states = (c.TRADING, c.TRADING, c.AUCTION, c.HALTED, c.CANCEL_ONLY)
            customer = CustomerId(0)
            command = c.set_state(command_id=command_id, state=chance.choice(states))
        self._database.queue(market.id, customer, command)
        return f"customer {customer} asks in {market.id}: {command}"

    def _some_order(self, chance: Random, market: Market, customer: CustomerId) -> OrderId:
        """One of the customer's recent orders there, if there is one."""
        own = [
            order.id
            for order in self._database.orders.values()
            if order.customer_id == customer and self._database.market_of[order.id] == market.id
        ]
        return chance.choice(own[-6:]) if own else OrderId(1)


def _new_order(chance: Random, market: Market, customer: CustomerId, now_us: int) -> NewOrder:
    side = chance.choice((Side.BUY, Side.SELL))
    price, lots = _price(chance), chance.randint(1, 10)
    prevention = chance.choice((c.CANCEL_MAKER, c.CANCEL_TAKER, c.CANCEL_BOTH, c.DECREMENT))
    fees = chance.choice(_RATES)
    draw = chance.random()
    if draw < 0.6:
        terms = prevention | chance.choice((0, 0, 0, c.IOC, c.FOK, c.POST_ONLY, c.MARKET))
        return _order(market, customer, side, price, lots, terms=terms, fees=fees)
    if draw < 0.7:
        return _order(market, customer, side, price, lots, display_lots=chance.randint(1, 3))
    if draw < 0.8:
        expires = now_us + chance.randint(1, 40) * 1_000_000
        return _order(market, customer, side, price, lots, terms=c.GTD, expires_us=expires)
    if draw < 0.9:
        budget = chance.randint(1, 9_000)
        lots = 10**6 if side is Side.BUY else lots
        return _order(market, customer, side, price + 40, lots, terms=c.MARKET, budget=budget)
    kind = chance.choice((c.STOP, c.TAKE_PROFIT, c.TRAIL_TICKS, c.TRAIL_BPS))
    is_level = kind in (c.STOP, c.TAKE_PROFIT)
    trigger = _price(chance) if is_level else chance.randint(1, 30)
    return _order(market, customer, side, price, lots, trigger_kind=kind, trigger=trigger)


def _order(  # noqa: PLR0913 - an order has many sides
    market: Market,
    customer: CustomerId,
    side: Side,
    price: int,
    lots: int,
    *,
    terms: int = 0,
    trigger_kind: int = 0,
    trigger: int = 0,
    display_lots: int = 0,
    budget: int = 0,
    expires_us: int = 0,
    fees: FeeRates = _RATES[0],
) -> NewOrder:
    return NewOrder(
        customer_id=customer,
        market=market,
        side=side,
        kind="simulated",
        terms=terms,
        price_ticks=price,
        lots=lots,
        trigger_kind=trigger_kind,
        trigger=trigger,
        display_lots=display_lots,
        budget=budget,
        expires_us=expires_us,
        fees=fees,
    )


def _price(chance: Random) -> int:
    return _MIDDLE + chance.randint(-_SPREAD, _SPREAD)
