"""The settlement lane: nothing is left out, whatever an earlier life had started."""

import pytest

from engine.exchange import Run
from ledger.settlement import SettlementBatch
from workers.shipper_settlement import EVENTS_MAX, START_SECONDS, SettlementLane


async def test_a_run_that_ended_elsewhere_is_started_again_from_there():
    started: list[SettlementBatch] = []

    async def start(batch: SettlementBatch) -> None:
        started.append(batch)

    lane = SettlementLane("BTC-USDT", 1, start)
    lane.take(Run("BTC-USDT", 1, 5, [(2, n, 7, 1, 100, 5) for n in range(1, 7)]), epoch=1)
    await lane.step()

    await lane.settled(4)

    assert [(batch.first_sequence, batch.last_sequence) for batch in started] == [(1, 6), (4, 6)]
    assert lane.unsettled() == 3
    await lane.settled(7)
    assert lane.unsettled() == 0
    assert not lane.is_waiting()


def run_of(first: int, last: int) -> Run:
    return Run("BTC-USDT", first, 5, [(2, n, 7, 1, 100, 5) for n in range(first, last + 1)])


async def test_a_run_whose_workflow_did_not_start_is_not_forgotten():
    """Temporal was away just when the ledger's cursor stood inside a run."""
    started: list[tuple[int, int]] = []
    is_away = False

    async def start(batch: SettlementBatch) -> None:
        if is_away:
            raise ConnectionError
        started.append((batch.first_sequence, batch.last_sequence))

    lane = SettlementLane("BTC-USDT", 1, start)
    lane.take(run_of(1, 6), epoch=1)
    await lane.step()
    is_away = True
    with pytest.raises(ConnectionError):
        await lane.settled(4)

    is_away = False
    await lane.settled(4)

    assert started == [(1, 6), (4, 6)]


async def test_a_run_carries_the_epoch_of_the_engine_that_wrote_it():
    """Or the runs of an earlier life, which say just that epoch, would count as a fenced engine's.

    The run is started again after a newer engine has written on.
    """
    started: list[tuple[int, int, int]] = []

    async def start(batch: SettlementBatch) -> None:
        started.append((batch.first_sequence, batch.last_sequence, batch.epoch))

    lane = SettlementLane("BTC-USDT", 1, start)
    lane.take(run_of(1, 6), epoch=1)
    await lane.step()
    lane.take(run_of(7, 8), epoch=2)

    await lane.settled(4)

    assert started == [(1, 6, 1), (4, 6, 1)]


async def test_what_comes_while_a_run_is_under_way_shares_the_next():
    started: list[tuple[int, int]] = []

    async def start(batch: SettlementBatch) -> None:
        started.append((batch.first_sequence, batch.last_sequence))

    now = 1000.0
    lane = SettlementLane("BTC-USDT", 1, start, now=lambda: now)
    for number in range(1, 6):
        lane.take(run_of(number, number), epoch=1)
        await lane.step()
    assert started == [(1, 1)]

    await lane.settled(2)
    await lane.step()
    assert started == [(1, 1)], "a run that is not full rests after the one before"
    now += START_SECONDS
    await lane.step()

    assert started == [(1, 1), (2, 5)]


async def test_full_runs_do_not_wait_for_each_other():
    started: list[tuple[int, int]] = []

    async def start(batch: SettlementBatch) -> None:
        started.append((batch.first_sequence, batch.last_sequence))

    lane = SettlementLane("BTC-USDT", 1, start)
    lane.take(run_of(1, 1), epoch=1)
    await lane.step()
    lane.take(run_of(2, 5 * EVENTS_MAX + 1), epoch=1)
    for _ in range(6):
        await lane.step()

    assert started[1:] == [(n * EVENTS_MAX + 2, (n + 1) * EVENTS_MAX + 1) for n in range(3)]
    await lane.settled(started[-1][1] + 1)
    for _ in range(6):
        await lane.step()
    assert started[-1][1] == 5 * EVENTS_MAX + 1
