"""The journal's files, for writing: segments, and the mark that says how far followers may read.

Everything here happens in one thread and through a `Disk`, in an order that a crash may cut off
between any two calls. A segment gets its name only when its header is on disk: a reader never meets
a half-made one.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from engine.journal import PAGE_BYTES, SegmentHeader, encode_header
from streams.journal import DURABLE, Segment, durable_path, segments

SEGMENT_BYTES: Final = 64 * 1024 * 1024
"""A segment is allocated at this size: appending changes no file size, so syncs are short."""

Batch = Sequence[tuple[int, bytes]]
"""Records to write: `(number, its bytes)`, in order."""

_UNNAMED: Final = ".making"


class Disk(Protocol):
    """What a journal asks of a disk. Nothing is durable before the sync that follows it."""

    def create(self, path: Path, size: int) -> int:
        """An empty file of this size, open for writing; what was there is gone."""

    def write(self, file: int, data: bytes, offset: int) -> None: ...
    def sync(self, file: int) -> None: ...
    def close(self, file: int) -> None: ...
    def rename(self, old: Path, new: Path) -> None: ...
    def sync_directory(self, directory: Path) -> None: ...
    def sync_path(self, path: Path) -> None: ...


class LocalDisk:
    """The disk of this machine."""

    def create(self, path: Path, size: int) -> int:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o640)
        if size:
            os.posix_fallocate(file, 0, size)
        return file

    def write(self, file: int, data: bytes, offset: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(file, view, offset)
            offset += written
            view = view[written:]

    def sync(self, file: int) -> None:
        os.fdatasync(file)

    def close(self, file: int) -> None:
        os.close(file)

    def rename(self, old: Path, new: Path) -> None:
        old.rename(new)

    def sync_directory(self, directory: Path) -> None:
        self.sync_path(directory, os.O_RDONLY)

    def sync_path(self, path: Path, flags: int = os.O_RDWR) -> None:
        file = os.open(path, flags)
        try:
            os.fsync(file)
        finally:
            os.close(file)


class JournalFiles:
    """The segments and the mark of one writer."""

    def __init__(
        self,
        directory: Path,
        *,
        epoch: int,
        last_number: int,
        segment_bytes: int = SEGMENT_BYTES,
        disk: Disk | None = None,
    ) -> None:
        """Open a new segment after record `last_number`, and make what is before it durable."""
        self._directory = directory
        self._epoch = epoch
        self._segment_bytes = segment_bytes
        self._disk = disk or LocalDisk()
        self._sync_newest()
        self._file, self._offset = self._new_segment(last_number + 1)
        self._mark = self._new_mark(last_number)

    def write(self, batch: Batch) -> None:
        """Write a group of records, in as many segments as it takes. Not durable before `sync`."""
        start = 0
        while start < len(batch):
            end, size = start, 0
            while end < len(batch) and self._offset + size + len(batch[end][1]) <= self._room:
                size += len(batch[end][1])
                end += 1
            if end > start:
                data = b"".join(data for _, data in batch[start:end])
                self._disk.write(self._file, data, self._offset)
                self._offset += size
                start = end
            else:
                self._disk.sync(self._file)
                self._disk.close(self._file)
                self._file, self._offset = self._new_segment(batch[start][0])

    def sync(self) -> None:
        self._disk.sync(self._file)

    def publish(self, number: int) -> None:
        DURABLE.pack_into(self._mark, 0, number)

    def close(self) -> None:
        self._mark.close()
        self._disk.close(self._file)

    @property
    def _room(self) -> int:
        """How far the segment may grow: a record larger than a segment has one to itself."""
        return self._segment_bytes if self._offset > PAGE_BYTES else 1 << 62

    def _new_segment(self, first_number: int) -> tuple[int, int]:
        path = self._directory / Segment.name(first_number, self._epoch)
        assert not path.exists(), path
        unnamed = path.with_suffix(_UNNAMED)
        file = self._disk.create(unnamed, self._segment_bytes)
        self._disk.write(file, encode_header(SegmentHeader(self._epoch, first_number)), 0)
        self._disk.sync(file)
        self._disk.rename(unnamed, path)
        self._disk.sync_directory(self._directory)
        return file, PAGE_BYTES

    def _sync_newest(self) -> None:
        """Records that were read back may still be only in memory: put them on disk first."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for left in self._directory.glob(f"*{_UNNAMED}"):
            left.unlink()  # Of a writer that died over it, or was replaced and must end anyway.
        for segment in segments(self._directory)[-1:]:
            self._disk.sync_path(segment.path)
        self._disk.sync_directory(self._directory)

    def _new_mark(self, number: int) -> mmap.mmap:
        """The file that tells followers how far they may read; whole before it has its name."""
        path = durable_path(self._directory, self._epoch)
        unfinished = path.with_suffix(".new")
        file = self._disk.create(unfinished, 0)
        self._disk.write(file, DURABLE.pack(number), 0)
        self._disk.sync(file)
        self._disk.close(file)
        self._disk.rename(unfinished, path)
        with path.open("r+b") as named:
            return mmap.mmap(named.fileno(), DURABLE.size)
