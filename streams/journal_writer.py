"""The journal's one writer: records are appended by the engine and synced by a thread of their own.

While the thread waits for the disk, the engine matches on; whatever gathered meanwhile goes into
the next write, so one sync serves as many records as there are (group commit).
"""

from __future__ import annotations

import asyncio
import mmap
import os
import threading
from collections import deque
from pathlib import Path
from typing import Final

from engine.journal import PAGE_BYTES, Record, SegmentHeader, encode, encode_header
from streams.journal import DURABLE, Segment, durable_path, segments

SEGMENT_BYTES: Final = 64 * 1024 * 1024
"""A segment is allocated at this size: appending changes no file size, so syncs are short."""


class JournalFailed(Exception):
    """The disk refused a write or a sync. What reached it is unknown, so the writer must end."""


class JournalWriter:
    """Appends from one thread; syncs in another. `published` is what followers may read."""

    def __init__(
        self, directory: Path, *, epoch: int, last_number: int, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        """Open a new segment after record `last_number`, and make what is before it durable."""
        self.epoch = epoch
        self.last_number = last_number
        self.synced = last_number
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._failure: OSError | None = None
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        _sync_newest(directory)
        self._file, self._offset = self._new_segment(last_number + 1)
        self._mark = _new_mark(directory, epoch, last_number)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def append(self, kind: int, payload: bytes, *, time_us: int, digest: bytes) -> Record:
        """Queue a record for writing and return at once. It is not durable yet."""
        self.last_number += 1
        record = Record(self.last_number, self.epoch, time_us, self.synced, digest, kind, payload)
        with self._wake:
            self._waiting.append((self.last_number, encode(record)))
            self._wake.notify()
        return record

    async def until_synced(self, number: int) -> None:
        """Wait until the record is on disk. Raises JournalFailed."""
        self._loop = loop = asyncio.get_running_loop()
        if self._failure is not None:
            raise JournalFailed(str(self._failure)) from self._failure
        if self.synced >= number:
            return
        future: asyncio.Future[None] = loop.create_future()
        self._waiters.append((number, future))
        self._release()  # It may have been synced between the check and the registration.
        await future

    def wait_synced(self, number: int) -> None:
        """The same for callers without an event loop."""
        with self._wake:
            self._wake.wait_for(lambda: self.synced >= number or self._failure is not None)
        if self._failure is not None:
            raise JournalFailed(str(self._failure)) from self._failure

    def publish(self, number: int) -> None:
        """Let followers read up to this record, which is on disk. Only while the lease is held."""
        assert number <= self.synced
        DURABLE.pack_into(self._mark, 0, number)

    def close(self) -> None:
        """Sync what is waiting, and stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._mark.close()
        os.close(self._file)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                batch = list(self._waiting)
                self._waiting.clear()
            try:
                self._write(batch)
                os.fdatasync(self._file)
            except OSError as error:
                self._failure = error
            else:
                self.synced = batch[-1][0]
            with self._wake:
                self._wake.notify_all()
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._release)
            if self._failure is not None:
                return

    def _write(self, batch: list[tuple[int, bytes]]) -> None:
        """Write a group of records, in as many segments as it takes."""
        start = 0
        while start < len(batch):
            end, size = start, 0
            while end < len(batch) and self._offset + size + len(batch[end][1]) <= self._room:
                size += len(batch[end][1])
                end += 1
            if end > start:
                _write_all(self._file, b"".join(data for _, data in batch[start:end]), self._offset)
                self._offset += size
                start = end
            else:
                os.fdatasync(self._file)
                os.close(self._file)
                self._file, self._offset = self._new_segment(batch[start][0])

    @property
    def _room(self) -> int:
        """How far the segment may grow: a record larger than a segment has one to itself."""
        return self._segment_bytes if self._offset > PAGE_BYTES else 1 << 62

    def _new_segment(self, first_number: int) -> tuple[int, int]:
        path = self._directory / Segment.name(first_number, self.epoch)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        os.posix_fallocate(file, 0, self._segment_bytes)
        _write_all(file, encode_header(SegmentHeader(self.epoch, first_number)), 0)
        os.fsync(file)
        _sync_directory(self._directory)
        return file, PAGE_BYTES

    def _release(self) -> None:
        """Wake those whose record is on disk; all of them when none ever will be."""
        still = []
        for number, future in self._waiters:
            if future.done():
                continue
            if self._failure is not None:
                future.set_exception(JournalFailed(str(self._failure)))
            elif self.synced >= number:
                future.set_result(None)
            else:
                still.append((number, future))
        self._waiters = still


def _write_all(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        offset += written
        view = view[written:]


def _sync_newest(directory: Path) -> None:
    """Records that were read back may still be only in memory: put them on disk first."""
    directory.mkdir(parents=True, exist_ok=True)
    for segment in segments(directory)[-1:]:
        file = os.open(segment.path, os.O_RDWR)
        try:
            os.fsync(file)
        finally:
            os.close(file)
    _sync_directory(directory)


def _new_mark(directory: Path, epoch: int, number: int) -> mmap.mmap:
    """The file that tells followers how far they may read; whole before it has its name."""
    path = durable_path(directory, epoch)
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(DURABLE.pack(number))
    unfinished.rename(path)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), DURABLE.size)


def _sync_directory(directory: Path) -> None:
    file = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
