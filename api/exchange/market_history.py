"""Candles and 24-hour figures: what the candle store has, and the trades since, joined exactly.

The store is a projection and runs a little behind. Candles remember which trades they hold, so
trades heard live are added to what was read without counting any of them twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from api.exchange.market_data import MarketData
from api.exchange.recent import Recent
from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from engine.events import BUY_AGGRESSOR
from projections.candle import (
    Candle,
    Interval,
    add_trades,
    next_open_at_ms,
    open_at_ms,
    without_gaps,
)
from projections.trade import Trade
from storage.dynamo import Dynamo
from storage.dynamo_candles import candles_between, last_candle_before
from storage.dynamo_trades import trades_before
from streams.market_data import MarketUpdate
from streams.market_data import Trade as LiveTrade

logger = logging.getLogger(__name__)

DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_LIVE_MS = 15 * _MINUTE_MS
_REFRESH_SECONDS = 20.0
_RETRY_SECONDS = 2.0
_NOBODY = CustomerId(0)
CANDLES_MAX = 1000
_BLOCKS_MAX = 5
"""Of trades, read for one page: they hold a page, with room for one that is half filled."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The last 24 hours, in ticks and lots. All zero where nothing traded."""

    open_ticks: int = 0
    high_ticks: int = 0
    low_ticks: int = 0
    last_ticks: int = 0
    last_lots: int = 0
    lots: int = 0
    notional: int = 0
    """Sum of ticks x lots."""
    trades: int = 0
    first_id: int = -1
    last_id: int = -1
    from_ms: int = 0
    to_ms: int = 0


class MarketHistory:
    def __init__(
        self,
        dynamo: Callable[[], Dynamo],
        market_data: MarketData,
        markets: Iterable[MarketId],
    ) -> None:
        """`dynamo` answers the tables that serve: a rebuild puts others in their place."""
        self._dynamo = dynamo
        self._minutes: dict[MarketId, dict[int, Candle]] = {market: {} for market in markets}
        self._live: dict[MarketId, deque[Trade]] = {market: deque() for market in self._minutes}
        self._read: Recent[tuple[MarketId, Interval, int, int], list[Candle]] = Recent(
            seconds=2.0, size=500
        )
        market_data.listen(self._heard)

    async def run(self) -> None:
        """Read the last day, then what is new in the store every now and then; for ever."""
        is_whole = False
        while True:
            span_ms = _LIVE_MS if is_whole else DAY_MS + _MINUTE_MS
            try:
                for market in self._minutes:
                    await self._refresh(market, _now_ms() - span_ms)
            except Exception as fault:  # noqa: BLE001 - a projection may be away; live trades go on
                logger.warning("no candles from the store", extra={"fault": repr(fault)[:200]})
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            is_whole = True
            await asyncio.sleep(_REFRESH_SECONDS)

    def day(self, market: MarketId, now_ms: int | None = None) -> DayFigures:
        """Figures of the last 24 hours, to the minute."""
        end_ms = now_ms or _now_ms()
        start_ms = end_ms - DAY_MS
        candles = [
            candle
            for at_ms, candle in sorted(self._minutes[market].items())
            if at_ms > start_ms - _MINUTE_MS
        ]
        live = self._live[market]
        if not candles:
            return DayFigures(from_ms=start_ms, to_ms=end_ms)
        return DayFigures(
            open_ticks=candles[0].open_ticks,
            high_ticks=max(candle.high_ticks for candle in candles),
            low_ticks=min(candle.low_ticks for candle in candles),
            last_ticks=candles[-1].close_ticks,
            last_lots=live[-1].lots if live else 0,
            lots=sum(candle.lots for candle in candles),
            notional=sum(candle.notional for candle in candles),
            trades=sum(candle.trade_count for candle in candles),
            first_id=candles[0].trades[0][0],
            last_id=candles[-1].trades[-1][1],
            from_ms=start_ms,
            to_ms=end_ms,
        )

    async def candles(
        self, market: MarketId, interval: Interval, *, start_ms: int | None, end_ms: int, limit: int
    ) -> list[Candle]:
        """Without gaps, oldest first: the first `limit` from `start_ms` on, or the last before
        `end_ms`.
        """
        step_ms = next_open_at_ms(interval, open_at_ms(interval, end_ms)) - open_at_ms(
            interval, end_ms
        )
        end_ms = min(end_ms, _now_ms()) + 1
        if start_ms is None:
            first_ms = open_at_ms(interval, max(0, end_ms - limit * step_ms))
        else:
            first_ms = max(start_ms, 0)
            end_ms = min(end_ms, first_ms + (limit + 1) * step_ms)
        if first_ms >= end_ms:
            return []
        found = await self._candles(market, interval, first_ms, end_ms)
        filled = [candle for candle in found if candle.open_at_ms >= first_ms]
        return filled[:limit] if start_ms is not None else filled[-limit:]

    async def trades_before(self, market: MarketId, trade_id: int, limit: int) -> list[Trade]:
        """From the store, newest first; the newest trades take a moment to get there."""
        return await asyncio.to_thread(self._tape, market, TradeId(trade_id), limit)

    def running(self, market: MarketId, interval: Interval, at_ms: int) -> Candle | None:
        """The candle of the moment from what is in memory; short intervals only are whole."""
        start_ms = open_at_ms(interval, at_ms)
        trades = [trade for trade in self._live[market] if trade.traded_at_ms >= start_ms]
        return add_trades(None, interval, trades) if trades else None

    def minute(self, market: MarketId, at_ms: int) -> Candle | None:
        return self._minutes[market].get(open_at_ms(Interval.MINUTE, at_ms))

    async def _candles(
        self, market: MarketId, interval: Interval, first_ms: int, end_ms: int
    ) -> list[Candle]:
        # To the second, so that callers in the same second share one reading of the store.
        key = (market, interval, first_ms, end_ms // 1000)
        stored = self._read.get(key)
        if stored is None:
            stored = await asyncio.to_thread(self._stored, market, interval, first_ms, end_ms)
            self._read.put(key, stored)
        by_time = {candle.open_at_ms: candle for candle in stored}
        for trade in self._live[market]:
            at_ms = open_at_ms(interval, trade.traded_at_ms)
            if first_ms <= at_ms < end_ms:
                joined = add_trades(by_time.get(at_ms), interval, [trade])
                assert joined is not None
                by_time[at_ms] = joined
        ordered = [by_time[at_ms] for at_ms in sorted(by_time)]
        return list(without_gaps(ordered, until_ms=end_ms))

    def _stored(
        self, market: MarketId, interval: Interval, first_ms: int, end_ms: int
    ) -> list[Candle]:
        """With the last one before, whose close fills the gap at the start."""
        dynamo = self._dynamo()
        found = candles_between(dynamo, market, interval, first_ms, end_ms)
        before = last_candle_before(dynamo, market, Interval.MINUTE, first_ms)
        if before is not None:
            at_ms = open_at_ms(interval, before.open_at_ms)
            if at_ms < first_ms:
                following_ms = next_open_at_ms(interval, at_ms)
                found = candles_between(dynamo, market, interval, at_ms, following_ms) + found
        return found

    async def _refresh(self, market: MarketId, start_ms: int) -> None:
        stored = await asyncio.to_thread(self._stored_minutes, market, start_ms)
        minutes = self._minutes[market]
        minutes.update({candle.open_at_ms: candle for candle in stored})
        self._forget(market)
        for trade in self._live[market]:
            self._add(minutes, trade)

    def _tape(self, market: MarketId, trade_id: TradeId, limit: int) -> list[Trade]:
        return trades_before(self._dynamo(), market, trade_id, limit=limit, blocks_max=_BLOCKS_MAX)

    def _stored_minutes(self, market: MarketId, start_ms: int) -> list[Candle]:
        end_ms = _now_ms() + 1
        return candles_between(self._dynamo(), market, Interval.MINUTE, start_ms, end_ms)

    def _heard(self, update: MarketUpdate) -> None:
        market = MarketId(update.market)
        for live in update.trades:
            trade = _trade(market, update.epoch, live)
            self._live[market].append(trade)
            self._add(self._minutes[market], trade)

    def _add(self, minutes: dict[int, Candle], trade: Trade) -> None:
        at_ms = open_at_ms(Interval.MINUTE, trade.traded_at_ms)
        candle = add_trades(minutes.get(at_ms), Interval.MINUTE, [trade])
        assert candle is not None
        minutes[at_ms] = candle

    def _forget(self, market: MarketId) -> None:
        before_ms = _now_ms() - DAY_MS - 2 * _MINUTE_MS
        minutes, live = self._minutes[market], self._live[market]
        for at_ms in [at_ms for at_ms in minutes if at_ms < before_ms]:
            del minutes[at_ms]
        while live and live[0].traded_at_ms < _now_ms() - _LIVE_MS:
            live.popleft()


def _trade(market: MarketId, epoch: int, live: LiveTrade) -> Trade:
    return Trade(
        market=market,
        id=TradeId(live.trade_id),
        epoch=epoch,
        sequence=live.sequence,
        price_ticks=live.price,
        lots=live.lots,
        taker_side=Side.BUY if live.aggressor == BUY_AGGRESSOR else Side.SELL,
        traded_at_ms=live.time_us // 1000,
        maker_order_id=OrderId(live.maker_order_id),
        taker_order_id=OrderId(live.taker_order_id),
        maker_id=_NOBODY,
        taker_id=_NOBODY,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
