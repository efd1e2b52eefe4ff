"""The web application in a real browser: how soon it paints, what it weighs, whether it keeps up.

`rialto bench web`: servers and a headless Chromium of its own (`make chromium`). It measures

- the public market page, cold: first contentful paint, and the bytes of script on the wire;
- the same, and the trading page until its book is live, behind a network of 300 ms;
- typing into the order form while the book changes more than 60 times a second: every key must
  arrive, and the time from a key to its handling is what the browser itself says.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright

from bench.raw_http import HttpConnection, Login, open_http
from bench.report import BenchResult, percentile
from bench.trading_stack import TradingStack, trading_stack
from bench.web_typing import MARKET as TYPING_MARKET
from bench.web_typing import Typing, changing_book, type_while_it_changes

HOST = "127.0.0.1"
MARKET = "BTC-USDT"
CHROMIUM = Path(__file__).parent.parent / ".tools/chromium/bin/chromium"
VISITS = 15
SLOW_VISITS = 5
SLOW_MS = 300
"""Added to every round trip, by Chromium's own network conditions."""
LEVELS = 150
"""Of each side at rest."""
UPDATES_PER_SECOND = (75.0, 150.0)
"""Of a book: the budget is 60, and more than there are frames must not hurt."""
PATIENCE_MS = 60_000
_PAINT_MS_MAX = 1_000
_SCRIPT_BYTES_MAX = 200_000

_PAINTED = """() => new Promise((done) => {
  const found = () => performance.getEntriesByName('first-contentful-paint')[0];
  if (found()) return done(found().startTime);
  new PerformanceObserver((_, observer) => {
    if (found()) { observer.disconnect(); done(found().startTime); }
  }).observe({ type: 'paint', buffered: true });
})"""


async def run() -> BenchResult:
    async with trading_stack() as trading:
        await asyncio.to_thread(trading.stack.require, "web")
        logins = await trading.customers(1)
        await _rest(trading.port, logins[0])
        url = f"http://{HOST}:{trading.stack.port('web')}"
        async with _chromium() as browser:
            paint, weight = await _visits(browser, f"{url}/markets/{MARKET}", VISITS, 0)
            slow, _ = await _visits(browser, f"{url}/markets/{MARKET}", SLOW_VISITS, SLOW_MS)
            live = await _until_live(browser, f"{url}/trade/{MARKET}")
            typing = await _typing(browser, trading, url)
        await trading.settled()
        conservation = await trading.conservation()
    within = percentile(paint, 0.5) < _PAINT_MS_MAX and weight < _SCRIPT_BYTES_MAX
    budgets = (
        f"market page, {VISITS} cold visits: first contentful paint as below, {weight:,} bytes of "
        f"script on the wire; within the budget of {_PAINT_MS_MAX:,} ms and "
        f"{_SCRIPT_BYTES_MAX:,} bytes: {'yes' if within else 'NO'}"
    )
    behind = (
        f"behind {SLOW_MS} ms: first contentful paint p50 {percentile(slow, 0.5):.0f} ms; "
        f"trading page with a live book after p50 {percentile(live, 0.5):.0f} ms"
    )
    return BenchResult(
        "web",
        typing[0].changes_per_second,
        percentile(paint, 0.5),
        percentile(paint, 0.99),
        percentile(paint, 0.999),
        "nothing is promised as durable here; per second: changes of the book",
        conservation,
        notes=[budgets, behind, *map(str, typing)],
    )


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-gpu"], chromium_sandbox=os.geteuid() != 0
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def _tab(browser: Browser) -> AsyncIterator[tuple[BrowserContext, Page, CDPSession]]:
    """A browser that was never here: no cookies, nothing cached."""
    context = await browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = await context.new_page()
        yield context, page, await context.new_cdp_session(page)
    finally:
        await context.close()


async def _slow_down(protocol: CDPSession, latency_ms: int) -> None:
    conditions = {"offline": False, "latency": latency_ms, "downloadThroughput": -1,
                  "uploadThroughput": -1}  # fmt: skip
    await protocol.send("Network.enable")
    await protocol.send("Network.emulateNetworkConditions", conditions)


async def _visits(
    browser: Browser, url: str, count: int, latency_ms: int
) -> tuple[list[float], int]:
    """Sorted milliseconds to the first contentful paint, and bytes of script of one visit."""
    paints: list[float] = []
    weight = 0
    for _ in range(count):
        async with _tab(browser) as (_, page, protocol):
            scripts = _Scripts(protocol)
            await _slow_down(protocol, latency_ms)
            await page.goto(url, wait_until="networkidle")
            paints.append(float(await page.evaluate(_PAINTED)))
            weight = max(weight, scripts.bytes)
    return sorted(paints), weight


class _Scripts:
    """What the network carried for scripts, with headers, as the browser counts it."""

    def __init__(self, protocol: CDPSession) -> None:
        self._requests: set[str] = set()
        self.bytes = 0
        protocol.on("Network.responseReceived", self._received)
        protocol.on("Network.loadingFinished", self._finished)

    def _received(self, event: dict[str, Any]) -> None:
        if event["type"] == "Script" or "javascript" in event["response"]["mimeType"]:
            self._requests.add(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._requests:
            self.bytes += int(event["encodedDataLength"])


async def _until_live(browser: Browser, url: str) -> list[float]:
    """Sorted milliseconds from asking for the trading page to a checked book on the screen."""
    loop = asyncio.get_running_loop()
    found: list[float] = []
    for _ in range(SLOW_VISITS):
        async with _tab(browser) as (_, page, protocol):
            await _slow_down(protocol, SLOW_MS)
            began = loop.time()
            await page.goto(url, wait_until="commit")
            await page.locator("[data-testid=book] [data-price]").first.wait_for()
            found.append(1e3 * (loop.time() - began))
    return sorted(found)


async def _typing(browser: Browser, trading: TradingStack, url: str) -> list[Typing]:
    async with (
        changing_book(trading.stack.env["RIALTO_VALKEY_URL"]) as book,
        _tab(browser) as (_, page, _),
    ):
        await page.goto(f"{url}/trade/{TYPING_MARKET}")
        await page.locator("[data-testid=terminal][data-feed=open]").wait_for()
        return [await type_while_it_changes(page, book, rate) for rate in UPDATES_PER_SECOND]


async def _rest(port: int, login: Login) -> None:
    """A book of many levels on either side, so that there is something to check and to draw."""
    connection = await open_http(HOST, port)
    for level in range(LEVELS):
        for side, price in (("buy", 49_990 - level), ("sell", 50_010 + level)):
            await _place(connection, login, side, price)
    connection.close()


async def _place(connection: HttpConnection, login: Login, side: str, price: int) -> str:
    body = f'{{"market":"{MARKET}","side":"{side}","price":"{price}","size":"0.001"}}'.encode()
    head = f"POST /v1/orders HTTP/1.1\r\nHost: {HOST}\r\n"
    status, answer = await connection.send(head + login.signed("POST", "/v1/orders", body), body)
    assert status in (201, 202), answer
    return str(json.loads(answer)["id"])
