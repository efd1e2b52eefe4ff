"""A story: the steps that a seed tells, what came of them, and the fewest that still fail."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from bench.simulation import checks
from bench.simulation.fewest import fewest
from bench.simulation.world import WEIGHTS, Broken, Step, World

STEPS: Final = 90
"""Of one story: some forty orders, with a crash or two of each kind."""

_MOVE_MONEY: Final = ("order", "settle", "settle badly")

_SHRINKS_MAX: Final = 400
"""Stories tried while looking for a smaller one: seconds."""

_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Failure:
    """A story that ended badly."""

    seed: int
    steps: Sequence[Step]
    error: str
    told: Sequence[str]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.error}", "the smallest story that ends so:"]
        return "\n".join(lines + [f"  {number:3}. {each}" for number, each in self._numbered()])

    def _numbered(self) -> list[tuple[int, str]]:
        return list(enumerate(self.told, 1))


def steps_of(seed: int, count: int = STEPS) -> list[Step]:
    chance = Random(seed)
    whats = chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    return [Step(what, chance.getrandbits(32)) for what in whats]


def play(seed: int, steps: Sequence[Step], broken: Broken | None = None) -> Failure | None:
    """Tell the story, heal the world, and check every promise."""
    directory = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
    world = World(directory, broken)
    try:
        for step in steps:
            world.do(step)
            if step.what in _MOVE_MONEY:
                checks.conserved(world.database)
        world.heal()
        checks.everything(world)
    except Exception as error:  # noqa: BLE001 - Whatever it is, the story ended badly.
        return Failure(seed, steps, f"{type(error).__name__}: {error}", world.told)
    finally:
        world.close()
        shutil.rmtree(directory)
    return None


def shrink(failure: Failure, broken: Broken | None = None) -> Failure:
    """The smallest story found that ends with the same error."""
    kind = failure.error.split(":", 1)[0]
    smallest = failure

    def fails(steps: Sequence[Step]) -> bool:
        nonlocal smallest
        again = play(failure.seed, steps, broken)
        if again is None or again.error.split(":", 1)[0] != kind:
            return False
        smallest = again
        return True

    fewest(failure.steps, fails, tries_max=_SHRINKS_MAX)
    return smallest


def simulate(
    seeds: Sequence[int],
    *,
    broken: Broken | None = None,
    steps: int = STEPS,
    tell: Callable[[int], None] = lambda _: None,
) -> Failure | None:
    """The first seed whose story ends badly, made small; None when all end well."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # Torn tails and lost leases are what it is about.
    try:
        for seed in seeds:
            failure = play(seed, steps_of(seed, steps), broken)
            if failure is not None:
                return shrink(failure, broken)
            tell(seed)
    finally:
        logging.disable(before)
    return None
