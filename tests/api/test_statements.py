"""Where a balance comes from, asked through the API: lines, pages, CSV, statements."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from tests.api.answer_examples import like_example
from tests.api.conftest import Exchange, Person, problem

pytestmark = pytest.mark.stack

FOR_EVER = {"since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
async def owner(exchange: Exchange) -> Person:
    """Somebody who deposited twice and has an order open."""
    person = await exchange.person(USDT="1000")
    await exchange.give(person.id, "USDT", "0.5")
    order = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "100", "size": "0.1"}
    answer = await person.http.post("/v1/orders", json=order)
    assert answer.status_code in (200, 201, 202), answer.text
    return person


async def test_the_lines_add_up_to_the_balance(owner: Person) -> None:
    answer = await owner.http.get("/v1/balances/USDT/explain")

    found = answer.json()
    lines = found["data"]
    available = sum(Decimal(line["available_change"]) for line in lines)
    held = sum(Decimal(line["held_change"]) for line in lines)
    assert found["next_cursor"] is None
    assert [line["purpose"] for line in lines] == ["deposit", "deposit", "hold"]
    assert (available, held) == tuple(map(Decimal, await owner.balance("USDT")))
    assert (available, held) == (Decimal("990.5"), Decimal(10))
    assert lines[2]["cause"].startswith("order ")


async def test_pages_join_and_csv_has_every_line(owner: Person) -> None:
    first = (await owner.http.get("/v1/balances/USDT/explain?limit=2")).json()
    query = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await owner.http.get("/v1/balances/USDT/explain", params=query)).json()

    file = await owner.http.get("/v1/balances/USDT/explain?format=csv")

    rows = list(csv.DictReader(StringIO(file.text)))
    assert file.headers["content-type"].startswith("text/csv")
    assert "USDT.csv" in file.headers["content-disposition"]
    proofs = [line["proof"] for line in first["data"] + second["data"]]
    assert [row["proof"] for row in rows] == proofs
    assert len(rows) == 3


async def test_a_statement_has_opening_and_closing_balances(owner: Person) -> None:
    answer = await owner.http.get("/v1/balances/USDT/statement", params=FOR_EVER)
    like_example("read_statement", answer)
    found = answer.json()

    assert (found["opening_available"], found["opening_held"]) == ("0", "0")
    assert (found["closing_available"], found["closing_held"]) == ("990.5", "10")
    assert found["totals"]["deposit"] == "1000.5"
    assert len(found["lines"]) == 3
    file = await owner.http.get("/v1/balances/USDT/statement", params=FOR_EVER | {"format": "csv"})
    assert len(file.text.splitlines()) == 4


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/balances/DOGE/explain", 404, "unknown_asset"),
        ("/v1/balances/BTC/explain?cursor=invented", 400, "invalid_input"),
        (f"/v1/balances/BTC/explain?cursor={'9' * 36}-0", 400, "invalid_input"),
        ("/v1/balances/BTC/explain?limit=0", 400, "invalid_input"),
        ("/v1/balances/BTC/explain?format=xml", 400, "invalid_input"),
        ("/v1/balances/BTC/statement", 400, "invalid_input"),
        (
            "/v1/balances/BTC/statement?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
            400,
            "invalid_input",
        ),
    ],
)
async def test_wrong_questions_are_refused(
    owner: Person, path: str, status: int, code: str
) -> None:
    problem(await owner.http.get(path), status, code)


async def test_nobody_sees_anothers_lines(exchange: Exchange, owner: Person) -> None:
    stranger = await exchange.person()

    assert (await stranger.http.get("/v1/balances/USDT/explain")).json()["data"] == []
    problem(await exchange.http.get("/v1/balances/USDT/explain"), 401, "not_authenticated")
