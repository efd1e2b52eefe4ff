"""Applies dead letters again, after what made them poison was mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activities.projecting.dead_letters import DeadLetter
from activities.projecting.projector import Projector
from activities.projecting.reading import StreamRecord
from workers.projection_parts import Parts

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient


@dataclass(frozen=True, slots=True)
class Replayed:
    applied: int
    still_poison: tuple[str, ...]
    """Why, for each letter that stays."""


def replay(
    parts: Parts, kinesis: KinesisClient, is_wanted: Callable[[str], bool], *, dry_run: bool
) -> Replayed:
    """Go through all letters once; those whose reason is wanted are applied, and then removed."""
    projector = parts.projector()
    applied = 0
    still: list[str] = []
    for letter in parts.dead_letters.receive():
        if not is_wanted(letter.poison.reason):
            continue
        record = _whole(letter, kinesis)
        reason = letter.poison.reason if record is None else _why_not(projector, record, dry_run)
        if reason:
            still.append(reason)
        elif not dry_run:
            parts.dead_letters.remove(letter)
        applied += not reason
    return Replayed(applied, tuple(still))


def _why_not(projector: Projector, record: StreamRecord, dry_run: bool) -> str:
    """Empty when the record can be applied; it is, unless this is only a trial."""
    poisons = projector.try_apply([record], dry_run=dry_run)
    return poisons[0].reason if poisons else ""


def _whole(letter: DeadLetter, kinesis: KinesisClient) -> StreamRecord | None:
    """The record; a large one is read again from its stream, while that still has it."""
    record = letter.poison.record
    if letter.is_whole:
        return record
    iterator = kinesis.get_shard_iterator(
        StreamName=record.stream,
        ShardId=record.shard,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=record.sequence_number,
    )["ShardIterator"]
    for found in kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"]:
        if found["SequenceNumber"] == record.sequence_number:
            return StreamRecord(
                record.stream,
                record.shard,
                record.sequence_number,
                record.key,
                found["Data"],
                record.arrived_at_ms,
            )
    return None
