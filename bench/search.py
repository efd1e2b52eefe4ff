"""Searches over many documents, as the API asks them. `rialto bench search` starts its own server.

`RIALTO_BENCH_DOCUMENTS` says how many: the local server keeps some 10 KB of memory for each, and as
much garbage as `RIALTO_SEARCH_MEMORY` (15GiB) lets it. Filling ends after
`RIALTO_BENCH_FILL_SECONDS`, with what is there then.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import psutil

from api.search.desk import SearchDesk
from api.search.lag import ProjectionLag
from api.search.query import SearchQuery
from api.search.viewer import Viewer
from bench.report import BenchResult, percentile
from compliance.staff import Role
from devstack.rented import RentedStack
from domain.errors import Unavailable
from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from projections import chain, document
from projections.chain import Deposit, Output, OutputStatus
from projections.document import Document
from projections.order import OrderState, OrderStatus
from projections.trade import Trade
from storage.catalog import BTC, LISTED
from storage.search_client import connect, connect_async
from storage.search_index import BULK_DOCUMENTS, SearchIndex, SearchUnavailable, Source

DOCUMENTS = 100_000
FILL_SECONDS = 90.0
SECONDS = 20.0
CALLERS = 4
CUSTOMERS = 2_000
START_MS = 1_764_000_000_000
SPAN_MS = 330 * 24 * 3_600_000
"""Eleven months, so that trades fill as many indexes as an exchange of a year has."""
MARKET = LISTED[0]
_PREFIX = "bench-"
_TRIES = 5


class NoLag(ProjectionLag):
    """No processor runs: nothing is behind."""

    def __init__(self) -> None:
        """Nothing to ask."""

    async def milliseconds(self) -> int | None:
        return None


def documents(count: int, random: Random) -> Iterator[Document]:
    """Half trades, three in ten orders, the rest deposits and the outputs that paid them."""
    for number in range(1, count // 10 + 1):
        at_ms = START_MS + number * SPAN_MS // (count // 10)
        for part in range(5):
            yield document.of_trade(_trade(number * 5 + part, at_ms, random), MARKET)
        for part in range(3):
            yield document.of_order(_order(number * 3 + part, at_ms, random), MARKET)
        txid, address = f"{random.getrandbits(256):064x}", _address(random.randrange(CUSTOMERS))
        units = random.randrange(1, 10**9)
        output = Output(
            "bitcoin", txid, 0, OutputStatus.MINED, number, at_ms, number // 6,
            f"{number // 6:064x}", "BTC", units, address,
        )  # fmt: skip
        yield chain.of_output(output, BTC)
        deposit = Deposit(
            f"bitcoin:{txid}:0", random.randrange(CUSTOMERS), "bitcoin", txid, 0, "BTC", units,
            address, random.choice(("confirming", "credited")), at_ms, at_ms, number,
        )  # fmt: skip
        yield chain.of_deposit(deposit, BTC)


def _trade(number: int, at_ms: int, random: Random) -> Trade:
    return Trade(
        MarketId(MARKET.id), TradeId(number), 1, number, random.randrange(1, 10**7),
        random.randrange(1, 10**5), random.choice((Side.BUY, Side.SELL)), at_ms, OrderId(number),
        OrderId(number + 1), CustomerId(random.randrange(CUSTOMERS)),
        CustomerId(random.randrange(CUSTOMERS)),
    )  # fmt: skip


def _order(number: int, at_ms: int, random: Random) -> OrderState:
    status = random.choice((OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.OPEN))
    return OrderState(
        MarketId(MARKET.id), number, random.randrange(CUSTOMERS), number, status, at_ms * 1000,
        at_ms * 1000, "buy", 500, 0, 10, 5, 2500, 1, 2,
    )  # fmt: skip


def _address(number: int) -> str:
    return f"bcrt1q{number:032x}"


def queries(random: Random, txids: list[str]) -> dict[str, tuple[SearchQuery, Viewer]]:
    """One of each kind that people ask."""
    mine = Viewer(customer_id=random.randrange(CUSTOMERS))
    staff = Viewer(staff="bench", role=Role.COMPLIANCE)
    public = Viewer()
    return {
        "txid": (SearchQuery(txid=random.choice(txids)), public),
        "address": (SearchQuery(address=_address(random.randrange(CUSTOMERS))), public),
        "beginning of a txid": (SearchQuery(q=random.choice(txids)[:10]), public),
        "own records, newest": (SearchQuery(customer="me"), mine),
        "customer, amount range": (
            SearchQuery(customer=str(random.randrange(CUSTOMERS)), amount_min="0.01"), staff,
        ),
        "market by price": (
            SearchQuery(kind=("trade",), market=(MARKET.id,), price_min="90000"), public,
        ),
        "words with facets": (SearchQuery(q="deposit credited", facets=True), staff),
    }  # fmt: skip


@dataclass
class Took:
    """Milliseconds of each kind of query, and how many of them were given up as too slow."""

    times: dict[str, list[float]] = field(default_factory=dict)
    given_up: Counter[str] = field(default_factory=Counter)

    def note(self, name: str) -> str:
        times = sorted(self.times[name])
        said = f"{name}: p50 {percentile(times, 0.5):.1f} ms, p99 {percentile(times, 0.99):.1f} ms"
        lost = self.given_up[name]
        return f"{said}; {lost} of {len(times)} given up" if lost else said


async def measure(desk: SearchDesk, txids: list[str], seconds: float) -> Took:
    """Each kind of query in turn, asked by a few at once."""
    took = Took()
    deadline = time.perf_counter() + seconds

    async def caller(seed: int) -> None:
        random = Random(seed)
        while time.perf_counter() < deadline:
            for name, (query, viewer) in queries(random, txids).items():
                began = time.perf_counter()
                try:
                    await desk.search(query, viewer)
                except Unavailable:
                    took.given_up[name] += 1
                took.times.setdefault(name, []).append(1000 * (time.perf_counter() - began))

    await asyncio.gather(*(caller(seed) for seed in range(CALLERS)))
    return took


def fill(search: SearchIndex, count: int, seconds: float) -> tuple[int, list[str]]:
    """Index that many documents, or as many as go; returns how many, and txids among them."""
    txids: list[str] = []
    page: list[Source] = []
    done, deadline = 0, time.perf_counter() + seconds
    for each in documents(count, Random(7)):
        if each.txid and len(txids) < 5_000:
            txids.append(each.txid)
        page.append(each.source())
        if len(page) == BULK_DOCUMENTS:
            _write(search, page)
            done += len(page)
            page = []
            if time.perf_counter() > deadline:
                break
    _write(search, page)
    search.refresh()
    return done + len(page), txids


def _write(search: SearchIndex, page: list[Source]) -> None:
    """Until the server, which may be busy with what it has, took it; twice is as good as once."""
    for _ in range(_TRIES):
        with suppress(SearchUnavailable):
            assert search.write(page) == []
            return
    raise AssertionError(f"the search server did not take documents {_TRIES} times")


async def run() -> BenchResult:
    count = int(os.environ.get("RIALTO_BENCH_DOCUMENTS", DOCUMENTS))
    stack = RentedStack(RIALTO_SEARCH_MEMORY=os.environ.get("RIALTO_SEARCH_MEMORY", ""))
    try:
        stack.require("osmem")
        return await _run(stack, count)
    finally:
        stack.close()


async def _run(stack: RentedStack, count: int) -> BenchResult:
    url = stack.env["RIALTO_OPENSEARCH_URL"]
    search = SearchIndex(connect(url), _PREFIX)
    search.prepare(serves=True)
    began = time.perf_counter()
    seconds = float(os.environ.get("RIALTO_BENCH_FILL_SECONDS", FILL_SECONDS))
    count, txids = await asyncio.to_thread(fill, search, count, seconds)
    filling = time.perf_counter() - began
    desk = SearchDesk(connect_async(url), f"{_PREFIX}search", NoLag())
    await measure(desk, txids, 1.0)  # What still merges after filling is not what is measured.
    took = await measure(desk, txids, SECONDS)
    await desk.close()
    every = sorted(each for times in took.times.values() for each in times)
    pid = stack.pid("osmem")
    assert pid is not None
    memory = psutil.Process(pid).memory_info().rss >> 20
    return BenchResult(
        "search",
        len(every) / SECONDS,
        percentile(every, 0.5),
        percentile(every, 0.99),
        percentile(every, 0.999),
        "not applicable: searches change nothing",
        "not applicable",
        {},
        [
            f"{count} documents, {CALLERS} searches at a time, an equal share of each kind",
            f"filled at {count / filling:.0f} documents a second; server {memory} MiB",
            *(took.note(name) for name in took.times),
        ],
    )
