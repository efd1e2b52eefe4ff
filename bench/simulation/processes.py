"""The simulated machine's processes, made of real parts: the engine's candidates, the shipper."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from bench.simulation.disk import SimulatedDisk
from bench.simulation.servers import SimulatedLease, checkpoint, drive
from engine.journal import Record, encode
from engine.rules import Rules
from ledger.settlement import SettlementBatch
from streams.journal_files import JournalFiles
from streams.replica import Replica
from workers.engine_loop import SHORT, EngineLoop
from workers.engine_standby import Standby
from workers.shipper_settlement import SettlementLane
from workers.shipper_source import Source

SEGMENT_BYTES: Final = 8_192
"""Small, so that every story has several segments."""

EVENTS_MAX: Final = 4
"""Of a settlement run: so few that full runs, of which several are under way, happen in a story."""

RULES: Final = Rules(
    lots_max=10**6, price_max=10**6, band_bps=5_000, protection_bps=1_000, orders_max=20
)


class SimulatedWriter:
    """The journal's writer without its thread: it writes and syncs where the world lets it."""

    files = JournalFiles

    def __init__(
        self, directory: Path, *, epoch: int, last_number: int, disk: SimulatedDisk
    ) -> None:
        self.epoch = epoch
        self.last_number = self.synced = last_number
        self._files = self.files(
            directory, epoch=epoch, last_number=last_number, segment_bytes=SEGMENT_BYTES, disk=disk
        )
        self._waiting: deque[tuple[int, bytes]] = deque()

    def append(self, kind: int, payload: bytes, *, time_us: int, digest: bytes) -> Record:
        self.last_number += 1
        record = Record(self.last_number, self.epoch, time_us, self.synced, digest, kind, payload)
        self._waiting.append((self.last_number, encode(record)))
        return record

    async def until_synced(self, number: int) -> None:
        while self.synced < number:
            await checkpoint()
            batch = list(self._waiting)
            self._waiting.clear()
            self._files.write(batch)
            await checkpoint()
            self._files.sync()
            self.synced = batch[-1][0]
            await checkpoint()

    def publish(self, number: int) -> None:
        assert number <= self.synced
        self._files.publish(number)


@dataclass(frozen=True)
class Parts:
    """What the processes are made of: the real classes, or one that is broken on purpose."""

    loop: type[EngineLoop] = EngineLoop
    writer: type[SimulatedWriter] = SimulatedWriter
    replica: Callable[[Replica], Replica] = lambda replica: replica
    lane: type[SettlementLane] = SettlementLane
    source: type[Source] = Source
    lease: type[SimulatedLease] = SimulatedLease


@dataclass
class Machine:
    """What processes on one machine share."""

    directory: Path
    disk: SimulatedDisk
    parts: Parts = field(default_factory=Parts)


class EngineProcess:
    """A candidate that follows the journal, and from `begin` on the writer."""

    def __init__(self, machine: Machine, queue: Any) -> None:
        self._machine = machine
        self._queue = queue
        self._standby = Standby(machine.directory)
        self.skew_us = 0
        self._life: Coroutine[Any, Any, None] | None = None

    @property
    def newest_epoch(self) -> int:
        return self._standby.newest_epoch()

    def follow(self) -> None:
        self._standby.follow()

    def begin(self, lease: SimulatedLease, now_us: Callable[[], int]) -> None:
        self._life = self._live(lease, lambda: now_us() + self.skew_us)

    def advance(self) -> None:
        """To the next checkpoint. Raises what ended the process."""
        assert self._life is not None
        self._life.send(None)

    def end(self) -> None:
        if self._life is not None:
            self._life.close()

    async def _live(self, lease: SimulatedLease, now_us: Callable[[], int]) -> None:
        """As `workers.matching_engine.write`."""
        machine, parts = self._machine, self._machine.parts
        await checkpoint()
        replica = parts.replica(self._standby.finish())
        lease.require()
        writer = parts.writer(
            machine.directory,
            epoch=lease.epoch,
            last_number=replica.exchange.number,
            disk=machine.disk,
        )
        loop = parts.loop(
            self._queue,
            cast("Any", writer),
            replica,
            cast("Any", lease),
            _read_markets,
            SHORT,
            now_us=now_us,
        )
        await loop.list_markets()
        while True:
            received = await self._queue.receive(wait_seconds=0)
            if received:
                await loop.take(received)
            else:
                lease.require()
                await loop.let_time_pass()


async def _read_markets() -> Mapping[str, Rules]:
    return {"BTC-USDT": RULES, "ETH-BTC": RULES}


Start = Callable[[SettlementBatch], Coroutine[Any, Any, None]]


class ShipperProcess:
    """As `workers.shipper_lanes.SettlementLanes`, one round at a time."""

    def __init__(
        self, machine: Machine, cursors: Mapping[str, int], start: Start, now: Callable[[], float]
    ) -> None:
        parts = machine.parts
        self._source = parts.source(machine.directory, cursors)
        self._lanes = {
            market: parts.lane(market, next_sequence, start, now=now, events_max=EVENTS_MAX)
            for market, next_sequence in cursors.items()
        }

    def read(self) -> None:
        self._source.look_for_writer()
        shipment = self._source.poll()
        if shipment is not None:
            for run in shipment.runs:
                self._lanes[run.market].take(run, shipment.epoch)

    def start_runs(self) -> None:
        for lane in self._lanes.values():
            drive(lane.step())

    def believe(self, cursors: Mapping[str, int]) -> None:
        for market, next_sequence in cursors.items():
            drive(self._lanes[market].settled(next_sequence))

    def lag(self) -> int:
        return self._source.lag_records() + sum(lane.oldest_us() for lane in self._lanes.values())

    def close(self) -> None:
        self._source.close()
