"""The journal's one writer: records are appended by the engine and synced by a thread of their own.

While the thread waits for the disk, the engine matches on; whatever gathered meanwhile goes into
the next write, so one sync serves as many records as there are (group commit).
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from pathlib import Path

from prometheus_client import Histogram

from engine.journal import Record, encode
from streams.journal_files import SEGMENT_BYTES, Disk, JournalFiles

SYNC_SECONDS = Histogram(
    "journal_sync_seconds",
    "Writing a group of records and waiting for the disk",
    buckets=(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1),
)


class JournalFailed(Exception):
    """The disk refused a write or a sync. What reached it is unknown, so the writer must end."""


class JournalWriter:
    """Appends from one thread; syncs in another. `published` is what followers may read."""

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
        self.epoch = epoch
        self.last_number = last_number
        self.synced = last_number
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._failure: OSError | None = None
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._files = JournalFiles(
            directory, epoch=epoch, last_number=last_number, segment_bytes=segment_bytes, disk=disk
        )
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
        self._files.publish(number)

    def close(self) -> None:
        """Sync what is waiting, and stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._files.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                batch = list(self._waiting)
                self._waiting.clear()
            try:
                with SYNC_SECONDS.time():
                    self._files.write(batch)
                    self._files.sync()
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
