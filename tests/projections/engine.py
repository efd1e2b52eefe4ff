"""An engine that writes a journal, as the matching engine does, without queue and lease."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import time_ns

from engine.commands import Command
from engine.events import NumberedEvent
from engine.journal import FRAME, MARKETS
from engine.rules import Rules
from streams.frames import pack
from streams.journal_writer import JournalWriter
from streams.replica import Replica, encode_markets


class Engine:
    def __init__(self, directory: Path, markets: Sequence[str]) -> None:
        self._replica = Replica()
        self._writer = JournalWriter(directory, epoch=1, last_number=0)
        self._do(MARKETS, encode_markets({market: Rules() for market in markets}))

    def do(self, market: str, *commands: Command) -> list[NumberedEvent]:
        """Journal and match commands; returns their events when they are durable."""
        events: list[NumberedEvent] = []
        for frame in pack([(market, command) for command in commands], group="test"):
            events += self._do(FRAME, frame.body.encode())
        self._writer.wait_synced(self._writer.last_number)
        self._writer.publish(self._writer.last_number)
        return events

    def close(self) -> None:
        self._writer.close()

    def _do(self, kind: int, payload: bytes) -> list[NumberedEvent]:
        exchange = self._replica.exchange
        time_us = max(time_ns() // 1000, exchange.time_us)
        record = self._writer.append(kind, payload, time_us=time_us, digest=exchange.digest)
        return [event for run in self._replica.apply(record) for event in run.numbered()]
