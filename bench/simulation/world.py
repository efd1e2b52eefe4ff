"""The simulated world: one step after another, each doing one thing to one part of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, cast

from bench.simulation.database import SimulatedDatabase
from bench.simulation.desk import MARKETS, Desk
from bench.simulation.disk import Killed, SimulatedDisk
from bench.simulation.processes import EngineProcess, Machine, Parts, ShipperProcess
from bench.simulation.servers import LeaseTable, ReplyLost, SimulatedQueue, SimulatedTemporal, drive
from ledger.turn import NotItsTurn
from streams.lease import LeaseLost
from workers.engine_housekeeping import make_snapshot
from workers.order_relay import OrderRelay

_START_US: Final = 1_700_000_000_000_000
_ROUNDS_MAX: Final = 400
"""Of draining: each delivers ten frames and ships fifty records; more means it does not end."""


class NeverEnds(Exception):
    """Healed, and still not drained: something waits for ever."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens, and the seed of all chance in it: the same whatever happened before."""

    what: str
    seed: int


@dataclass
class Broken:
    """Servers broken on purpose, for the tests that prove the simulation can fail."""

    database: type[SimulatedDatabase] = SimulatedDatabase
    queue: type[SimulatedQueue] = SimulatedQueue
    parts: Parts = field(default_factory=Parts)


class World:
    def __init__(self, directory: Path, broken: Broken | None = None) -> None:
        broken = broken or Broken()
        self.machine = Machine(directory, SimulatedDisk(), broken.parts)
        self.database = broken.database(MARKETS)
        self.desk = Desk(self.database)
        self.queue = broken.queue()
        self.temporal = SimulatedTemporal()
        self.told: list[str] = []
        """What happened, in words."""
        self._table = LeaseTable()
        self._now_us = _START_US
        self._writer: EngineProcess | None = None
        self._sleepers: list[EngineProcess] = []
        self._standby: EngineProcess | None = None
        self._shipper: ShipperProcess | None = None
        self._fuse_takes_power = False
        self._relay = OrderRelay(cast("Any", self.database), cast("Any", self.queue), group="spot")

    def do(self, step: Step) -> None:
        _ACTS[step.what](self, Random(step.seed))

    def heal(self) -> None:
        """Everything works again, and goes on until nothing is left to do. Raises NeverEnds."""
        chance = Random(0)
        self.machine.disk.fuse = None
        self.queue.send_fate = self.temporal.start_fate = ""
        for _ in range(_ROUNDS_MAX):
            self._now_us += 1_000_000
            drive(self._relay.relay())
            self.queue.deliver_again(chance, everything=True)
            for _ in range(8):
                self._advance(chance)
            self._ship(chance)
            for _ in range(len(self.temporal.running)):
                self._settle(chance, chance.random)
            if self._is_drained():
                return
        raise NeverEnds(f"{len(self.queue)} messages, {len(self.temporal.running)} workflows")

    def close(self) -> None:
        self._end_engines()
        if self._shipper is not None:
            self._shipper.close()
        self.machine.disk.abandon()

    def _is_drained(self) -> bool:
        rows = self.database.outbox.values()
        return (
            all(row.is_sent for row in rows)
            and not self.queue
            and not self.temporal.running
            and self._shipper is not None
            and not self._shipper.lag()
        )

    def order(self, chance: Random) -> None:
        """A request arrives; the API commits it, and sends it unless something comes between."""
        self.told.append(self.desk.act(chance, self._now_us))
        draw = chance.random()
        if draw < 0.2:
            self.told.append("the API dies before it sends")
            return
        self.queue.send_fate = "reply lost" if draw < 0.3 else "refused" if draw < 0.35 else ""
        self._send()

    def relay(self, chance: Random) -> None:
        self.queue.send_fate = chance.choice(("", "", "reply lost"))
        self._send()

    def _send(self) -> None:
        fate = self.queue.send_fate
        try:
            drive(self._relay.relay())
        except ReplyLost:
            self.told.append(f"sending to the queue: {fate}")

    def engine(self, chance: Random) -> None:
        for _ in range(chance.randint(1, 12)):
            self._advance(chance)

    def _advance(self, _: Random) -> None:
        writer = self._writer or self._become_writer()
        if writer is not None and not self._advance_one(writer):
            self._writer = None

    def _advance_one(self, process: EngineProcess) -> bool:
        """Whether it still lives."""
        try:
            process.advance()
        except LeaseLost:
            self.told.append("an engine finds its lease lost and ends")
            return False
        except Killed:
            self.told.append("an engine is killed while it writes")
            self._table.is_held = False
            if self._fuse_takes_power:
                self.power(self.machine.disk.chance)
            return False
        return True

    def _become_writer(self) -> EngineProcess | None:
        candidate = self._standby or EngineProcess(self.machine, self.queue)
        candidate.follow()
        lease = self.machine.parts.lease(self._table)
        if not lease.try_acquire(above_epoch=candidate.newest_epoch):
            self._standby = candidate
            return None
        self._standby, self._writer = None, candidate
        candidate.begin(lease, lambda: self._now_us)
        self.told.append(f"an engine begins epoch {lease.epoch}")
        return candidate

    def standby(self, _: Random) -> None:
        self._standby = self._standby or EngineProcess(self.machine, self.queue)
        self._standby.follow()

    def kill(self, _: Random) -> None:
        """Kill -9: what it wrote is still in the page cache."""
        if self._writer is not None:
            self._writer.end()
            self._writer, self._table.is_held = None, False
            self.told.append("the engine is killed")

    def fuse(self, chance: Random) -> None:
        """The engine dies in one of its next calls to the disk, or the machine goes down there."""
        self._fuse_takes_power = chance.random() < 0.5
        self.machine.disk.chance = chance
        self.machine.disk.fuse = chance.randint(1, 9)

    def pause(self, _: Random) -> None:
        """It sleeps through its lease; another takes over, and it wakes up later."""
        if self._writer is not None:
            self._sleepers.append(self._writer)
            self._writer, self._table.is_held = None, False
            self.told.append("the engine sleeps through its lease")

    def wake(self, chance: Random) -> None:
        for sleeper in list(self._sleepers):
            if sleeper not in self._sleepers:
                continue
            for _ in range(chance.randint(1, 9)):
                if not self._advance_one(sleeper):
                    if sleeper in self._sleepers:  # A power failure took them all.
                        self._sleepers.remove(sleeper)
                    break

    def power(self, chance: Random) -> None:
        """The machine goes down: every process on it, and what was not synced."""
        self._end_engines()
        self._writer, self._standby, self._table.is_held = None, None, False
        self._end_shipper()
        self.machine.disk.fuse = None
        self.machine.disk.lose_power(chance)
        self.told.append("the power fails")

    def queue_again(self, chance: Random) -> None:
        what = chance.choice(("deliver_again", "deliver_again", "repeat", "shuffle"))
        getattr(self.queue, what)(chance)
        self.told.append(f"the queue: {what}")

    def ship(self, chance: Random) -> None:
        self.temporal.start_fate = chance.choice(("", "", "", "refused", "reply lost"))
        try:
            self._ship(chance)
        except ReplyLost:
            self.told.append("starting a settlement: no answer")

    def _ship(self, chance: Random) -> None:
        if self._shipper is None:
            self._shipper = ShipperProcess(
                self.machine, self._cursors(), self.temporal.start, lambda: self._now_us / 1e6
            )
        if chance.random() < 0.9:
            self._shipper.read()
        self._shipper.start_runs()
        self._shipper.believe(self._cursors())

    def end_shipper(self, _: Random) -> None:
        self._end_shipper()
        self.told.append("the shipper is killed")

    def settle(self, chance: Random) -> None:
        self._settle(chance, lambda: 1.0)

    def settle_badly(self, chance: Random) -> None:
        """The worker dies before the commit, or after it and before it can say so."""
        self._settle(chance, chance.random)

    def _settle(self, chance: Random, fate: Callable[[], float]) -> None:
        running = self.temporal.running
        if not running:
            return
        batch = running[chance.choice(list(running))]
        draw = fate()
        if draw < 0.2:
            return
        try:
            replayed = self.database.settle(batch)
        except NotItsTurn:
            return
        what = "was settled before" if replayed else "is settled"
        self.told.append(f"{batch.market} {batch.first_sequence} to {batch.last_sequence} {what}")
        if draw < 0.4:
            self.told.append("the worker dies before it can say so")
            return
        self.temporal.complete(batch)

    def snapshot(self, _: Random) -> None:
        make_snapshot(self.machine.directory, records_min=1)

    def clock(self, chance: Random) -> None:
        self._now_us += chance.randint(0, 20_000_000)
        if self._writer is not None and chance.random() < 0.3:
            self._writer.skew_us = chance.randint(-30_000_000, 30_000_000)
            self.told.append(f"the engine's clock is off by {self._writer.skew_us} us")

    def _cursors(self) -> Mapping[str, int]:
        return {market: cursor.next_sequence for market, cursor in self.database.cursors.items()}

    def _end_engines(self) -> None:
        for process in (self._writer, *self._sleepers):
            if process is not None:
                process.end()
        self._sleepers.clear()

    def _end_shipper(self) -> None:
        if self._shipper is not None:
            self._shipper.close()
            self._shipper = None


_ACTS: Final[dict[str, Callable[[World, Random], None]]] = {
    "order": World.order,
    "relay": World.relay,
    "engine": World.engine,
    "standby": World.standby,
    "kill": World.kill,
    "fuse": World.fuse,
    "pause": World.pause,
    "wake": World.wake,
    "power": World.power,
    "queue": World.queue_again,
    "ship": World.ship,
    "end shipper": World.end_shipper,
    "settle": World.settle,
    "settle badly": World.settle_badly,
    "snapshot": World.snapshot,
    "clock": World.clock,
}

WEIGHTS: Final = {
    "order": 40, "relay": 3, "engine": 22, "standby": 2, "kill": 2, "fuse": 2, "pause": 2,
    "wake": 3, "power": 2, "queue": 4, "ship": 12, "end shipper": 2, "settle": 12,
    "settle badly": 3, "snapshot": 1, "clock": 3,
}  # fmt: skip
"""How often each happens, to a hundred and fifteen."""
