"""The Lambda under a mapping that behaves as AWS documents: partial batches, bisection, retries."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.projecting.projector import Projector
from activities.projecting.reading import StreamRecord
from engine.events import NumberedEvent
from streams.kinesis import MARKET_EVENTS
from tests.projections.fakes import Crashed
from tests.projections.histories import market_histories, market_record, pieces
from tests.projections.test_convergence import SLOW, World, told_once
from workers import projection_lambda
from workers.projection_lambda import take

Function = Callable[[Sequence[StreamRecord]], dict[str, Any]]


def deliver(function: Function, records: Sequence[StreamRecord], retries: int) -> list[str]:
    """As an event source mapping with `ReportBatchItemFailures` and bisection would.

    Returns the sequence numbers of what it gave up after all retries.
    """
    if not records:
        return []
    try:
        failures = function(records)["batchItemFailures"]
        at = min((_position(records, each["itemIdentifier"]) for each in failures), default=None)
    except Exception:  # noqa: BLE001 - a failed invocation, whatever failed
        at = 0
    if at is None:
        return []
    rest = records[at:]
    if retries == 0:
        return [record.sequence_number for record in rest]
    middle = (len(rest) + 1) // 2
    lost = deliver(function, rest[:middle], retries - 1)
    return lost + deliver(function, rest[middle:], retries - 1)


def _position(records: Sequence[StreamRecord], sequence_number: str) -> int:
    return [record.sequence_number for record in records].index(sequence_number)


@SLOW
@given(market_histories(), st.data())
def test_faults_in_the_middle_of_batches_lose_nothing(
    events: list[NumberedEvent], data: st.DataObject
) -> None:
    records = [market_record(at, run) for at, run in enumerate(pieces(events, cycle([1, 3])))]
    world = World()

    def function(batch: Sequence[StreamRecord]) -> dict[str, Any]:
        world.dynamo.crash_after(data.draw(st.one_of(st.none(), st.integers(0, 20))))
        try:
            return take(world.dynamo, world.processor, batch)
        finally:
            world.dynamo.crash_after(None)

    while records:
        size = data.draw(st.integers(1, 4))
        batch, records = records[:size], records[size:]
        for lost in deliver(function, batch, retries=3):  # Replayed from the stream, as documented.
            world.processor.apply([each for each in batch if each.sequence_number == lost])

    told = [market_record(at, run) for at, run in enumerate(pieces(events, cycle([1, 3])))]
    assert world.state() == told_once(told).state()
    assert world.letters.poisons == []


def test_only_what_was_not_applied_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection_lambda, "STEP_RECORDS", 2)
    taken: list[str] = []

    class Failing(Projector):
        def __init__(self) -> None:
            """Nothing to apply to."""

        def apply(self, records: Sequence[StreamRecord]) -> Any:
            if records[0].sequence_number == "4":
                raise Crashed
            taken.extend(record.sequence_number for record in records)

    records = [market_record(at, [(at + 1, 1, 12, 0, 1, 0)]) for at in range(7)]

    answer = take(World().dynamo, Failing(), records)

    assert taken == ["0", "1", "2", "3"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "4"}]}


def test_a_record_is_read_as_lambda_hands_it_over() -> None:
    event = {
        "eventID": "shardId-000000000001:49590338271490256608559692538361571095921575989136588898",
        "eventSourceARN": f"arn:aws:kinesis:eu-central-1:000000000000:stream/{MARKET_EVENTS}",
        "kinesis": {
            "partitionKey": "BTC-USDT",
            "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
            "data": base64.b64encode(b"{}").decode(),
            "approximateArrivalTimestamp": 1_764_000_000.25,
        },
    }

    assert projection_lambda._record(event) == StreamRecord(
        MARKET_EVENTS,
        "shardId-000000000001",
        "49590338271490256608559692538361571095921575989136588898",
        "BTC-USDT",
        b"{}",
        1_764_000_000_250,
    )
