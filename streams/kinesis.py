"""Kinesis producer: ordered per key, aggregated, retried without loss or reordering.

Events of one key travel in aggregates: one Kinesis record holds many events of the same key, one
per line. A call carries at most one aggregate per key and the next one leaves only after it was
accepted: PutRecords may refuse some records of a call and take later ones, which would reorder a
key. A retried call may write twice; readers recognise repeats by the events' own sequence.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.aws import client, is_transient

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

CHAIN_EVENTS = "rialto-chain-events"
MARKET_EVENTS = "rialto-market-events"

RECORD_BYTES_MAX = 1024 * 1024 - 1024
"""Kinesis takes 1 MiB of key and data in a record."""

AGGREGATE_BYTES = 128 * 1024
"""Events are packed up to this size: some hundreds of events share one record's cost."""

CALL_RECORDS_MAX = 500
CALL_BYTES_MAX = 4 * 1024 * 1024
"""PutRecords takes 500 records and 5 MiB; the rest is left for keys and framing."""

RETRY_SECONDS_MIN = 0.05
RETRY_SECONDS_MAX = 5.0

logger = logging.getLogger(__name__)


class RecordTooLarge(ValueError):
    """One event alone is larger than a Kinesis record."""


@dataclass(frozen=True, slots=True)
class Record:
    """One event. Events of one key are read in the order they were put; keys are independent."""

    key: str
    data: bytes
    """One JSON value without a line break."""


class KinesisProducer:
    """Puts events and returns when Kinesis has them all. One instance per process."""

    def __init__(self, kinesis: KinesisClient | None = None) -> None:
        self._kinesis = kinesis or client("kinesis")
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def put(self, stream: str, records: Sequence[Record]) -> None:
        """Write `records`. Retries refusals and outages without end; cancel the call to give up.

        Raises RecordTooLarge before anything is written, and at once what no retry can cure
        (no such stream, no permission).
        """
        waiting = _aggregates(records)
        async with self._turns[stream]:  # A second caller's events must not overtake the first's.
            while waiting:
                await self._round(stream, waiting)

    async def _round(self, stream: str, waiting: dict[str, deque[bytes]]) -> None:
        """Send the first aggregate of as many keys as one call takes, until each was accepted."""
        pending = _first_of_each(waiting)
        delay_seconds = RETRY_SECONDS_MIN
        while pending:
            refused = await self._call(stream, pending)
            for key in pending.keys() - refused:
                waiting[key].popleft()
                if not waiting[key]:
                    del waiting[key]
            pending = {key: pending[key] for key in pending if key in refused}
            if pending:
                await asyncio.sleep(delay_seconds)
                delay_seconds = min(2 * delay_seconds, RETRY_SECONDS_MAX)

    async def _call(self, stream: str, pending: dict[str, bytes]) -> set[str]:
        """The keys that were refused. After an outage that is all of them: what arrived repeats."""
        entries: list[PutRecordsRequestEntryTypeDef] = [
            {"PartitionKey": key, "Data": data} for key, data in pending.items()
        ]
        try:
            answer = await asyncio.to_thread(
                self._kinesis.put_records, StreamName=stream, Records=entries
            )
        except Exception as error:
            if not is_transient(error):
                raise
            logger.warning("kinesis put failed", extra={"stream": stream, "error": str(error)})
            return set(pending)
        refused = {
            key
            for key, result in zip(pending, answer["Records"], strict=True)
            if result.get("ErrorCode")
        }
        if refused:
            logger.info("kinesis put throttled", extra={"stream": stream, "keys": len(refused)})
        return refused


def split_aggregate(data: bytes) -> list[bytes]:
    """The events inside one Kinesis record, in order."""
    return [line for line in data.split(b"\n") if line]


def _aggregates(records: Sequence[Record]) -> dict[str, deque[bytes]]:
    packed: dict[str, deque[bytes]] = {}
    open_lines: dict[str, list[bytes]] = defaultdict(list)
    open_bytes: dict[str, int] = defaultdict(int)
    for record in records:
        size = len(record.data) + 1
        if size + len(record.key.encode()) > RECORD_BYTES_MAX:
            raise RecordTooLarge(f"an event of key {record.key!r} has {size} bytes")
        assert b"\n" not in record.data, "an event is one line"
        if open_bytes[record.key] + size > AGGREGATE_BYTES and open_lines[record.key]:
            packed.setdefault(record.key, deque()).append(b"\n".join(open_lines.pop(record.key)))
            open_bytes[record.key] = 0
        open_lines[record.key].append(record.data)
        open_bytes[record.key] += size
    for key, lines in open_lines.items():
        packed.setdefault(key, deque()).append(b"\n".join(lines))
    return packed


def _first_of_each(waiting: dict[str, deque[bytes]]) -> dict[str, bytes]:
    chosen: dict[str, bytes] = {}
    total_bytes = 0
    for key, aggregates in waiting.items():
        total_bytes += len(aggregates[0]) + len(key)
        if chosen and (len(chosen) == CALL_RECORDS_MAX or total_bytes > CALL_BYTES_MAX):
            break
        chosen[key] = aggregates[0]
    return chosen
