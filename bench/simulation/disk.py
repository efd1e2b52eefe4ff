"""A simulated disk: what was not synced may be lost in parts, and a process may die in any call.

The files are real ones, so that the real readers read them; what they hold now is what the page
cache would hold.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Final

SECTOR_BYTES: Final = 512
"""Written whole or not at all when the power fails."""


class Killed(BaseException):
    """The process ended here. No handler of the code under test may catch it."""


class SimulatedDisk:
    """One machine's disk; `fuse` counts its calls down to the one in which the caller dies."""

    def __init__(self) -> None:
        self.fuse: int | None = None
        self.chance = Random(0)
        self._paths: dict[int, Path] = {}
        self._synced: dict[Path, bytes] = {}
        self._unsynced: dict[Path, list[tuple[int, bytes]]] = {}
        self._renamed: list[tuple[Path, Path]] = []

    def create(self, path: Path, size: int) -> int:
        self._burn()
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o640)
        os.ftruncate(file, size)
        self._paths[file] = path
        self._synced[path] = bytes(size)
        self._unsynced[path] = []
        return file

    def write(self, file: int, data: bytes, offset: int) -> None:
        path = self._paths[file]
        if self._is_last_call():
            data = data[: self.chance.choice((0, self.chance.randrange(len(data) + 1)))]
        os.pwrite(file, data, offset)
        self._unsynced.setdefault(path, []).append((offset, data))
        self._burn()

    def sync(self, file: int) -> None:
        self._burn()
        self._settle(self._paths[file])

    def sync_path(self, path: Path) -> None:
        self._burn()
        self._settle(path)

    def close(self, file: int) -> None:
        os.close(file)
        self._paths.pop(file)

    def rename(self, old: Path, new: Path) -> None:
        self._burn()
        old.rename(new)
        self._paths = {f: new if path == old else path for f, path in self._paths.items()}
        self._move(old, new)
        self._renamed.append((old, new))

    def sync_directory(self, _: Path) -> None:
        self._burn()
        self._renamed.clear()

    def abandon(self) -> None:
        """The machine's processes are gone, and their open files with them."""
        for file in self._paths:
            os.close(file)
        self._paths.clear()

    def lose_power(self, chance: Random) -> None:
        """Of every write that was not synced, any sectors may be missing; of names, any too."""
        self.abandon()
        for path, writes in self._unsynced.items():
            if writes:
                path.write_bytes(_torn(self._synced[path], writes, chance))
                self._synced[path] = path.read_bytes()
                writes.clear()
        for old, new in reversed(self._renamed):
            if chance.random() < 0.5:
                new.rename(old)
                self._move(new, old)
        self._renamed.clear()

    def _move(self, old: Path, new: Path) -> None:
        self._synced[new] = self._synced.pop(old)
        self._unsynced[new] = self._unsynced.pop(old)

    def _settle(self, path: Path) -> None:
        if self._unsynced.get(path):
            self._synced[path] = path.read_bytes()
            self._unsynced[path].clear()

    def _is_last_call(self) -> bool:
        return self.fuse == 1

    def _burn(self) -> None:
        if self.fuse is None:
            return
        self.fuse -= 1
        if self.fuse <= 0:
            self.fuse = None
            raise Killed


def _torn(synced: bytes, writes: list[tuple[int, bytes]], chance: Random) -> bytes:
    """What may be found: for each write all of it, none of it, or some of its sectors."""
    content = bytearray(synced)
    for offset, data in writes:
        fate = chance.random()
        at = 0
        while at < len(data):
            length = min(SECTOR_BYTES - (offset + at) % SECTOR_BYTES, len(data) - at)
            if fate < 0.3 or (fate < 0.8 and chance.random() < 0.5):
                content[offset + at : offset + at + length] = data[at : at + length]
            at += length
    return bytes(content)
