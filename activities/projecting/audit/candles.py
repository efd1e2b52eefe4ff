"""Candles against the tapes. A candle says which trades it holds, so it is judged by just those."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator

from activities.projecting.audit.check import Suspect
from projections import ranges
from projections.candle import Candle, Interval, add_trades, open_at_ms
from projections.trade import Trade
from storage import dynamo_trades
from storage.dynamo import Dynamo
from storage.dynamo_candles import months_of
from storage.dynamo_checkpoints import read_progress

_PAGE = 1000


class CandlesCheck:
    """The months' candles of each market hold every trade that was applied, with its figures."""

    name = "projections = sources: candles"

    def __init__(self, dynamo: Dynamo, markets: Collection[str]) -> None:
        self._dynamo = dynamo
        self._markets = markets

    async def first(self) -> AsyncIterator[Suspect]:
        for suspect in await self.again(self._markets):
            yield suspect

    async def again(self, keys: Collection[str]) -> list[Suspect]:
        details = [(market, await asyncio.to_thread(self._compare, market)) for market in keys]
        return [Suspect(each, f"candles of {each}", detail) for each, detail in details if detail]

    def _compare(self, market: str) -> str:
        # In this order: what is noted as applied is in the candles, what is there is on the tape.
        last_trade_id = read_progress(self._dynamo, market).last_trade_id
        candles = {candle.open_at_ms: candle for candle in months_of(self._dynamo, market)}
        held: ranges.Ranges = ()
        for candle in candles.values():
            held = ranges.union(held, candle.trades)
        missing = ranges.holes(ranges.union(held, ((last_trade_id + 1, last_trade_id + 1),)), 1)
        if missing and missing[0][0] <= last_trade_id:
            return f"trades {missing[:5]} are in no candle"
        made: dict[int, Candle] = {}
        for trades in self._tape(market, held):
            _add(made, trades)
        wrong = [start_ms for start_ms, candle in candles.items() if made.get(start_ms) != candle]
        if not wrong:
            return ""
        return f"month {wrong[0]} is {candles[wrong[0]]}, its trades make {made.get(wrong[0])}"

    def _tape(self, market: str, held: ranges.Ranges) -> Iterator[list[Trade]]:
        """The trades that the candles hold, a page at a time."""
        last = held[-1][1] if held else 0
        for start in range(1, last + 1, _PAGE):
            numbers = [(market, n) for n in range(start, min(start + _PAGE, last + 1))]
            found = dynamo_trades.find_trades(self._dynamo, numbers)
            yield [trade for trade in found if ranges.contains(held, trade.id)]


def _add(made: dict[int, Candle], trades: list[Trade]) -> None:
    months: dict[int, list[Trade]] = {}
    for trade in trades:
        months.setdefault(open_at_ms(Interval.MONTH, trade.traded_at_ms), []).append(trade)
    for start_ms, mine in months.items():
        candle = add_trades(made.get(start_ms), Interval.MONTH, mine)
        assert candle is not None
        made[start_ms] = candle
