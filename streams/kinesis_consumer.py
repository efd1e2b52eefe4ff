"""Reads a Kinesis stream to its end and on: every shard in order, parents before their children.

A batch is handed over until it is taken, then its position is kept; after a restart reading goes on
from there. So every record is seen at least once, and none of a key before an earlier one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from streams.pace import Pace

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import RecordTypeDef, ShardTypeDef

_Answer = TypeVar("_Answer")

BATCH_RECORDS = 500
IDLE_SECONDS = 0.2
"""AWS allows five reads per second and shard."""
IDLE_SECONDS_MAX = 0.5
IDLE_PATIENCE = 60
"""After half a minute without records a shard is looked at twice a second."""

LOOK_FOR_SHARDS_SECONDS = 5.0
HEARTBEAT_SECONDS = 1.0
RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    shard: str
    sequence_number: str
    key: str
    data: bytes
    arrived_at_ms: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where a shard was read to. `sequence_number` is empty before its first record."""

    shard: str
    sequence_number: str
    is_finished: bool
    behind_ms: int


class Positions(Protocol):
    """Where positions are kept. Both calls may block."""

    def read(self) -> Mapping[str, Position]: ...

    def write(self, position: Position) -> None: ...


Take = Callable[[Sequence[Received]], None]
"""Takes a batch or raises; then the same batch comes again. Runs in a thread of its own shard."""


class KinesisConsumer:
    """Follows one stream. `take_for(shard)` makes what takes that shard's batches."""

    def __init__(
        self,
        kinesis: KinesisClient,
        stream: str,
        positions: Positions,
        take_for: Callable[[str], Take],
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._positions = positions
        self._take_for = take_for
        self._idle_seconds = idle_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set; batches in hand are finished or come again next time."""
        readers: dict[str, asyncio.Task[None]] = {}
        try:
            while not stop.is_set():
                for position in await retried(stop, self._readable):
                    if position.shard not in readers:
                        readers[position.shard] = asyncio.create_task(self._read(position, stop))
                await pause(stop, LOOK_FOR_SHARDS_SECONDS, *readers.values())
                for shard in [each for each, reader in readers.items() if reader.done()]:
                    readers.pop(shard).result()  # Raises what no retry could cure.
        except Stopped:
            pass
        finally:
            await asyncio.gather(*readers.values(), return_exceptions=True)

    def _readable(self) -> list[Position]:
        """Shards not read to the end whose parents are, or are no longer kept."""
        positions = self._positions.read()
        shards = _list_shards(self._kinesis, self._stream)
        finished = {shard for shard, position in positions.items() if position.is_finished}
        unread = {shard["ShardId"] for shard in shards} - finished
        readable = []
        for shard in shards:
            parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")}
            if shard["ShardId"] in unread and not parents & unread:
                start = Position(shard["ShardId"], "", is_finished=False, behind_ms=0)
                readable.append(positions.get(shard["ShardId"], start))
        return readable

    async def _read(self, position: Position, stop: asyncio.Event) -> None:
        reader = _ShardReader(self._kinesis, self._stream, self._idle_seconds, stop)
        try:
            await reader.run(position, self._take_for(position.shard), self._positions.write)
        except Stopped:
            return


class Stopped(Exception):
    """The process is to end and what was being retried has not worked yet."""


class _ShardReader:
    def __init__(
        self, kinesis: KinesisClient, stream: str, idle_seconds: float, stop: asyncio.Event
    ) -> None:
        self._kinesis = kinesis
        self._stream = stream
        most = max(idle_seconds, IDLE_SECONDS_MAX)
        self._pace = Pace(idle_seconds, idle_seconds, most, IDLE_PATIENCE)
        self._stop = stop
        self._clock = asyncio.get_running_loop().time
        self._kept_at = 0.0
        self._news_at = self._clock()

    async def run(self, position: Position, take: Take, keep: Callable[[Position], None]) -> None:
        """Read the shard to its end, or until the process is to stop."""
        iterator: str | None = None
        while not position.is_finished and not self._stop.is_set():
            if iterator is None:
                iterator = await retried(self._stop, partial(self._iterator, position))
            try:
                answer = await asyncio.to_thread(
                    self._kinesis.get_records, ShardIterator=iterator, Limit=BATCH_RECORDS
                )
            except Exception as error:  # noqa: BLE001 - outage, throttle or an iterator too old: all the same
                await self._fault(position, error)
                iterator = None
                continue
            records = [_received(position.shard, record) for record in answer["Records"]]
            if records:
                await retried(self._stop, partial(take, records))
            iterator = answer.get("NextShardIterator")
            position = Position(
                position.shard,
                records[-1].sequence_number if records else position.sequence_number,
                is_finished=iterator is None,
                behind_ms=answer.get("MillisBehindLatest", 0),
            )
            await self._keep(position, keep, is_new=bool(records))

    async def _keep(
        self, position: Position, keep: Callable[[Position], None], *, is_new: bool
    ) -> None:
        """Keep the position when it moved, and every second to show that somebody reads."""
        due = self._clock() - self._kept_at > HEARTBEAT_SECONDS
        if is_new or position.is_finished or due:
            await retried(self._stop, partial(keep, position))
            self._kept_at = self._clock()
        if is_new:
            self._news_at = self._clock()
        else:
            seconds = self._pace.pause_seconds(self._clock() - self._news_at)
            await pause(self._stop, seconds)

    async def _fault(self, position: Position, error: Exception) -> None:
        extra = {"stream": self._stream, "shard": position.shard, "error": str(error)[:500]}
        logger.warning("kinesis read failed", extra=extra)
        await pause(self._stop, RETRY_SECONDS_MIN)

    def _iterator(self, position: Position) -> str:
        request: dict[str, Any] = {"StreamName": self._stream, "ShardId": position.shard}
        if not position.sequence_number:
            return self._kinesis.get_shard_iterator(**request, ShardIteratorType="TRIM_HORIZON")[
                "ShardIterator"
            ]
        return self._kinesis.get_shard_iterator(
            **request,
            ShardIteratorType="AFTER_SEQUENCE_NUMBER",
            StartingSequenceNumber=position.sequence_number,
        )["ShardIterator"]


async def retried(stop: asyncio.Event, call: Callable[[], _Answer]) -> _Answer:
    """Call in a thread until it works. Raises Stopped when the process ends before that."""
    delay_seconds = RETRY_SECONDS_MIN
    while True:
        try:
            return await asyncio.to_thread(call)
        except Exception as error:  # A server is away; what is wrong with data was set aside.
            logger.warning("will try again", exc_info=error)
        await pause(stop, delay_seconds)
        if stop.is_set():
            raise Stopped
        delay_seconds = min(2 * delay_seconds, RETRY_SECONDS_MAX)


async def pause(stop: asyncio.Event, seconds: float, *until: asyncio.Task[None]) -> None:
    """Wait, but no longer than until `stop` is set or one of the tasks ends."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopping, *until}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()


def _list_shards(kinesis: KinesisClient, stream: str) -> list[ShardTypeDef]:
    shards: list[ShardTypeDef] = []
    answer = kinesis.list_shards(StreamName=stream)
    while True:
        shards += answer["Shards"]
        token = answer.get("NextToken")
        if not token:
            return shards
        answer = kinesis.list_shards(NextToken=token)


def _received(shard: str, record: RecordTypeDef) -> Received:
    return Received(
        shard,
        record["SequenceNumber"],
        record["PartitionKey"],
        record["Data"],
        int(record["ApproximateArrivalTimestamp"].timestamp() * 1000),
    )
