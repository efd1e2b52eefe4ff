"""Made-up but consistent histories: what an engine and a listener could have said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from activities.projecting.reading import StreamRecord
from engine import events as e
from engine.events import NumberedEvent
from projections.listings import Listings
from storage.catalog import BTC, ETH, LISTED, USDT
from streams import chain_events, custody_events, market_events
from streams.chain_events import ChainEvent, ChainEventKind
from streams.kinesis import CHAIN_EVENTS, MARKET_EVENTS

MARKET = "BTC-USDT"
LISTINGS = Listings.of([BTC, ETH, USDT], LISTED)
START_US = 1_764_000_000_000_000


@dataclass
class _Market:
    """A toy engine: orders rest, trade against each other, and end; numbered as the real one."""

    events: list[NumberedEvent] = field(default_factory=list)
    open_lots: dict[int, int] = field(default_factory=dict)
    trades: int = 0
    time_us: int = START_US

    def say(self, kind: int, *fields: int) -> None:
        self.events.append((len(self.events) + 1, self.time_us, kind, *fields))


@st.composite
def market_histories(draw: st.DrawFn, *, commands: int = 25) -> list[NumberedEvent]:
    market = _Market()
    for number in range(1, draw(st.integers(1, commands)) + 1):
        market.time_us += draw(st.sampled_from([1, 700_000, 65_000_000]))
        action = draw(st.sampled_from(["rest", "rest", "take", "cancel", "wait"]))
        _act(market, action, number, draw(st.integers(1, 9)))
    return market.events


def _act(market: _Market, action: str, order_id: int, lots: int) -> None:
    resting = next(iter(market.open_lots), None)
    match action:
        case "take" if resting is not None:
            _take(market, order_id, lots)
        case "cancel" if resting is not None:
            left = market.open_lots.pop(resting)
            market.say(e.CANCELED, resting, 7, 1, 500, left, left, e.BY_OWNER)
        case "wait":
            market.say(e.WAITING, order_id, 7, 0, 450, lots)
        case _:
            market.say(e.RESTED, order_id, 7, 1, 500 + lots, lots)
            market.open_lots[order_id] = lots


def _take(market: _Market, order_id: int, lots: int) -> None:
    market.say(e.ACCEPTED, order_id, 8, 0, 500, lots)
    while lots and market.open_lots:
        maker = next(iter(market.open_lots))
        traded = min(lots, market.open_lots[maker])
        lots -= traded
        market.open_lots[maker] -= traded
        market.trades += 1
        left = market.open_lots[maker]
        fields = (market.trades, 500, traded, maker, 7, left, order_id, 8, lots, e.SELL_AGGRESSOR)
        market.say(e.FILLED, *fields)
        if not left:
            del market.open_lots[maker]
    if lots:
        market.say(e.EXPIRED, order_id, 8, 0, 500, lots, 0, e.IOC_REMAINDER)


@st.composite
def chain_histories(draw: st.DrawFn) -> list[bytes]:
    """Deposits that are seen, mined, orphaned and mined again; their rows as they change."""
    lines = []
    version = 0
    for number in range(draw(st.integers(1, 4))):
        txid = f"{number:064x}"
        steps = draw(st.integers(1, 6))
        for step in range(steps):
            version += 1
            lines.append(_chain_line(txid, step, version))
            version += 1
            lines.append(_deposit_line(txid, step, version))
    return lines


def _chain_line(txid: str, step: int, version: int) -> bytes:
    kinds = (
        ChainEventKind.DEPOSIT_SEEN,
        ChainEventKind.DEPOSIT_MINED,
        ChainEventKind.DEPOSIT_ORPHANED,
    )
    kind = kinds[step % 3]
    pays = {} if kind is ChainEventKind.DEPOSIT_ORPHANED else _PAYS
    mined = {"height": 100 + step, "block_hash": f"b{step}"} if step % 3 == 1 else {}
    event = ChainEvent(
        kind=kind,
        chain="bitcoin",
        sequence=version,
        at_ms=START_US // 1000 + version,
        txid=txid,
        index=0,
        **mined,
        **pays,
    )
    return chain_events.to_record(event).data


_PAYS = {"asset": "BTC", "units": "150000", "address": "bcrt1qexample", "customer_id": 7}


def _deposit_line(txid: str, step: int, version: int) -> bytes:
    statuses = ("detected", "confirming", "orphaned")
    event = custody_events.DepositChanged(
        version=version,
        id=f"bitcoin:{txid}:0",
        customer_id=7,
        chain="bitcoin",
        txid=txid,
        index=0,
        asset="BTC",
        units="150000",
        address="bcrt1qexample",
        status=statuses[step % 3],
        first_seen_at_ms=START_US // 1000,
        changed_at_ms=START_US // 1000 + version,
    )
    return custody_events.to_record(event).data


def run_of(events: Sequence[NumberedEvent], market: str = MARKET) -> bytes:
    return market_events.encode(
        market_events.MarketEvents(market, 1, events[0][0], events[-1][0], list(events))
    )


def market_record(number: int, events: Sequence[NumberedEvent]) -> StreamRecord:
    return record(MARKET_EVENTS, number, MARKET, run_of(events))


def chain_record(number: int, line: bytes) -> StreamRecord:
    return record(CHAIN_EVENTS, number, "bitcoin", line)


def record(stream: str, number: int, key: str, data: bytes) -> StreamRecord:
    return StreamRecord(stream, "shardId-0", str(number), key, data, START_US // 1000)


def pieces(events: Sequence[NumberedEvent], sizes: Iterator[int]) -> list[list[NumberedEvent]]:
    """The events cut into runs, as the shipper's batches would be."""
    cut, start = [], 0
    while start < len(events):
        end = start + next(sizes)
        cut.append(list(events[start:end]))
        start = end
    return cut
