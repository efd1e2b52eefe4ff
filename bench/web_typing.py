"""Typing into the order form of the trading page while its book changes many times a second.

The changes are published on Valkey as the shipper does, on a market that the stack's own engine
leaves alone, so their rate is the bench's: through orders it would be what the whole order path
does beside a browser on the same machine. From Valkey on everything is real: the API, the web
process, the page's WebSocket, its sequence and checksum checks.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from playwright.async_api import Page
from valkey.asyncio import Valkey

from bench.report import percentile
from streams.market_data import (
    BookSnapshot,
    LevelChange,
    MarketUpdate,
    Trade,
    book_checksum,
    book_key,
    decode,
    encode,
    market_channel,
)

MARKET = "ETH-USDT"
SECONDS = 15.0
LEVELS = 150
"""Of each side at rest."""
KEY_EVERY_SECONDS = 0.08
"""Twelve keys a second: faster than people type."""
_SHOWN = 12
"""Rows of each side on the page: changes are made there, so that every one must be drawn."""
_MIDDLE_TICKS = 300_000
_TRADE_EVERY = 10
_SIZE = re.compile(r"0\.\d{1,3}")
_BOOK = "[data-testid=book]"

_WATCH = """() => {
  window.seen = { keys: [], frames: 0, slowFrames: 0, longTasks: 0, drawn: 0, takenAway: 0 };
  const seen = window.seen;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) {
      if (each.name === 'keydown') seen.keys.push([each.processingStart - each.startTime, each.duration]);
    }
  }).observe({ type: 'event', durationThreshold: 16 });
  new PerformanceObserver((list) => {
    seen.longTasks += list.getEntries().length;
  }).observe({ type: 'longtask' });
  const book = document.querySelector('[data-testid=book]');
  new MutationObserver(() => {
    if (book.dataset.sequence === '0') seen.takenAway += 1;
    else seen.drawn += 1;
  }).observe(book, { attributes: true, attributeFilter: ['data-sequence'] });
  let before = performance.now();
  const frame = (now) => {
    seen.frames += 1;
    if (now - before > 50) seen.slowFrames += 1;
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""  # noqa: E501


@dataclass
class Typing:
    changes_per_second: float = 0.0
    """Of the book, published one by one."""
    drawn_per_second: float = 0.0
    taken_away: int = 0
    """How often the page found its book wrong and began anew."""
    sent: int = 0
    dropped: int = 0
    """Keys of amounts that did not read as typed."""
    delays: list[float] = field(default_factory=list)
    """Milliseconds from a key to the start of its handling, of keys slow enough to be listed."""
    durations: list[float] = field(default_factory=list)
    """Milliseconds from a key to the paint that shows it; the browser lists those from 16 up."""
    frames_per_second: float = 0.0
    slow_frames: int = 0
    long_tasks: int = 0

    def __str__(self) -> str:
        delays, durations = sorted(self.delays), sorted(self.durations)
        return (
            f"{self.changes_per_second:.0f} changes of the book a second, drawn "
            f"{self.drawn_per_second:.0f} times a second, the last one shown, taken away "
            f"{self.taken_away} times: {self.sent} keys typed, {self.dropped} dropped; "
            f"{len(durations)} took 16 ms or more until painted: of these "
            f"p50 {percentile(durations, 0.5):.0f} p99 {percentile(durations, 0.99):.0f} ms, "
            f"waiting p99 {percentile(delays, 0.99):.1f} ms; {self.frames_per_second:.0f} frames "
            f"a second, {self.slow_frames} above 50 ms, {self.long_tasks} long tasks"
        )


class Changing:
    """A book that changes at a steady rate, published as the shipper publishes it."""

    def __init__(self, valkey: Valkey, sequence: int) -> None:
        self._valkey = valkey
        self._random = Random(9)
        self._sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        """Lots by price in ticks: asks, bids."""
        self.sequence = sequence

    @classmethod
    async def begin(cls, valkey: Valkey) -> Changing:
        """Where the market's own book stands, then `LEVELS` levels of each side."""
        stored = await valkey.get(book_key(MARKET))
        before = decode(stored) if stored is not None else None
        changing = cls(valkey, before.sequence if isinstance(before, BookSnapshot) else 0)
        levels = [(0, _MIDDLE_TICKS + 1 + away) for away in range(LEVELS)]
        levels += [(1, _MIDDLE_TICKS - 1 - away) for away in range(LEVELS)]
        await changing._publish([(is_buy, price, 1_000) for is_buy, price in levels], [])
        return changing

    async def at_rate(self, per_second: float, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_second - loop.time()))
            await self._change(number)

    async def _change(self, number: int) -> None:
        """Another size at one of the prices shown; now and then with a trade there."""
        is_buy, away = self._random.randrange(2), 1 + self._random.randrange(_SHOWN)
        price = _MIDDLE_TICKS + (-away if is_buy else away)
        is_gone = self._sides[is_buy].get(price, 0) > 0 and self._random.random() < 1 / 3
        lots = 0 if is_gone else self._random.randrange(1, 100_000)
        trades = []
        if number % _TRADE_EVERY == 0:
            now_us = time.time_ns() // 1_000
            trades = [Trade(number + 1, self.sequence + 1, now_us, price, 1, 1 - is_buy, 1, 2)]
        await self._publish([(is_buy, price, lots)], trades)

    async def _publish(self, changes: list[tuple[int, int, int]], trades: list[Trade]) -> None:
        for is_buy, price, lots in changes:
            self._sides[is_buy][price] = lots
            if not lots:
                del self._sides[is_buy][price]
        previous, self.sequence = self.sequence, self.sequence + 1
        levels: list[LevelChange] = [(*each, 1 if each[2] else 0) for each in changes]
        asks, bids = sorted(self._sides[0].items()), sorted(self._sides[1].items(), reverse=True)
        update = MarketUpdate(
            MARKET, 1, previous, self.sequence, self.sequence, time.time_ns() // 1_000, "trading",
            levels, [], trades, book_checksum(bids, asks),
        )  # fmt: skip
        await self._valkey.publish(market_channel(MARKET), encode(update))


@asynccontextmanager
async def changing_book(valkey_url: str) -> AsyncIterator[Changing]:
    valkey = Valkey.from_url(valkey_url)
    try:
        yield await Changing.begin(valkey)
    finally:
        await valkey.aclose()


async def type_while_it_changes(page: Page, book: Changing, per_second: float) -> Typing:
    """On a trading page that is open. Ends when the page shows the newest book."""
    await page.locator(f'{_BOOK}[data-sequence="{book.sequence}"]').wait_for()
    await page.evaluate(_WATCH)
    typing, loop, before = Typing(), asyncio.get_running_loop(), book.sequence
    began = loop.time()
    changing = asyncio.create_task(book.at_rate(per_second, SECONDS))
    while not changing.done():
        typing.dropped += await _type_amount(page, f"0.{typing.sent % 900 + 100}")
        typing.sent += len("0.100")
    await changing
    seconds = loop.time() - began
    await page.locator(f'{_BOOK}[data-sequence="{book.sequence}"]').wait_for()
    seen: dict[str, Any] = await page.evaluate("() => window.seen")
    typing.changes_per_second = (book.sequence - before) / seconds
    typing.drawn_per_second = seen["drawn"] / seconds
    typing.taken_away = seen["takenAway"]
    typing.delays = [each[0] for each in seen["keys"]]
    typing.durations = [each[1] for each in seen["keys"]]
    typing.frames_per_second = seen["frames"] / seconds
    typing.slow_frames, typing.long_tasks = seen["slowFrames"], seen["longTasks"]
    return typing


async def _type_amount(page: Page, text: str) -> int:
    """Keys into the size, one after the other; all count as dropped unless it reads as typed."""
    assert _SIZE.fullmatch(text)
    await page.locator("#size").fill("")
    await page.locator("#size").focus()
    for key in text:
        await page.keyboard.press(key)
        await asyncio.sleep(KEY_EVERY_SECONDS)
    return 0 if await page.locator("#size").input_value() == text else len(text)
