"""What must be true when a story has ended, worked out anew from the journal alone.

The journal is replayed from its first record by the plain reference of positions below, which knows
nothing of holds, runs, cursors or batches: only that a trade moves base one way, quote the other,
and fees to the house.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.simulation.database import SimulatedDatabase
from bench.simulation.desk import CUSTOMERS, DEPOSITED, MARKETS
from bench.simulation.world import World
from domain.ids import OrderId
from domain.market import MarketId
from engine import events
from engine.census import open_orders
from engine.exchange import Exchange
from engine.journal import TornTail
from engine.memory import PAGE_BITS, PAGE_MASK
from ledger.account import CUSTOMER_KINDS, AccountKind
from ledger.entry import order_hold
from ledger.fees import fee_units
from streams.journal import replay
from streams.replica import Replica

Filled = tuple[str, tuple[int, ...]]


class Wrong(Exception):
    """A promise that was broken."""


def conserved(database: SimulatedDatabase) -> None:
    """All accounts of an asset sum to zero; none below zero that may not be. Raises Wrong."""
    sums: dict[str, int] = {}
    for ref, account in database.accounts.items():
        sums[ref.asset] = sums.get(ref.asset, 0) + account.balance
        if account.balance < 0 and not account.may_be_negative:
            raise Wrong(f"{ref} is below zero")
    if any(sums.values()):
        raise Wrong(f"conservation: the sums are {sums} units, not 0")


def everything(world: World) -> None:
    """Raises Wrong."""
    database = world.database
    conserved(database)
    told = replayed(world.machine.directory)
    _nothing_lost(database, told.exchange)
    _settled_to_the_end(database, told)
    _each_trade_once(database, told.filled)
    _engine_ties(database, told.exchange)
    _holds_tie(database)
    _balances(database, told.filled)


@dataclass
class Told:
    """What the whole journal says."""

    exchange: Exchange
    filled: list[Filled] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)
    """Sequence of each market's last event that settles something."""


def replayed(directory: Path) -> Told:
    replica = Replica()
    told = Told(replica.exchange)
    for record in replay(directory, 0):
        if isinstance(record, TornTail):
            continue
        for run in replica.apply(record):
            for sequence, event in enumerate(run.events, run.first_sequence):
                if event[0] == events.FILLED:
                    told.filled.append((run.market, event))
                if event[0] in events.SETTLED_KINDS:
                    told.last[run.market] = sequence
    return told


def _nothing_lost(database: SimulatedDatabase, exchange: Exchange) -> None:
    for command_id in database.outbox:
        page = exchange.memory.pages.get(command_id >> PAGE_BITS)
        done = page is not None and page[command_id & PAGE_MASK]
        _require(bool(done), f"lost: command {command_id} was committed and never done")


def _settled_to_the_end(database: SimulatedDatabase, told: Told) -> None:
    for market, last in told.last.items():
        at = database.cursors[MarketId(market)].next_sequence - 1
        end = told.exchange.books[market].sequence
        _require(last <= at <= end, f"{market}: settled to {at} of {last} to {end}")


def _each_trade_once(database: SimulatedDatabase, filled: list[Filled]) -> None:
    for market, trades in database.trades.items():
        told = [each[1] for name, each in filled if name == market]
        rows = [int(trade.id) for trade in trades]
        _require(rows == told, f"{market}: trades {rows} in the ledger, {told} in the journal")
        _require(rows == list(range(1, len(rows) + 1)), f"{market}: trade ids have gaps")


def _engine_ties(database: SimulatedDatabase, exchange: Exchange) -> None:
    engine = {
        order.order_id: (order.owner, order.open_lots)
        for book in exchange.books.values()
        for order in open_orders(book)
    }
    ledger = {
        order.id: (order.customer_id, order.open_lots)
        for order in database.orders.values()
        if order.end is None
    }
    for order_id in engine.keys() | ledger.keys():
        ours, theirs = ledger.get(OrderId(order_id)), engine.get(order_id)
        _require(ours == theirs, f"order {order_id}: ledger {ours}, engine {theirs}")


def _holds_tie(database: SimulatedDatabase) -> None:
    held: Counter[tuple[int, str]] = Counter()
    for hold in database.holds.values():
        assert hold.account is not None
        held[hold.account.customer_id, hold.account.asset] += hold.remaining  # type: ignore[index]
    for ref, account in database.accounts.items():
        if ref.kind is AccountKind.CUSTOMER_HELD:
            assert ref.customer_id is not None
            units = held[ref.customer_id, ref.asset]
            _require(account.balance == units, f"{ref}: {account.balance}, its holds {units}")
    legs: dict[int, list[bool]] = {}
    for order in database.orders.values():
        legs.setdefault(order.hold_order_id, []).append(order.end is not None)
    for first, ended in legs.items():
        remaining = database.holds[order_hold(OrderId(first))].remaining
        _require(not (all(ended) and remaining), f"order {first} ended and holds {remaining}")


def _balances(database: SimulatedDatabase, filled: list[Filled]) -> None:
    expected: Counter[tuple[int, str]] = Counter()
    for customer in CUSTOMERS:
        for asset, units in DEPOSITED.items():
            expected[customer, asset] += units
    for moved in _moves(database, filled):
        owner, asset, units = moved
        expected[owner, asset] += units
    found: Counter[tuple[int, str]] = Counter()
    for ref, account in database.accounts.items():
        if ref.kind in CUSTOMER_KINDS:
            assert ref.customer_id is not None
            found[ref.customer_id, ref.asset] += account.balance
    for key in expected.keys() | found.keys():
        _require(
            expected[key] == found[key], f"{key}: {found[key]} units, trades say {expected[key]}"
        )


def _moves(database: SimulatedDatabase, filled: list[Filled]) -> Iterator[tuple[int, str, int]]:
    for name, event in filled:
        _, _, price, lots, maker, maker_owner, _, taker, taker_owner, _, aggressor = event
        market = MARKETS[MarketId(name)]
        base, quote = market.base_units(lots), market.notional_units(price, lots)
        in_auction = aggressor == events.NO_AGGRESSOR
        taker_buys = aggressor != events.SELL_AGGRESSOR
        for order_id, owner, buys in (
            (maker, maker_owner, not taker_buys),
            (taker, taker_owner, taker_buys),
        ):
            order = database.orders[OrderId(order_id)]
            is_maker = in_auction or order_id == maker
            ppm = order.maker_fee_ppm if is_maker else order.taker_fee_ppm
            gets, gives = (base, quote) if buys else (quote, base)
            got, given = (market.base, market.quote) if buys else (market.quote, market.base)
            yield owner, got.code, gets - fee_units(gets, ppm)
            yield owner, given.code, -gives


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Wrong(otherwise)
