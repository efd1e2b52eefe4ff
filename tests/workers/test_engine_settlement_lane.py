"""The settlement lane: nothing is left out, whatever an earlier life had started."""

from engine.exchange import Run
from ledger.settlement import SettlementBatch
from workers.shipper_settlement import SettlementLane


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
