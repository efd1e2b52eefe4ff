"""Journals with real frames in them, written by the real writer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.engine_commands import EverythingAtOnce
from engine.commands import Command
from engine.journal import FRAME, MARKETS
from engine.rules import Rules
from streams.frames import pack
from streams.journal_writer import JournalWriter
from streams.replica import Replica, encode_markets

MARKET = "BTC-USDT"


class Writing:
    """A writer and the state it leads to."""

    def __init__(self, directory: Path, *, epoch: int = 1, replica: Replica | None = None) -> None:
        self.replica = replica or Replica()
        self.writer = JournalWriter(
            directory,
            epoch=epoch,
            last_number=self.replica.exchange.number,
            segment_bytes=1 << 16,
        )
        if not self.replica.exchange.books:
            self._do(MARKETS, encode_markets({MARKET: Rules()}))

    def frame(self, commands: Sequence[Command]) -> None:
        for frame in pack([(MARKET, command) for command in commands], group="spot"):
            self._do(FRAME, frame.body.encode())

    def _do(self, kind: int, payload: bytes) -> None:
        exchange = self.replica.exchange
        time_us = exchange.time_us + 1
        record = self.writer.append(kind, payload, time_us=time_us, digest=exchange.digest)
        self.replica.apply(record)

    def close(self) -> Replica:
        """Make it all durable, and let followers read it."""
        self.writer.wait_synced(self.writer.last_number)
        self.writer.publish(self.writer.last_number)
        self.writer.close()
        return self.replica


def written(directory: Path, *, frames: int = 30, seed: int = 1) -> Replica:
    """A journal of random frames of ten commands, in several segments."""
    commands = EverythingAtOnce(seed)
    writing = Writing(directory)
    for _ in range(frames):
        writing.frame(list(commands.take(10)))
    return writing.close()
