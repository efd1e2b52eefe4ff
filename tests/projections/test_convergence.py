"""The same events give the same tables and documents, however often and in whatever order."""

from __future__ import annotations

from itertools import cycle

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.projecting.projector import Projector
from activities.projecting.reading import StreamRecord
from activities.projecting.store import Store
from engine import events as e
from engine.events import NumberedEvent
from storage.dynamo_tables import CHECKPOINTS, PROJECTIONS
from streams.kinesis import MARKET_EVENTS
from tests.projections.fakes import Crashed, KeptLetters, MemoryDynamo, MemorySearch
from tests.projections.histories import (
    LISTINGS,
    chain_histories,
    chain_record,
    market_histories,
    market_record,
    pieces,
    record,
    run_of,
)

SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class World:
    """Both stores, and processors that come and go."""

    def __init__(self) -> None:
        self.dynamo, self.search, self.letters = MemoryDynamo(), MemorySearch(), KeptLetters()
        self.store = Store(self.dynamo, self.search, lambda: 0)
        self.processor = self.restarted()

    def restarted(self) -> Projector:
        self.processor = Projector(lambda: [self.store], lambda: LISTINGS, self.letters)
        return self.processor

    def state(self) -> tuple[object, object]:
        tables = {table.name: self.dynamo.contents(table) for table in PROJECTIONS}
        return tables, self.search.documents


def told_once(records: list[StreamRecord]) -> World:
    world = World()
    for each in records:
        world.processor.apply([each])
    return world


@SLOW
@given(market_histories(), st.data())
def test_repeated_reordered_and_late_market_events_converge(
    events: list[NumberedEvent], data: st.DataObject
) -> None:
    sizes = cycle(data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=5)))
    records = [market_record(at, run) for at, run in enumerate(pieces(events, sizes))]
    repeats = data.draw(st.lists(st.sampled_from(records), max_size=6))
    deliveries = data.draw(st.permutations(records + repeats))
    restarts = data.draw(st.sets(st.integers(0, len(deliveries)), max_size=3))

    world = World()
    for at, each in enumerate(deliveries):
        if at in restarts:
            world.restarted()
        world.processor.apply([each])

    assert world.state() == told_once(records).state()
    assert world.letters.poisons == []


@SLOW
@given(market_histories(), st.data())
def test_two_processors_at_once_converge(events: list[NumberedEvent], data: st.DataObject) -> None:
    records = [market_record(at, run) for at, run in enumerate(pieces(events, cycle([2, 3])))]
    world = World()
    first, second = world.processor, world.restarted()

    for each in data.draw(st.permutations(records + records)):
        data.draw(st.sampled_from([first, second])).apply([each])

    assert world.state() == told_once(records).state()


@SLOW
@given(chain_histories(), st.data())
def test_repeated_reordered_and_late_chain_events_converge(
    lines: list[bytes], data: st.DataObject
) -> None:
    records = [chain_record(at, line) for at, line in enumerate(lines)]
    repeats = data.draw(st.lists(st.sampled_from(records), max_size=6))

    world = World()
    for each in data.draw(st.permutations(records + repeats)):
        world.processor.apply([each])

    assert world.state() == told_once(records).state()


@SLOW
@given(market_histories(), st.data())
def test_a_crash_at_any_write_leaves_nothing_that_a_repeat_does_not_mend(
    events: list[NumberedEvent], data: st.DataObject
) -> None:
    records = [market_record(at, run) for at, run in enumerate(pieces(events, cycle([4])))]
    world = World()
    world.dynamo.order = lambda writes: data.draw(st.permutations(writes))
    for each in records:
        world.dynamo.crash_after(data.draw(st.integers(0, 12)))
        try:
            world.processor.apply([each])
        except Crashed:
            world.dynamo.crash_after(None)
            world.restarted()
            world.processor.apply([each])

    assert world.state() == told_once(records).state()


@SLOW
@given(market_histories(), st.data())
def test_documents_wait_while_the_index_is_away_and_none_is_lost(
    events: list[NumberedEvent], data: st.DataObject
) -> None:
    records = [market_record(at, run) for at, run in enumerate(pieces(events, cycle([3])))]
    world = World()
    for each in records:
        world.search.is_away = data.draw(st.booleans())
        world.processor.apply([each])

    world.search.is_away = False
    while world.store.index_waiting()[0]:
        pass

    assert world.state() == told_once(records).state()
    assert not [key for key in world.dynamo.contents(CHECKPOINTS) if key[0].startswith("waiting")]


def test_an_event_of_an_unknown_kind_is_set_aside_alone() -> None:
    good = (1, 1_764_000_000_000_000, e.RESTED, 1, 7, 1, 500, 3)
    future = (2, 1_764_000_000_000_001, 99, 1, 2, 3)
    later = (3, 1_764_000_000_000_002, e.CANCELED, 1, 7, 1, 500, 3, 3, e.BY_OWNER)
    world = World()

    world.processor.apply([market_record(0, [good, future, later])])

    assert [poison.reason for poison in world.letters.poisons] == ["event 2 is of unknown kind 99"]
    assert world.search.documents["order", "1"]["status"] == "canceled"


def test_what_was_set_aside_can_be_applied_later_and_lands_in_its_place() -> None:
    filled = (2, 1_764_000_000_000_001, e.FILLED, 1, 500, 2, 1, 7, 1, 9, 8, 0, e.SELL_AGGRESSOR)
    rested = (1, 1_764_000_000_000_000, e.RESTED, 1, 7, 1, 500, 3)
    world = World()

    world.processor.apply([market_record(1, [filled])])
    world.restarted().apply([market_record(0, [rested])])

    order = world.search.documents["order", "1"]
    assert (order["status"], order["price"], order["details"]["filled"]) == ("open", "5", "0.0002")


def test_an_event_that_cannot_be_applied_does_not_take_its_record_along() -> None:
    rested = (1, 1_764_000_000_000_000, e.RESTED, 1, 7, 1, 500, 3)
    later = (2, 1_764_000_000_000_001, e.CANCELED, 1, 7, 1, 500, 3, 3, e.BY_OWNER)
    lines = [run_of([rested]), run_of([rested], "NO-MARKET"), run_of([later])]
    world = World()

    world.processor.apply([record(MARKET_EVENTS, 0, "BTC-USDT", b"\n".join(lines))])

    assert [poison.line for poison in world.letters.poisons] == [lines[1]]
    assert "UnknownMarket" in world.letters.poisons[0].reason
    assert world.search.documents["order", "1"]["status"] == "canceled"
