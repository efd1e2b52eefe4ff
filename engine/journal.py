"""The journal's format: what a segment file holds, byte by byte. Files are streams/journal.py's.

A segment starts with a header page; records follow, each a fixed head and a payload. A record's
head carries its number (gapless over all segments), the epoch of its writer, the time, the number
up to which the writer knew the journal to be on disk, and the digest of all events before it. So a
reader can tell

- a torn tail: a record that does not check out, and nothing after it that was written later than
  its loss could have gone unnoticed. It was never acknowledged, and reading stops before it;
- corruption: a bad record that a later one claims to have been on disk. Nothing is cut; people must
  look, and restore the segment from its archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

MAGIC: Final = b"RIALTOJ1"
PAGE_BYTES: Final = 4_096
"""Size of the header page, so that records start on a page of their own."""

# Kinds of records.
FRAME: Final = 1
"""Payload: an order frame as it was received."""
MARKETS: Final = 2
"""Payload: JSON object of market id to its rules; the markets that may be traded from here on."""
TICK: Final = 3
"""No payload: only time has passed."""

KINDS: Final = frozenset((FRAME, MARKETS, TICK))

PAYLOAD_MAX: Final = 1 << 20

_HEADER: Final = Struct("<8sIIQQ")
"""Magic, CRC of the rest, reserved, epoch, first record number."""
_HEAD: Final = Struct("<IIQQQQ8sB7x")
"""CRC of the rest and payload, payload length, number, epoch, time, durable number, digest,
kind.
"""
HEAD_BYTES: Final = _HEAD.size


class Record(NamedTuple):
    number: int
    epoch: int
    time_us: int
    durable: int
    """All records up to this number were on disk when this one was written."""
    digest: bytes
    """Of all events that the records before this one caused."""
    kind: int
    payload: bytes


class CorruptJournal(Exception):
    """A record that was on disk is not what was written. Nothing may be cut or skipped."""


@dataclass(frozen=True, slots=True)
class TornTail:
    """What was left out at the end of a segment, and why that is safe."""

    segment: str
    offset: int
    number: int
    """Number the lost record would have had."""
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.segment}: {self.reason} at byte {self.offset}, where record {self.number}"
            " would be; it was never acknowledged and is left out"
        )


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    epoch: int
    first_number: int


def encode_header(header: SegmentHeader) -> bytes:
    body = _HEADER.pack(MAGIC, 0, 0, header.epoch, header.first_number)
    checked = _HEADER.pack(MAGIC, crc32(body[12:]), 0, header.epoch, header.first_number)
    return checked.ljust(PAGE_BYTES, b"\0")


def decode_header(page: bytes, segment: str) -> SegmentHeader:
    """Raises CorruptJournal."""
    if len(page) < _HEADER.size:
        raise CorruptJournal(f"{segment}: too short for a header")
    magic, crc, _, epoch, first_number = _HEADER.unpack_from(page)
    if magic != MAGIC or crc != crc32(page[12 : _HEADER.size]):
        raise CorruptJournal(f"{segment}: its header does not check out")
    return SegmentHeader(epoch, first_number)


def encode(record: Record) -> bytes:
    number, epoch, time_us, durable, digest, kind, payload = record
    head = _HEAD.pack(0, len(payload), number, epoch, time_us, durable, digest, kind)
    crc = crc32(payload, crc32(head[4:]))
    return crc.to_bytes(4, "little") + head[4:] + payload


class BadRecord(NamedTuple):
    offset: int
    reason: str


def decode_at(data: bytes | memoryview, offset: int, number: int) -> Record | BadRecord | None:
    """The record at `offset`, which must have this number; None where nothing seems written."""
    if offset + HEAD_BYTES > len(data):
        return None
    crc, length, found, epoch, time_us, durable, digest, kind = _HEAD.unpack_from(data, offset)
    if crc == 0 and length == 0 and found == 0:
        return None
    end = offset + HEAD_BYTES + length
    if length > PAYLOAD_MAX or end > len(data):
        return BadRecord(offset, f"a record of {length} bytes that does not end here")
    if crc != crc32(data[offset + 4 : end]):
        return BadRecord(offset, "a record whose checksum is wrong")
    if found != number or kind not in KINDS:
        return BadRecord(offset, f"record {found} of kind {kind} where {number} belongs")
    payload = bytes(data[offset + HEAD_BYTES : end])
    return Record(number, epoch, time_us, durable, digest, kind, payload)


def is_blank(data: bytes, offset: int) -> bool:
    """Whether nothing was ever written from `offset` on."""
    return data.count(0, offset) == len(data) - offset


def later_claim(data: bytes, offset: int, number: int) -> Record | None:
    """A whole record somewhere after a bad one that says `number` had been on disk.

    Records start anywhere, so every byte is tried; this runs once, on a damaged segment.
    """
    tail = memoryview(data.rstrip(b"\0"))
    offset += 1
    while offset + HEAD_BYTES <= len(tail):
        found = int.from_bytes(tail[offset + 8 : offset + 16], "little")
        if number < found < number + _LATER_MAX:
            record = decode_at(tail, offset, found)
            if isinstance(record, Record) and record.durable >= number:
                return record
        offset += 1
    return None


_LATER_MAX: Final = 1 << 32
"""No segment has so many records."""
