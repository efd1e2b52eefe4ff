"""Market events on Kinesis stream `rialto-market-events`: every event of every market, at least
once, in order.

One record holds a run of a market's numbered events; the partition key is the market, so a market's
records stay in order. A consumer drops events whose sequence it has seen; a gap means records are
missing and must not be skipped.
"""

from __future__ import annotations

from typing import Final

import msgspec

from engine.events import NumberedEvent

STREAM: Final = "rialto-market-events"

EVENTS_MAX: Final = 500
"""Events of one record; at up to 200 bytes each it stays far under Kinesis's 1 MiB."""


class MarketEvents(msgspec.Struct, frozen=True):
    market: str
    epoch: int
    first_sequence: int
    last_sequence: int
    events: list[NumberedEvent]
    """`(sequence, time_us, kind, ...)` in the layouts of engine/events.py, without gaps."""


_decoder = msgspec.json.Decoder(MarketEvents)


def encode(events: MarketEvents) -> bytes:
    return msgspec.json.encode(events)


def decode(record: bytes) -> MarketEvents:
    return _decoder.decode(record)
