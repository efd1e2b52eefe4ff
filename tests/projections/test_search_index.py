"""The search index itself: exact types, versions, and what leaves it when it is old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from opensearchpy import OpenSearch

from devstack.rented import RentedStack
from domain.ids import CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from projections import document
from projections.document import Document, Kind
from projections.trade import Trade
from storage.dynamo_tables import TABLES, create_table
from storage.search_client import connect
from storage.search_index import MAPPING, SearchIndex, month_of, oldest_month
from streams.aws import client
from tests.projections.conftest import prepare_search
from tests.projections.histories import LISTINGS, MARKET
from workers.data_processor import SearchKeeper
from workers.projection_parts import Parts, ProjectionSettings, build

pytestmark = pytest.mark.stack

PREFIX = "aged-"


@pytest.fixture(scope="module")
def parts(aws: dict[str, str]) -> Parts:
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    settings = ProjectionSettings(
        opensearch_url=aws["RIALTO_OPENSEARCH_URL"], table_prefix=PREFIX, search_trade_months=3
    )
    made = build(settings, LISTINGS)
    prepare_search(made)
    made.stores()[0].search.mark_filled()
    return made


@pytest.fixture
def opensearch(stack: RentedStack) -> Iterator[OpenSearch]:
    server = connect(stack.env["RIALTO_OPENSEARCH_URL"])
    yield server
    server.close()


def trade(number: int, at: datetime, *, lots: int = 2, sequence: int = 0) -> Document:
    return document.of_trade(
        Trade(
            MarketId(MARKET), TradeId(number), 1, sequence or number, 500, lots, Side.BUY,
            int(at.timestamp() * 1000), OrderId(1), OrderId(2), CustomerId(7), CustomerId(8),
        ),
        LISTINGS.market(MARKET),
    )  # fmt: skip


def months_ago(count: int) -> datetime:
    today = datetime.now(UTC)
    month = today.year * 12 + today.month - 1 - count
    return datetime(month // 12, month % 12 + 1, 15, tzinfo=UTC)


def test_no_amount_is_a_floating_number(parts: Parts, opensearch: OpenSearch) -> None:
    """As the server holds it, not only as we ask for it."""
    indexes = opensearch.indices.get_mapping(index=f"{PREFIX}*")
    assert len(indexes) >= len(Kind) - 1
    for name, index in indexes.items():
        assert index["mappings"]["dynamic"] == "strict", name
        types = {field: how["type"] for field, how in index["mappings"]["properties"].items()}
        assert set(types.values()) == {"keyword", "text", "date", "long", "object"}, name
        whole = {field for field, kind in types.items() if kind == "long"}
        assert whole == {"height", "amount_step", "price_step"}, name
        for field in ("amount", "amount_key", "price", "price_key"):
            assert types[field] == "keyword", (name, field)
    assert {f for f, how in MAPPING["properties"].items() if how["type"] == "object"} == {"details"}


def test_a_field_that_the_mapping_lacks_is_refused_and_holds_up_no_other(parts: Parts) -> None:
    search = parts.stores()[0].search
    good, odd = trade(1, months_ago(0)).source(), trade(2, months_ago(0)).source()

    refused = search.write([odd | {"amount_float": 0.1}, good])

    assert [(each.kind, each.name) for each in refused] == [(Kind.TRADE, f"{MARKET}-2")]
    assert search.find(Kind.TRADE, [f"{MARKET}-1", f"{MARKET}-2"]).keys() == {f"{MARKET}-1"}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_newest_version_of_a_document_stays(parts: Parts, order: tuple[int, ...]) -> None:
    search, number = parts.stores()[0].search, 10 + sum(n * 3**i for i, n in enumerate(order))
    versions = [trade(number, months_ago(0), lots=n + 1, sequence=100 + n) for n in range(3)]

    for at in order:
        assert search.write([versions[at].source()]) == []

    name = f"{MARKET}-{number}"
    assert search.find(Kind.TRADE, [name])[name] == versions[2].source()


def test_trades_leave_the_index_by_whole_months_and_nothing_else_does(
    parts: Parts, opensearch: OpenSearch
) -> None:
    store = parts.stores()[0]
    aged = {number: trade(100 + number, months_ago(number)) for number in (0, 2, 5, 14)}
    assert store.search.write([each.source() for each in aged.values()]) == []
    old = document.Document(Kind.BLOCK, "bitcoin-aa", 1, int(months_ago(14).timestamp() * 1000), "")
    assert store.search.write([old.source()]) == []
    before = indexes(opensearch)

    SearchKeeper(parts).keep()

    oldest = oldest_month(datetime.now(UTC), 3)
    gone = {name for name in before if "-trade-" in name and name[-7:] < oldest}
    assert {name[-7:] for name in gone} == {month_of(aged[n].at_ms) for n in (5, 14)}
    assert indexes(opensearch) == before - gone
    found = store.search.find(Kind.TRADE, [each.id for each in aged.values()])
    assert found.keys() == {aged[0].id, aged[2].id}
    assert store.search.find(Kind.BLOCK, [old.id]).keys() == {old.id}


def test_searches_go_on_while_old_months_are_dropped(parts: Parts, opensearch: OpenSearch) -> None:
    search: SearchIndex = parts.stores()[0].search
    search.write([trade(200, months_ago(9)).source(), trade(201, months_ago(0)).source()])

    assert search.drop_older(Kind.TRADE, month_of(trade(0, months_ago(1)).at_ms)) != []

    query = {"query": {"terms": {"id": [f"{MARKET}-200", f"{MARKET}-201"]}}}
    answer: dict[str, Any] = opensearch.search(index=search.alias, body=query)
    assert [hit["_source"]["id"] for hit in answer["hits"]["hits"]] == [f"{MARKET}-201"]


def indexes(opensearch: OpenSearch) -> set[str]:
    return set(opensearch.indices.get_alias(index=f"{PREFIX}*"))
