"""Snapshot files of an engine's journal: whole or not there, checked before they are used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

MAGIC: Final = b"RIALTOS1"
_HASH_BYTES: Final = 32


def path(directory: Path, number: int) -> Path:
    return directory / f"{number:020d}.snapshot"


def write(directory: Path, number: int, data: bytes) -> Path:
    """Store the state after record `number`. Durable, and visible only when complete."""
    finished = path(directory, number)
    unfinished = directory / f"{number:020d}.{os.getpid()}.unfinished"
    with unfinished.open("wb") as file:
        file.write(MAGIC + sha256(data).digest() + data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(finished)
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return finished


def numbers(directory: Path) -> list[int]:
    """Record numbers of the snapshots there, newest first."""
    return sorted((int(each.stem) for each in directory.glob("*.snapshot")), reverse=True)


def read(directory: Path, number: int) -> bytes | None:
    """The state after record `number`; None when the file does not check out."""
    content = path(directory, number).read_bytes()
    stored = content[len(MAGIC) : len(MAGIC) + _HASH_BYTES]
    data = content[len(MAGIC) + _HASH_BYTES :]
    if not content.startswith(MAGIC) or sha256(data).digest() != stored:
        return None
    return data


def newest_first(directory: Path) -> Iterator[tuple[int, bytes]]:
    """The snapshots that check out, newest first; broken ones are passed over."""
    for number in numbers(directory):
        data = read(directory, number)
        if data is not None:
            yield number, data
