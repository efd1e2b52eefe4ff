"""Applies dead letters again, after what made them poison was mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from activities.projecting.dead_letters import (
    DeadLetter,
    LostBatch,
    LostDocument,
    LostEvent,
    Unknown,
)
from activities.projecting.projector import Projector
from activities.projecting.reading import StreamRecord
from activities.projecting.refilling import documents_of
from projections.document import Kind
from streams.aws import error_code
from workers.projection_parts import Parts

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

_PAGE = 500
_GONE = frozenset({"InvalidArgumentException", "ResourceNotFoundException"})
_NOT_KEPT = "its stream does not keep it any more: rialto projections rebuild"


@dataclass(frozen=True, slots=True)
class Replayed:
    applied: int
    still_poison: tuple[str, ...]
    """Why, for each letter that stays."""


def replay(
    parts: Parts, kinesis: KinesisClient, is_wanted: Callable[[str], bool], *, dry_run: bool
) -> Replayed:
    """Go through all letters once; those whose reason is wanted are applied, and then removed."""
    replaying = _Replaying(parts, kinesis, dry_run=dry_run)
    applied = 0
    still: list[str] = []
    kept: list[DeadLetter] = []
    for letter in parts.dead_letters.receive():
        if not is_wanted(letter.reason):
            kept.append(letter)
            continue
        reason = replaying.why_not(letter)
        if reason:
            still.append(reason)
        applied += not reason
        if reason or dry_run:
            kept.append(letter)
        else:
            parts.dead_letters.remove(letter)
    for letter in kept:
        parts.dead_letters.put_back(letter)
    return Replayed(applied, tuple(still))


class _Replaying:
    def __init__(self, parts: Parts, kinesis: KinesisClient, *, dry_run: bool) -> None:
        self._parts = parts
        self._kinesis = kinesis
        self._dry_run = dry_run
        self._projector: Projector = parts.projector()

    def why_not(self, letter: DeadLetter) -> str:
        """Empty when it can be applied; it is, unless this is only a trial."""
        match letter.lost:
            case LostEvent(poison, is_whole):
                if is_whole:
                    return self._apply([poison.record])
                record = poison.record
                place = record.sequence_number
                return self._apply_kept(LostBatch(record.stream, record.shard, place, place))
            case LostBatch() as batch:
                return self._apply_kept(batch)
            case LostDocument(kind, name):
                return self._index(kind, name)
            case Unknown():
                return letter.reason

    def _apply_kept(self, batch: LostBatch) -> str:
        records = 0
        try:
            for page in _read(self._kinesis, batch):
                records += len(page)
                reason = self._apply(page)
                if reason:
                    return reason
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
        return "" if records else _NOT_KEPT

    def _apply(self, records: list[StreamRecord]) -> str:
        poisons = self._projector.try_apply(records, dry_run=self._dry_run)
        return poisons[0].reason if poisons else ""

    def _index(self, kind: Kind, name: str) -> str:
        """In every living generation, from its tables."""
        listings = self._parts.listings()
        for store in self._parts.stores():
            found = list(documents_of(store, listings, kind, [name]))
            if self._dry_run or not found:
                continue
            refused = store.search.write([each.source() for each in found])
            if refused:
                return refused[0].reason
        return ""


def _read(kinesis: KinesisClient, batch: LostBatch) -> Iterator[list[StreamRecord]]:
    """The batch's records, from the stream while that still has them."""
    iterator: str | None = kinesis.get_shard_iterator(
        StreamName=batch.stream,
        ShardId=batch.shard,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=batch.first,
    )["ShardIterator"]
    while iterator:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=_PAGE)
        page = [
            StreamRecord(
                batch.stream,
                batch.shard,
                each["SequenceNumber"],
                each["PartitionKey"],
                each["Data"],
                int(each["ApproximateArrivalTimestamp"].timestamp() * 1000),
            )
            for each in answer["Records"]
            if int(batch.first) <= int(each["SequenceNumber"]) <= int(batch.last)
        ]
        if page:
            yield page
        if not answer["Records"] or len(page) < len(answer["Records"]):
            return
        iterator = answer.get("NextShardIterator")
