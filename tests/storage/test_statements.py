import asyncio
import csv
import io
import os
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.errors import InvalidInput
from domain.market import Side
from engine import events
from ledger.account import AccountKind
from storage import statements
from storage.statement_csv import CSV_COLUMNS, csv_row
from storage.statements import Position, Purpose, explain, history, statement
from storage.trial_balance import off_by, trial_balance
from tests.storage.world import BTC, USDT, World, deposit, new_customer, pay

pytestmark = pytest.mark.stack

LONG_AGO, FAR_AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


async def trader(world: World):
    """A customer who deposited, bought at a better price than asked, and canceled the rest."""
    alice, bob = await world.customer(USDT=10**6), await world.customer(BTC=10**8)
    maker = await world.resting(bob, Side.SELL, 900, 60)
    taker = await world.resting(alice, Side.BUY, 1000, 100)
    await world.settle(await world.filled(maker, taker, 900, 60))
    await world.settle((events.CANCELED, taker, alice, 1, 1000, 40, 40, events.BY_OWNER))
    return alice, taker


async def test_every_unit_of_a_balance_is_traced_to_its_cause(world: World):
    alice, order = await trader(world)

    page = await explain(world.engine, alice, USDT)

    assert page.next is None
    story = [
        (line.purpose, line.available_change_units, line.held_change_units) for line in page.lines
    ]
    assert story == [
        (Purpose.DEPOSIT, 10**6, 0),
        (Purpose.HOLD, -100_000, 100_000),
        (Purpose.TRADE_PAID, 0, -54_000),
        (Purpose.RELEASE, 6_000, -6_000),
        (Purpose.RELEASE, 40_000, -40_000),
    ]
    last = page.lines[-1]
    assert (last.available_units, last.held_units) == await world.balance(alice, USDT)
    assert last.cause == f"order {order}"
    assert page.lines[2].cause.startswith("trade BTC-USDT ")
    assert page.lines[2].hold_id == f"order:{order}"


async def test_what_was_received_and_its_fee_are_lines_of_their_own(world: World):
    alice, _ = await trader(world)

    page = await explain(world.engine, alice, BTC)

    assert [(line.purpose, line.available_change_units) for line in page.lines] == [
        (Purpose.TRADE_RECEIVED, 600_000),
        (Purpose.FEE, -1_200),
    ]
    assert page.lines[1].other == AccountKind.FEE_INCOME


async def test_pages_join_without_gap_or_repeat(world: World):
    alice, bob = await world.customer(BTC=1000), new_customer()
    for _ in range(12):
        await world.ledger.post(pay(alice, bob, 1))
    whole = (await explain(world.engine, alice, BTC)).lines

    lines, after = [], Position()
    while after is not None:
        page = await explain(world.engine, alice, BTC, after=after, limit=5)
        lines += page.lines
        after = page.next

    assert tuple(lines) == whole
    assert len(lines) == 13
    assert [line.available_units for line in lines] == list(range(1000, 987, -1))


async def test_a_customer_without_the_asset_has_an_empty_story(world: World):
    page = await explain(world.engine, new_customer(), BTC)

    assert (page.lines, page.next) == ((), None)


@pytest.mark.parametrize("cursor", ["", "x", "1", "1-", "-1", "1-x", "1--2", "9" * 40 + "-1"])
def test_a_cursor_of_somebody_elses_making_is_refused(cursor: str):
    with pytest.raises(InvalidInput):
        Position.parse(cursor)


def test_a_cursor_comes_back_as_it_went():
    assert Position.parse(str(Position(12, 7))) == Position(12, 7)


async def test_a_statement_lies_between_its_balances(world: World):
    alice = await world.customer(BTC=100)
    await world.ledger.post(pay(alice, new_customer(), 30))
    middle = await now(world)
    await world.ledger.post(deposit(alice, BTC, 5))
    await world.ledger.post(pay(alice, new_customer(), 7))

    first = await statement(world.engine, alice, BTC, since=LONG_AGO, until=middle)
    second = await statement(world.engine, alice, BTC, since=middle, until=FAR_AHEAD)

    assert (first.opening_available_units, first.closing_available_units) == (0, 70)
    assert (second.opening_available_units, second.closing_available_units) == (70, 68)
    assert [line.available_change_units for line in second.lines] == [5, -7]
    assert second.totals == {Purpose.DEPOSIT: 5, Purpose.ADJUSTMENT: -7}


async def test_a_statement_shows_what_is_held_apart(world: World):
    alice, _ = await trader(world)

    whole = await statement(world.engine, alice, USDT, since=LONG_AGO, until=FAR_AHEAD)

    assert (whole.closing_available_units, whole.closing_held_units) == (946_000, 0)
    assert whole.totals == {
        Purpose.DEPOSIT: 10**6,
        Purpose.HOLD: 0,
        Purpose.TRADE_PAID: -54_000,
        Purpose.RELEASE: 0,
    }


async def test_a_statement_of_a_quiet_time_is_empty(world: World):
    alice = await world.customer(BTC=100)
    ahead = FAR_AHEAD - timedelta(days=1)

    quiet = await statement(world.engine, alice, BTC, since=ahead, until=FAR_AHEAD)

    assert (quiet.opening_available_units, quiet.closing_available_units) == (100, 100)
    assert quiet.lines == ()


async def test_an_export_is_exact_and_complete(world: World):
    alice, _ = await trader(world)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    async for line in history(world.engine, alice, USDT):
        writer.writerow(csv_row(line, 6))

    rows = list(csv.DictReader(io.StringIO(file.getvalue())))

    assert [row["purpose"] for row in rows][:2] == ["deposit", "hold"]
    assert rows[2]["held_change"] == "-0.054"
    assert (rows[-1]["available"], rows[-1]["held"]) == ("0.946", "0")
    assert all(len(row["proof"]) == 64 for row in rows)


async def now(world: World) -> datetime:
    return await world.ledger.pool.fetchval("SELECT clock_timestamp()")


async def test_the_trial_balance_sums_to_zero_at_any_moment(world: World):
    before = await trial_balance(world.engine)
    moment = await now(world)
    await trader(world)

    past = await trial_balance(world.engine, moment)
    present = await trial_balance(world.engine)

    assert off_by(past) == off_by(present) == {}
    assert [line for line in past if line.units] == [line for line in before if line.units]
    assert past != present


async def test_before_anything_happened_all_was_zero(world: World):
    lines = await trial_balance(world.engine, LONG_AGO)

    assert {line.units for line in lines} == {0}


def test_a_trial_balance_that_is_off_says_by_how_much():
    from storage.trial_balance import TrialBalanceLine

    line = TrialBalanceLine(BTC, AccountKind.ROUNDING, "", 5, 1)

    assert off_by([line]) == {"BTC": 5}


async def test_a_statement_of_too_many_lines_is_refused(world: World, monkeypatch):
    monkeypatch.setattr(statements, "LINES_MAX", 3)
    alice = await world.customer(BTC=100)
    for _ in range(6):
        await world.ledger.post(pay(alice, new_customer(), 1))

    with pytest.raises(InvalidInput, match="shorter period"):
        await statement(world.engine, alice, BTC, since=LONG_AGO, until=FAR_AHEAD)


async def rialto(world: World, *words: object) -> str:
    """What the command prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", "ledger", *map(str, words),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"RIALTO_DATABASE_URL": world.database.worker, "COLUMNS": "200"},
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_the_command_exports_a_balance_that_adds_up(world: World):
    alice, _ = await trader(world)

    rows = list(csv.DictReader(io.StringIO(await rialto(world, "explain", alice, USDT, "--csv"))))

    assert sum(Decimal(row["available_change"]) for row in rows) == Decimal(rows[-1]["available"])
    assert Decimal(rows[-1]["available"]) == Decimal((await world.balance(alice, USDT))[0]) / 10**6
    assert rows[2]["cause"].startswith("trade BTC-USDT ")


async def test_the_command_shows_a_statement(world: World):
    alice, _ = await trader(world)

    shown = await rialto(
        world, "statement", alice, USDT, "--since", "2020-01-01", "--until", "2099-01-01"
    )

    assert "opening: 0 available, 0 held" in shown
    assert "closing: 0.946 available, 0 held" in shown
