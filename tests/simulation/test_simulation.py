"""Engine, ledger and settlement through thousands of stories; and that a story can end badly."""

import os
from pathlib import Path

import pytest

import ledger.settlement
from bench.simulation.checks import replayed
from bench.simulation.story import play, shrink, simulate, steps_of
from bench.simulation.world import World
from ledger.fees import fee_units
from tests.simulation.broken import ALL

SEEDS = int(os.environ.get("RIALTO_SIMULATION_SEEDS", "300"))
"""A dozen milliseconds each. CI tells two thousand before the tests, while nothing else runs."""

CAUGHT_WITHIN = 600
"""Stories within which each broken part must show; most do in the first twenty."""


@pytest.mark.slow
@pytest.mark.timeout(60 + SEEDS)
def test_every_story_ends_with_every_promise_kept():
    failure = simulate(range(SEEDS))

    assert failure is None, str(failure)


@pytest.mark.parametrize("name", ALL)
def test_a_broken_part_is_found(name: str):
    failure = simulate(range(CAUGHT_WITHIN), broken=ALL[name])

    assert failure is not None


def test_a_unit_that_rounding_gives_away_is_found(monkeypatch: pytest.MonkeyPatch):
    """One unit, in a settlement that conserves every unit: only the oracle can tell."""

    def generous(received_units: int, rate_ppm: int) -> int:
        return max(0, fee_units(received_units, rate_ppm) - 1)

    monkeypatch.setattr(ledger.settlement, "fee_units", generous)

    failure = simulate(range(20))

    assert failure is not None
    assert "units, trades say" in failure.error


def test_the_same_seed_tells_the_same_story(tmp_path: Path):
    told = []
    for name in ("first", "second"):
        directory = tmp_path / name
        directory.mkdir()
        world = World(directory)
        for step in steps_of(7):
            world.do(step)
        world.heal()
        told.append((world.told, replayed(directory).exchange.digest))
        world.close()

    assert told[0] == told[1]


def test_a_failure_names_its_seed_and_a_smaller_story():
    broken = ALL["deletes too early"]
    seed = next(seed for seed in range(100) if play(seed, steps_of(seed), broken))
    first = play(seed, steps_of(seed), broken)
    assert first is not None

    small = shrink(first, broken)

    assert len(small.steps) < len(first.steps) / 3
    assert str(small).startswith(f"seed {seed}: ")
    assert play(seed, small.steps, broken) is not None
    assert play(seed, small.steps) is None
