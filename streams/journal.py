"""The journal's files, for reading: which segments count, and their records in order.

A directory holds segments named `{first number}-{epoch}.journal`. Every start of the engine is a
new epoch and a new segment, which says with its first number where the epochs before it end:
whatever an older writer still appends has a number that is taken, and no reader looks at it. Beside
them `{epoch}.durable` tells followers up to which record they may go: what is not on disk yet could
still be lost, so it must not be acted upon.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from struct import Struct
from typing import Final, NoReturn

from engine.journal import (
    HEAD_BYTES,
    PAGE_BYTES,
    PAYLOAD_MAX,
    BadRecord,
    CorruptJournal,
    Record,
    SegmentHeader,
    TornTail,
    decode_at,
    decode_header,
    is_blank,
    later_claim,
)

DURABLE: Final = Struct("<Q")

_READ_BYTES: Final = 1 << 16
_READ_BYTES_MAX: Final = 2 * PAYLOAD_MAX


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A segment file by its name. Sorted: by epoch, then by number."""

    epoch: int
    first_number: int
    path: Path

    @staticmethod
    def name(first_number: int, epoch: int) -> str:
        return f"{first_number:020d}-{epoch:010d}.journal"


def segments(directory: Path) -> list[Segment]:
    """The segments that count, oldest first: without those an older writer added too late."""
    found = []
    for path in directory.glob("*.journal"):
        first, _, epoch = path.stem.partition("-")
        found.append(Segment(int(epoch), int(first), path))
    counting: list[Segment] = []
    for segment in sorted(found, reverse=True):
        if not counting or segment.first_number < counting[-1].first_number:
            counting.append(segment)
    return counting[::-1]


class SegmentReader:
    """Reads the records of one segment in order."""

    def __init__(self, segment: Segment, last_number: int | None) -> None:
        self.segment = segment
        self.last_number = last_number
        """Where the next segment takes over, so that nothing after it counts; None: open end."""
        self.number = segment.first_number
        """Of the next record."""
        self._offset = PAGE_BYTES
        self._file = segment.path.open("rb", buffering=0)
        header = decode_header(self._file.read(PAGE_BYTES), segment.path.name)
        if header != SegmentHeader(segment.epoch, segment.first_number):
            raise CorruptJournal(f"{segment.path.name}: its header says {header}")

    def close(self) -> None:
        self._file.close()

    def is_done(self) -> bool:
        return self.last_number is not None and self.number > self.last_number

    def read(self, durable: int) -> Iterator[Record]:
        """Records up to number `durable`, which are there. Raises CorruptJournal if not."""
        size = _READ_BYTES
        while self.number <= durable and not self.is_done():
            data = os.pread(self._file.fileno(), size, self._offset)
            before = self.number
            stopped = yield from self._decode(data, durable)
            if self.number > before:
                size = _READ_BYTES
            elif size < _READ_BYTES_MAX and len(data) == size:
                size = _READ_BYTES_MAX
            else:
                self._raise(stopped.reason if stopped else "nothing", "its writer said so")

    def read_to_end(self) -> Iterator[Record | TornTail]:
        """Every record that is whole; last a TornTail if one was not. Raises CorruptJournal."""
        size = self.segment.path.stat().st_size - self._offset
        data = os.pread(self._file.fileno(), size, self._offset)
        start = self._offset
        bad = yield from self._decode(data, self.last_number or (1 << 63))
        if self.is_done():
            return
        at = self._offset - start
        if bad is None and self.last_number is None and is_blank(data, at):
            return
        reason = bad.reason if bad else "nothing"
        claim = later_claim(data, at, self.number)
        if self.last_number is not None:
            self._raise(reason, "the next segment")
        if claim is not None:
            self._raise(reason, f"record {claim.number}")
        yield TornTail(self.segment.path.name, self._offset, self.number, reason)

    def _decode(self, data: bytes, last: int) -> Generator[Record, None, BadRecord | None]:
        """Records of `data` up to number `last`; returns what stopped it, if not the end."""
        offset = 0
        while self.number <= last and not self.is_done():
            found = decode_at(data, offset, self.number)
            if not isinstance(found, Record):
                return found
            length = HEAD_BYTES + len(found.payload)
            offset += length
            self._offset += length
            self.number += 1
            yield found
        return None

    def _raise(self, reason: str, proof: str) -> NoReturn:
        raise CorruptJournal(
            f"{self.segment.path.name}: {reason} at byte {self._offset}, where record "
            f"{self.number} was on disk, as {proof} shows; restore the segment from its archive"
        )


def replay(directory: Path, after: int) -> Iterator[Record | TornTail]:
    """Every record with a number above `after`, whether acknowledged or not; last a TornTail.

    Raises CorruptJournal where something is missing or was changed. For the one who writes next,
    and for looking at a journal that nobody writes.
    """
    return _read(directory, after, durable_number(directory), up_to=None)


def acknowledged(directory: Path, after: int) -> Iterator[Record]:
    """Every record above `after` that is acknowledged now; its writer may go on meanwhile.

    Raises CorruptJournal where something is missing or was changed.
    """
    durable = durable_number(directory)
    for found in _read(directory, after, durable, up_to=durable):
        assert isinstance(found, Record), "what is acknowledged is whole, or the journal is corrupt"
        yield found


def _read(
    directory: Path, after: int, durable: int, *, up_to: int | None
) -> Iterator[Record | TornTail]:
    """Records up to number `up_to`, or to the end. All up to `durable` must be there.

    `durable` was read before: were it read afterwards, a writer might have got further meanwhile.
    """
    chain = segments(directory)
    number = after + 1
    for segment, following in zip_longest(chain, chain[1:]):
        last = following.first_number - 1 if following else up_to
        if up_to is not None and last is not None:
            last = min(last, up_to)
        if last is not None and last < number:
            continue
        if segment.first_number > number:
            raise CorruptJournal(f"records {number} to {segment.first_number - 1} are missing")
        reader = SegmentReader(segment, last)
        try:
            for found in reader.read_to_end():
                if isinstance(found, TornTail) or found.number >= number:
                    yield found
            number = max(number, reader.number)
        finally:
            reader.close()
    if durable >= number:
        raise CorruptJournal(f"records {number} to {durable} are missing, which were acknowledged")


def durable_path(directory: Path, epoch: int) -> Path:
    return directory / f"{epoch:010d}.durable"


def newest_epoch(directory: Path) -> int:
    """The newest epoch that said what is durable; 0 if none did."""
    return max((int(path.stem) for path in directory.glob("*.durable")), default=0)


def durable_number(directory: Path) -> int:
    """Number up to which the newest writer said that records are on disk; 0 if there is none."""
    epoch = newest_epoch(directory)
    if not epoch:
        return 0
    number: int = DURABLE.unpack(durable_path(directory, epoch).read_bytes()[: DURABLE.size])[0]
    return number


class Follower:
    """Reads records as they become durable, from segment to segment and epoch to epoch."""

    def __init__(self, directory: Path, after: int) -> None:
        self._directory = directory
        self._number = after + 1
        self._reader: SegmentReader | None = None
        self._epoch = 0
        self._mark: mmap.mmap | None = None

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._mark is not None:
            self._mark.close()

    def look_for_epoch(self) -> bool:
        """Turn to a newer writer, if there is one. Costs a directory listing."""
        epoch = newest_epoch(self._directory)
        if epoch == self._epoch:
            return False
        with durable_path(self._directory, epoch).open("rb") as file:
            mark = mmap.mmap(file.fileno(), DURABLE.size, prot=mmap.PROT_READ)
        if self._mark is not None:
            self._mark.close()
        self._mark, self._epoch = mark, epoch
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        return True

    def durable(self) -> int:
        """Number of the last record that may be read; 0 before there is a writer."""
        if self._mark is None:
            return 0
        number: int = DURABLE.unpack_from(self._mark)[0]
        return number

    def lag(self) -> int:
        """Durable records not yet read."""
        return max(0, self.durable() - self._number + 1)

    def poll(self, records_max: int = 1_000) -> list[Record]:
        """The next durable records, at most so many; none when there are none."""
        durable = min(self.durable(), self._number + records_max - 1)
        records: list[Record] = []
        while self._number <= durable:
            reader = self._reader_here()
            records += [found for found in reader.read(durable) if found.number >= self._number]
            self._number = max(self._number, reader.number)
        return records

    def _reader_here(self) -> SegmentReader:
        """The reader of the segment that holds the next record."""
        reader = self._reader
        if reader is not None and not reader.is_done() and reader.last_number is not None:
            return reader
        chain = segments(self._directory)
        holding = [segment for segment in chain if segment.first_number <= self._number]
        if not holding:
            raise CorruptJournal(f"record {self._number} is not in {self._directory} any more")
        segment = holding[-1]
        at = chain.index(segment)
        last = chain[at + 1].first_number - 1 if at + 1 < len(chain) else None
        if reader is not None and reader.segment == segment:
            reader.last_number = last
            return reader
        if reader is not None:
            reader.close()
        self._reader = reader = SegmentReader(segment, last)
        return reader
