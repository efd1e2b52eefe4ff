"""Trades, fills, orders and applied events in the tables against the ledger, at what it settled.

The engine is ahead of the ledger and the projections follow the engine, so they may hold more: what
lies past the last settled event is not judged here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.projecting.audit.check import Suspect, pages
from domain.market import Market
from projections import ranges
from projections.order import OrderEvent, OrderStatus, fold
from projections.trade import Fill, Trade
from storage import dynamo_orders, dynamo_trades
from storage.dynamo import Dynamo, Key
from storage.dynamo_checkpoints import read_progress
from storage.dynamo_orders import BIRTHS
from storage.projection_sources import (
    KEYS_PER_PAGE,
    LedgerOrder,
    order_ids,
    orders_of,
    settled_sequences,
)
from storage.settled_fills import SettledTrade, trade_ids_after, trades_with

TradeKey: TypeAlias = tuple[str, int]
FillKey: TypeAlias = tuple[TradeKey, Key]


class EventsCheck:
    """Every event that is settled was applied, none is missing in between."""

    name = "projections = sources: events"

    def __init__(self, engine: AsyncEngine, dynamo: Dynamo) -> None:
        self._engine = engine
        self._dynamo = dynamo

    async def first(self) -> AsyncIterator[Suspect]:
        for suspect in await self.again(()):
            yield suspect

    async def again(self, keys: Collection[str]) -> list[Suspect]:
        async with self._engine.connect() as connection:
            settled = await settled_sequences(connection)
        suspects = []
        for market, last in settled.items():
            if keys and market not in keys:
                continue
            progress = await asyncio.to_thread(read_progress, self._dynamo, market)
            applied = ranges.union(progress.applied, ((last + 1, last + 1),))
            missing = [run for run in ranges.holes(applied, 1) if run[0] <= last]
            if missing:
                detail = f"events {missing[:5]} are not applied, {last} are settled"
                suspects.append(Suspect(market, f"market {market}", detail))
        return suspects


class TradesCheck:
    """The tapes hold the settled trades, each as it was settled."""

    name = "projections = sources: trades"

    def __init__(self, engine: AsyncEngine, dynamo: Dynamo, markets: Collection[str]) -> None:
        self._engine = engine
        self._dynamo = dynamo
        self._markets = markets

    async def first(self) -> AsyncIterator[Suspect]:
        seen: dict[str, set[int]] = {market: set() for market in self._markets}
        async for page in pages(dynamo_trades.scan(self._dynamo)):
            for trade in page:
                seen.setdefault(trade.market, set()).add(trade.id)
            for suspect in await self._compare({(each.market, each.id): each for each in page}):
                yield suspect
        for market in self._markets:
            async for ids in _settled_ids(self._engine, market):
                unseen = [(market, each) for each in ids if each not in seen[market]]
                for suspect in await self.again(unseen):
                    yield suspect

    async def again(self, keys: Collection[TradeKey]) -> list[Suspect]:
        suspects = []
        async for page in pages(keys):
            found = await asyncio.to_thread(dynamo_trades.find_trades, self._dynamo, page)
            there: dict[TradeKey, Trade] = {(each.market, int(each.id)): each for each in found}
            suspects += await self._compare({key: there.get(key) for key in page})
        return suspects

    async def _compare(self, found: Mapping[TradeKey, Trade | None]) -> list[Suspect]:
        async with self._engine.connect() as connection:
            settled = await settled_sequences(connection)
            rows = await trades_with(connection, found.keys())
        known: dict[TradeKey, Trade] = {
            (row.trade.market, int(row.trade.id)): row.trade for row in rows
        }
        suspects = []
        for key, trade in found.items():
            detail = _compare_trade(known.get(key), trade, settled.get(key[0], 0))
            if detail:
                suspects.append(Suspect(key, f"trade {key[0]}-{key[1]}", detail))
        return suspects


def _compare_trade(row: Trade | None, found: Trade | None, settled: int) -> str:
    if row is None:
        ahead = found is None or found.sequence > settled
        return "" if ahead else "on the tape, but never settled"
    if found is None:
        return "settled, but not on the tape"
    return "" if replace(found, epoch=0) == row else f"the tape says {found}, the ledger {row}"


class FillsCheck:
    """Each customer's list holds the customer's settled fills with their fees, and no others."""

    name = "projections = sources: fills"

    def __init__(self, engine: AsyncEngine, dynamo: Dynamo, markets: Collection[str]) -> None:
        self._engine = engine
        self._dynamo = dynamo
        self._markets = markets

    async def first(self) -> AsyncIterator[Suspect]:
        async for page in pages(dynamo_trades.scan_fills(self._dynamo)):
            found: dict[FillKey, Fill | None] = {
                ((fill.market, int(fill.trade_id)), key): fill for key, fill in page
            }
            for suspect in await self._compare(found):
                yield suspect
        for market in self._markets:
            async for ids in _settled_ids(self._engine, market):
                for start in range(0, len(ids), 500):
                    page_keys = [(market, each) for each in ids[start : start + 500]]
                    for suspect in await self.again(await self._keys(page_keys)):
                        yield suspect

    async def again(self, keys: Collection[FillKey]) -> list[Suspect]:
        suspects = []
        async for page in pages(keys):
            places = [place for _, place in page]
            there = await asyncio.to_thread(dynamo_trades.find_fills, self._dynamo, places)
            suspects += await self._compare({key: there.get(key[1]) for key in page})
        return suspects

    async def _keys(self, trades: list[TradeKey]) -> list[FillKey]:
        return [
            ((fill.market, int(fill.trade_id)), dynamo_trades.fill_key(fill))
            for row in await self._rows(trades)
            for fill in row.fills()
        ]

    async def _rows(self, trades: Collection[TradeKey]) -> list[SettledTrade]:
        async with self._engine.connect() as connection:
            return await trades_with(connection, trades)

    async def _compare(self, found: Mapping[FillKey, Fill | None]) -> list[Suspect]:
        rows = await self._rows({trade for trade, _ in found})
        known = {dynamo_trades.fill_key(fill): fill for row in rows for fill in row.fills()}
        return [
            Suspect(key, f"fill {key[1][0]} {key[1][1]}", f"is {fill}, not {known.get(key[1])}")
            for key, fill in found.items()
            if known.get(key[1]) != fill
        ]


async def _settled_ids(engine: AsyncEngine, market: str) -> AsyncIterator[list[int]]:
    after = 0
    while True:
        async with engine.connect() as connection:
            ids = await trade_ids_after(connection, market, after, limit=KEYS_PER_PAGE)
        if not ids:
            return
        yield ids
        after = ids[-1]


class OrdersCheck:
    """An order's history, read up to where its row in the ledger is, tells what the row says."""

    name = "projections = sources: orders"

    def __init__(self, engine: AsyncEngine, dynamo: Dynamo, markets: Mapping[str, Market]) -> None:
        self._engine = engine
        self._dynamo = dynamo
        self._markets = markets

    async def first(self) -> AsyncIterator[Suspect]:
        seen: set[int] = set()
        async for page in pages(dynamo_orders.scan_histories(self._dynamo)):
            seen.update(order_id for order_id, _ in page)
            for suspect in await self._compare(dict(page)):
                yield suspect
        async for ids in order_ids(self._engine):
            for suspect in await self.again(set(ids) - seen):
                yield suspect

    async def again(self, keys: Collection[int]) -> list[Suspect]:
        suspects = []
        async for page in pages(keys):
            found = await asyncio.to_thread(dynamo_orders.order_histories, self._dynamo, page)
            suspects += await self._compare({each: found.get(each, []) for each in page})
        return suspects

    async def _compare(self, histories: Mapping[int, list[OrderEvent]]) -> list[Suspect]:
        rows = await orders_of(self._engine, list(histories))
        suspects = []
        for order_id, events in histories.items():
            detail = self._compare_order(rows.get(order_id), events)
            if detail:
                suspects.append(Suspect(order_id, f"order {order_id}", detail))
        return suspects

    def _compare_order(self, row: LedgerOrder | None, events: list[OrderEvent]) -> str:
        if row is None:
            return "has a history, but the ledger has no such order" if events else ""
        if not row.last_sequence:
            return ""  # The engine's answer is not settled yet.
        state = fold(event for event in events if event.sequence <= row.last_sequence)
        if state is None:
            return f"has no history, but is {row.status}"
        status = OrderStatus.OPEN if state.status is OrderStatus.WAITING else state.status
        if min(events, key=lambda event: event.sequence).kind not in BIRTHS:
            return "its history has no beginning"
        unit = self._markets[row.market].quote_units_per_tick_lot
        told = (
            state.owner,
            str(state.market),
            str(status),
            state.filled_lots,
            state.filled_notional * unit,
            state.side or row.side,  # The event of a rejection does not say.
        )
        known = (
            row.customer_id,
            row.market,
            row.status,
            row.filled_lots,
            row.filled_quote_units,
            row.side,
        )
        return "" if told == known else f"its history tells {told}, the ledger {known}"
