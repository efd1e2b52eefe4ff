"""Which indexes a search asks: those of the kinds that it can find, whatever serves meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from api.search.desk import SearchDesk
from api.search.query import SearchQuery
from api.search.viewer import Viewer
from bench.search import NoLag
from compliance.staff import Role
from devstack.rented import RentedStack
from domain.ids import CustomerId, OrderId, TradeId
from domain.market import Side
from projections import document
from projections.document import PUBLIC, Kind
from projections.order import OrderState, OrderStatus
from projections.trade import Trade
from storage.catalog import LISTED
from storage.search_client import connect, connect_async
from storage.search_index import SearchIndex, Source, kind_of

pytestmark = pytest.mark.stack

MARKET = LISTED[0]
OWNER, OTHER = Viewer(customer_id=7), Viewer(customer_id=9)
PUBLIC_VIEWER, OFFICER = Viewer(), Viewer(staff="olga", role=Role.COMPLIANCE)


def sources() -> list[Source]:
    """A trade and an order of customer 7."""
    trade = Trade(
        MARKET.id, TradeId(1), 1, 1, 500, 2, Side.BUY, 1_764_000_000_000, OrderId(1), OrderId(2),
        CustomerId(7), CustomerId(8),
    )  # fmt: skip
    order = OrderState(
        MARKET.id, 1, 7, 1, OrderStatus.OPEN, 10**15, 10**15, "buy", 500, 0, 2, 0, 0, 0, 1
    )
    return [
        document.of_trade(trade, MARKET).source(),
        document.of_order(order, MARKET).source(),
    ]


class Asked:
    """Hears which indexes the desk asks."""

    def __init__(self, desk: SearchDesk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.indexes: list[str] = []
        search = desk._opensearch.search

        async def heard(**request: Any) -> Any:
            self.indexes.append(request["index"])
            return await search(**request)

        monkeypatch.setattr(desk._opensearch, "search", heard)

    def kinds(self) -> set[Kind | None]:
        """Of the newest search; of the alias alone: None."""
        return {kind_of(index) for index in self.indexes[-1].split(",")}


def desk_of(stack: RentedStack, prefix: str) -> tuple[SearchDesk, SearchIndex]:
    stack.require("osmem")
    url = stack.env["RIALTO_OPENSEARCH_URL"]
    index = SearchIndex(connect(url), prefix)
    index.prepare(serves=True)
    assert index.write(sources()) == []
    index.refresh()
    return SearchDesk(connect_async(url), f"{prefix}search", NoLag()), index


@pytest.mark.parametrize(
    ("query", "viewer", "kinds", "found"),
    [
        ({}, PUBLIC_VIEWER, PUBLIC, {"trade"}),
        ({"kind": ("order",)}, PUBLIC_VIEWER, {None}, set()),
        ({"kind": ("order", "trade")}, PUBLIC_VIEWER, {Kind.TRADE}, {"trade"}),
        ({"kind": ("trade",)}, OTHER, {Kind.TRADE}, {"trade"}),
        ({"kind": ("order",)}, OTHER, {Kind.ORDER}, set()),
        ({"kind": ("order",)}, OWNER, {Kind.ORDER}, {"order"}),
        ({}, OWNER, {None}, {"trade", "order"}),
        ({}, OTHER, {None}, {"trade"}),
        ({"kind": ("order",)}, OFFICER, {Kind.ORDER}, {"order"}),
        ({}, OFFICER, {None}, {"trade", "order"}),
    ],
)
async def test_only_indexes_of_what_may_be_found_are_asked(
    stack: RentedStack,
    monkeypatch: pytest.MonkeyPatch,
    query: dict[str, Any],
    viewer: Viewer,
    kinds: set[Kind | None],
    found: set[str],
) -> None:
    desk, _ = desk_of(stack, "kinds-")
    asked = Asked(desk, monkeypatch)

    answer = await desk.search(SearchQuery(**query, facets=True), viewer)
    await desk.close()

    assert asked.kinds() == kinds
    assert {each.kind for each in answer.data} == found
    assert answer.total.value == len(found)
    assert answer.facets is not None
    assert {facet.value for facet in answer.facets["kind"]} == found


async def test_what_was_dropped_meanwhile_is_not_asked_twice(
    stack: RentedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of the indexes are a second old: another generation may serve since."""
    desk, old = desk_of(stack, "dropped-")
    before = await desk.search(SearchQuery(kind=(Kind.TRADE,)), PUBLIC_VIEWER)
    new = old.of_generation(2)
    new.prepare(serves=False)
    assert new.write(sources()) == []
    new.serve()
    old.drop()
    asked = Asked(desk, monkeypatch)

    after = await desk.search(SearchQuery(kind=(Kind.TRADE,)), PUBLIC_VIEWER)
    await desk.close()

    assert before.data == after.data != []
    assert [name.split("-g")[1][0] for name in asked.indexes] == ["1", "2"]
