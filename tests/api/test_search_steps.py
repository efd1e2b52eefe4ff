"""Comparing amounts by coarse steps and exact ends finds what exact digits find."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.search import served
from api.search.desk import SearchDesk
from api.search.query import SearchQuery, within_keys, within_steps
from api.search.viewer import Viewer
from bench.search import NoLag
from compliance.staff import Role
from devstack.rented import RentedStack
from domain.ids import CustomerId, OrderId, TradeId
from domain.market import Side
from projections import document
from projections.document import comparable, ends_of_step, step_of
from projections.trade import Trade
from storage import search_index
from storage.catalog import LISTED
from storage.search_client import connect, connect_async
from storage.search_index import MAPPING, SearchIndex

UNITS = st.one_of(
    st.integers(0, 2_000),
    st.integers(0, 10**38 - 1),
    st.builds(lambda digits, zeros: digits * 10**zeros, st.integers(0, 2_000), st.integers(0, 30)),
)
COMPARED = {
    "gte": lambda value, limit: value >= limit,
    "lte": lambda value, limit: value <= limit,
    "gt": lambda value, limit: value > limit,
    "lt": lambda value, limit: value < limit,
}
OFFICER = Viewer(staff="officer", role=Role.COMPLIANCE)


def key(units: int) -> str:
    return comparable(units, 8)


def finds(clauses: list[dict[str, Any]], units: int) -> bool:
    """Whether a record of that amount matches all the clauses."""
    record: dict[str, Any] = {"amount_key": key(units), "amount_step": step_of(key(units))}
    return all(_finds(clause, record) for clause in clauses)


def _finds(clause: dict[str, Any], record: dict[str, Any]) -> bool:
    if "bool" in clause:
        return any(_finds(each, record) for each in clause["bool"]["should"])
    [(name, limits)] = clause["range"].items()
    return all(COMPARED[how](record[name], limit) for how, limit in limits.items())


@given(UNITS, UNITS, UNITS, st.booleans(), st.booleans())
def test_steps_find_what_exact_digits_find(
    units: int, one: int, other: int, has_least: bool, has_most: bool
) -> None:
    least = key(min(one, other)) if has_least else None
    most = key(max(one, other)) if has_most else None
    for about in {units, one, other, one + 1, max(other - 1, 0)}:
        by_steps = finds(within_steps("amount", least, most), about)
        assert by_steps == finds(within_keys("amount", least, most), about), about


@given(UNITS, UNITS)
def test_steps_never_fall_and_their_ends_are_theirs(one: int, other: int) -> None:
    low, high = sorted((key(one), key(other)))
    assert step_of(low) <= step_of(high)
    first, last = ends_of_step(low)
    assert first <= low <= last
    assert step_of(first) == step_of(low) == step_of(last)
    assert (step_of(high) == step_of(low)) == (high <= last)


@pytest.mark.stack
async def test_amounts_are_found_before_and_after_the_indexes_have_steps(
    stack: RentedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a release and the end of its reindex the alias stands on the mapping before."""
    monkeypatch.setattr(served, "FRESH_SECONDS", 0.0)
    stack.require("osmem")
    url = stack.env["RIALTO_OPENSEARCH_URL"]
    search = SearchIndex(connect(url), "stepped-")
    desk = SearchDesk(connect_async(url), "stepped-search", NoLag())
    sources = [_trade(number, lots=10**number) for number in range(1, 6)]
    old = [{n: v for n, v in each.items() if not n.endswith("_step")} for each in sources]
    query = SearchQuery(kind=("trade",), amount_min="0.01", amount_max="1")
    found = []
    with monkeypatch.context() as before:
        before.setattr(search_index, "MAPPING_VERSION", 1)
        plain = {n: v for n, v in MAPPING["properties"].items() if not n.endswith("_step")}
        before.setitem(MAPPING, "properties", plain)
        search.prepare(serves=True)
        assert search.write(old) == []
        found.append(await desk.search(query, OFFICER))
        assert not await desk._served.have_steps()
    search.prepare(serves=False)
    assert search.write(sources) == []
    search.serve()
    found.append(await desk.search(query, OFFICER))
    assert await desk._served.have_steps()
    await desk.close()

    assert [{each.amount for each in answer.data} for answer in found] == [{"0.01", "0.1", "1"}] * 2


def _trade(number: int, lots: int) -> search_index.Source:
    market = LISTED[0]
    return document.of_trade(
        Trade(
            market.id, TradeId(number), 1, number, 500, lots, Side.BUY, 1_764_000_000_000,
            OrderId(1), OrderId(2), CustomerId(7), CustomerId(8),
        ),
        market,
    ).source()  # fmt: skip
