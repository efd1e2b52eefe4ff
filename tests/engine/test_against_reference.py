"""The book against the reference book: the same commands must give the same events."""

import pytest

from bench.engine_commands import EverythingAtOnce
from engine import ladder, snapshot, state
from engine.book import Book
from engine.exchange import Exchange
from engine.ladder import Ladder, SortedIndex
from engine.reference.book import ReferenceBook
from engine.rules import Rules
from tests.engine.structure import check_structure

TIGHT = Rules(fills_max=3, cascade_max=2, orders_max=8, trailing_max=3)
BANDED = Rules(band_bps=100, protection_bps=50, notional_min=3_000, lots_max=100)
BOUNDED = Rules(price_max=1_004, lots_max=9)
SEEDS = range(24)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_books_tell_the_same_story(seed: int):
    rules = (Rules(), TIGHT, BANDED, BOUNDED)[seed % 4]
    commands = EverythingAtOnce(seed, owners=(4, 2, 30)[seed // 3 % 3], spread=(12, 4)[seed % 2])
    book = Book(rules, (Ladder, SortedIndex)[seed % 2])
    reference = ReferenceBook(rules)

    for number in range(300):
        if number % 10 == 0:
            time_us = commands.tick()
            book.advance(time_us)
            reference.advance(time_us)
        command = commands.calm() if book.state and number % 7 == 0 else commands.next()
        book.apply(command)
        reference.apply(command)

        told = [tuple(map(int, event)) for event in reference.take_events()]
        assert book.take_events() == told, (seed, number, command)
        assert book.state or book.best_bid.price < book.best_ask.price


@pytest.mark.parametrize("seed", range(18))
def test_levels_that_come_and_go_keep_the_book_in_order(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state, "VACANT_KEPT", (0, 2, 20)[seed % 3])
    monkeypatch.setattr(ladder, "NEAR_MAX", (1, 4, 30)[seed // 2 % 3])
    monkeypatch.setattr(ladder, "NEAR_MOVED", 1)
    monkeypatch.setattr(ladder, "BLOCK_KEYS", 2)
    commands = EverythingAtOnce(seed, owners=(30, 4)[seed % 2], spread=(60, 200, 8)[seed // 3 % 3])
    book = Book(Rules(), (Ladder, SortedIndex)[seed // 2 % 2])
    reference = ReferenceBook(Rules())

    for number in range(400):
        command = commands.calm() if book.state else commands.next()
        book.apply(command)
        reference.apply(command)

        told = [tuple(map(int, event)) for event in reference.take_events()]
        assert book.take_events() == told, (seed, number, command)
        if number % 7 == 0:
            check_structure(book)


@pytest.mark.parametrize("seed", range(6))
def test_a_restored_exchange_goes_on_as_the_original_does(seed: int):
    commands = EverythingAtOnce(seed)
    original = Exchange()
    original.list_market("BTC-USDT", TIGHT)
    for _ in range(40):
        original.apply_frame(commands.tick(), [("BTC-USDT", list(commands.take(10)))])

    copy = snapshot.load(snapshot.dump(original))

    assert snapshot.state_hash(copy) == snapshot.state_hash(original)
    for _ in range(40):
        sections = [("BTC-USDT", list(commands.take(10)))]
        time_us = commands.tick()
        assert copy.apply_frame(time_us, sections) == original.apply_frame(time_us, sections)
    assert copy.digest == original.digest
    assert snapshot.state_hash(copy) == snapshot.state_hash(original)


def test_a_repeated_command_does_nothing():
    exchange = Exchange()
    exchange.list_market("BTC-USDT", Rules())
    sections = [("BTC-USDT", [(1, 1, 7, 1, 1, 100, 5)])]

    first = exchange.apply_frame(1, sections)
    again = exchange.apply_frame(2, sections)

    assert [run.events for run in first] == [[(2, 1, 7, 1, 100, 5)]]
    assert again == []


def test_an_unknown_market_turns_orders_away_in_an_event():
    exchange = Exchange()

    [run] = exchange.apply_frame(1, [("XYZ-USDT", [(1, 1, 7, 1, 1, 100, 5)])])

    assert run.events == [(7, 1, 7, 1, 30)]
