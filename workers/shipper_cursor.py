"""A lane's cursor in a file: written only after delivery, so what it covers was delivered.

A cursor that is lost, or older than the truth, makes a lane repeat; it can never make it skip.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

WRITE_SECONDS = 0.5


class FileCursor:
    """The next sequence to deliver, of every market."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written_at = 0.0
        self.next: dict[str, int] = _read(path) or {}
        self.was_lost = not self.next

    def delivered(self, market: str, last_sequence: int) -> None:
        self.next[market] = last_sequence + 1

    def write(self, *, now: bool = False) -> None:
        """Store it, unless that was done a moment ago."""
        if not now and time.monotonic() - self._written_at < WRITE_SECONDS:
            return
        unfinished = self._path.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.encode(self.next))
        unfinished.replace(self._path)
        self._written_at = time.monotonic()


def _read(path: Path) -> dict[str, int] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def next_sequences(path: Path) -> dict[str, int]:
    """What a lane's file says; empty when there is none."""
    return _read(path) or {}
