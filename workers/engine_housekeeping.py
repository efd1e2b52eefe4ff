"""One round of keeping the journal in order: a snapshot, archived segments, old files gone.

Run by the shipper as a process of its own: making a snapshot takes the core some hundred
milliseconds at a hundred thousand orders, which nobody who trades or publishes should wait for. It
is also a recovery each time, so the way back is walked every minute, not only in an emergency.
"""

from __future__ import annotations

import gzip
import logging
import os
from itertools import pairwise
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine import snapshot
from engine.journal import PAGE_BYTES
from streams import snapshots
from streams.aws import client
from streams.journal import Follower, newest_epoch, segments
from streams.logs import configure_logging
from streams.replica import restore
from workers.shipper_cursor import next_sequences

logger = logging.getLogger(__name__)

RECORDS_MIN = 1_000
"""A tail this short needs no new snapshot: it is replayed in milliseconds."""

SNAPSHOTS_KEPT = 3

LANES = ("settlement", "kinesis", "market_data")
"""Of the shipper; each says in a file how far it is."""


class HousekeepingSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    journal_dir: Path
    market_group: str = "spot"
    journal_bucket: str = "rialto-journal"
    """Closed segments and snapshots are copied here before they are removed locally."""


def make_snapshot(directory: Path, *, records_min: int = RECORDS_MIN) -> int | None:
    """Store the state after the last durable record; None if too little happened since the last."""
    replica = restore(directory)
    before = replica.exchange.number
    follower = Follower(directory, before)
    follower.look_for_epoch()
    while records := follower.poll():
        for record in records:
            replica.apply(record)
    follower.close()
    number = replica.exchange.number
    if number - before < records_min:
        return None
    snapshots.write(directory, number, snapshot.dump(replica.exchange))
    return number


def positions(data: bytes) -> dict[str, int]:
    """The last sequence of every market in a snapshot."""
    exchange = snapshot.load(data)
    return {market: book.sequence for market, book in exchange.books.items()}


def delivered(directory: Path) -> list[dict[str, int]] | None:
    """What each lane of the shipper has delivered; None while one of them has not said so."""
    said = [next_sequences(directory / f"{lane}.cursor") for lane in LANES]
    return said if all(said) else None


def oldest_needed(directory: Path) -> int | None:
    """Number of the oldest snapshot that somebody may still start from; None: keep everything."""
    said = delivered(directory)
    if said is None:
        return None
    for at, (number, data) in enumerate(snapshots.newest_first(directory)):
        behind_all = all(
            sequence < cursor.get(market, 1)
            for market, sequence in positions(data).items()
            for cursor in said
        )
        if behind_all and at + 1 >= SNAPSHOTS_KEPT:
            return number
    return None


def archive(directory: Path, bucket: str, group: str) -> None:
    """Copy closed segments and the newest snapshot to S3; a marker beside a file says it is
    done.
    """
    s3 = client("s3")
    for segment in segments(directory)[:-1]:
        if not _marker(segment.path).exists():
            body = gzip.compress(segment.path.read_bytes().rstrip(b"\0"), 1)
            s3.put_object(Bucket=bucket, Key=f"{group}/{segment.path.name}.gz", Body=body)
            _marker(segment.path).touch()
    for number in snapshots.numbers(directory)[:1]:
        path = snapshots.path(directory, number)
        if not _marker(path).exists():
            s3.put_object(
                Bucket=bucket,
                Key=f"{group}/{path.name}.gz",
                Body=gzip.compress(path.read_bytes(), 1),
            )
            _marker(path).touch()


def bring_back(directory: Path, bucket: str, group: str) -> list[str]:
    """Fetch archived files that are not here; returns their names. Overwrites nothing.

    Archived segments end with their last record, whose own zeros may be cut off; they are padded.
    """
    s3 = client("s3")
    directory.mkdir(parents=True, exist_ok=True)
    fetched = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{group}/"):
        for found in page.get("Contents", []):
            path = directory / found["Key"].removeprefix(f"{group}/").removesuffix(".gz")
            if path.exists():
                continue
            body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
            padding = bytes(PAGE_BYTES) if path.suffix == ".journal" else b""
            unfinished = path.with_name(path.name + ".unfinished")
            unfinished.write_bytes(gzip.decompress(body) + padding)
            unfinished.rename(path)
            _marker(path).touch()
            fetched.append(path.name)
    return sorted(fetched)


def remove_old(directory: Path) -> list[str]:
    """Remove what nobody needs any more and what is archived; returns the names."""
    needed = oldest_needed(directory)
    if needed is None:
        return []
    gone = [snapshots.path(directory, n) for n in snapshots.numbers(directory) if n < needed]
    gone += [
        segment.path
        for segment, following in pairwise(segments(directory))
        if following.first_number <= needed + 1 and _marker(segment.path).exists()
    ]
    epoch = newest_epoch(directory)
    gone += [path for path in directory.glob("*.durable") if int(path.stem) < epoch - 1]
    for path in gone:
        path.unlink(missing_ok=True)
        _marker(path).unlink(missing_ok=True)
    return [path.name for path in gone]


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".archived")


def main() -> None:
    configure_logging("engine_housekeeping")
    settings = HousekeepingSettings()
    os.nice(10)
    number = make_snapshot(settings.journal_dir)
    if number is not None:
        logger.info("snapshot made", extra={"record": number})
    try:
        archive(settings.journal_dir, settings.journal_bucket, settings.market_group)
    except (ClientError, BotoCoreError) as fault:
        logger.warning("nothing archived", extra={"fault": str(fault)[:200]})
    gone = remove_old(settings.journal_dir)
    if gone:
        logger.info("removed", extra={"files": gone})


if __name__ == "__main__":
    main()
