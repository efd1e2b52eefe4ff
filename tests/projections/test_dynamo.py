"""DynamoDB as the projections use it: conditions, pages, throttling, and what expires."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from activities.projecting.reading import read
from domain.errors import InvalidInput
from projections.candle import STORED, Interval, open_at_ms
from storage import dynamo as dynamo_module
from storage.dynamo import Dynamo, Span
from storage.dynamo_candles import KEPT_SECONDS, add_to_candles
from storage.dynamo_checkpoints import ShardPosition, write_position
from storage.dynamo_tables import (
    BY_CUSTOMER,
    CANDLES,
    CHECKPOINTS,
    EXPIRY_ATTRIBUTE,
    ORDERS,
    TABLES,
    TRADES,
    create_table,
)
from streams.aws import client
from tests.projections.conftest import until
from tests.projections.histories import START_US, market_record
from tests.projections.test_processor import traded

pytestmark = pytest.mark.stack

PREFIX = "plain-"


@pytest.fixture(scope="module")
def dynamo(aws: dict[str, str]) -> Dynamo:
    for table in TABLES:
        create_table(client("dynamodb"), table, PREFIX)
    return Dynamo(client("dynamodb"), PREFIX)


def test_of_many_writers_of_one_version_one_wins(dynamo: Dynamo) -> None:
    """Each reads what stands and writes one more, as candles and progress are written."""

    def add_one(_: int) -> None:
        while True:
            item = dynamo.get(CANDLES, ("counted", "1"))
            count = item["n"] if item else None
            counted = {"pk": "counted", "sk": "1", "n": (count or 0) + 1}
            if dynamo.put_if_unchanged(CANDLES, [(counted, "n", count)])[0]:
                return

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(40)))

    assert dynamo.get(CANDLES, ("counted", "1")) == {"pk": "counted", "sk": "1", "n": 40}


def test_an_older_version_never_replaces_a_newer_one(dynamo: Dynamo) -> None:
    versions = [{"pk": "versioned", "sk": "1", "version": n} for n in (3, 9, 5, 9, 1)]

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda item: dynamo.put_newer(TRADES, [item]), versions))

    assert dynamo.put_newer(TRADES, versions) == [False] * 5
    assert dynamo.get(TRADES, ("versioned", "1")) == versions[1]


@pytest.mark.parametrize("descending", [False, True])
def test_pages_hold_every_item_once_in_their_order(dynamo: Dynamo, *, descending: bool) -> None:
    items = [
        {"pk": f"order#{n}", "sk": "1", "customer_pk": "7#0", "customer_sk": f"{n:020}"}
        for n in range(1, 24)
    ]
    dynamo.put_many(ORDERS, items)

    found: list[str] = []
    cursor: str | None = None
    while True:
        span = Span(limit=5, descending=descending, cursor=cursor)
        page = dynamo.query(ORDERS, "7#0", span, BY_CUSTOMER)
        found += [item["pk"] for item in page.items]
        cursor = page.cursor
        if cursor is None:
            break

    assert found == [item["pk"] for item in (reversed(items) if descending else items)]


@pytest.mark.parametrize("cursor", ["nonsense", "bm9uc2Vuc2U", "e30"])
def test_a_cursor_that_is_not_ours_is_bad_input(dynamo: Dynamo, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        dynamo.query(ORDERS, "7#0", Span(cursor=cursor), BY_CUSTOMER)


class Throttled:
    """A DynamoDB that takes one request of a call and gives the others back, as a hot one does."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def batch_write_item(self, RequestItems: Mapping[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's
        self.calls += 1
        [(table, requests)] = RequestItems.items()
        self._dynamodb.batch_write_item(RequestItems={table: requests[:1]})
        return {"UnprocessedItems": {table: requests[1:]} if requests[1:] else {}}

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's
        self.calls += 1
        [(table, wanted)] = RequestItems.items()
        first, rest = wanted["Keys"][:1], wanted["Keys"][1:]
        answer = self._dynamodb.batch_get_item(RequestItems={table: {**wanted, "Keys": first}})
        unread = {table: {**wanted, "Keys": rest}} if rest else {}
        return {"Responses": answer["Responses"], "UnprocessedKeys": unread}


def test_what_dynamodb_gives_back_is_written_and_read_until_all_is(
    dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamo_module, "BACKOFF_SECONDS_MIN", 0.0)
    throttled = Throttled(client("dynamodb"))
    patient = Dynamo(throttled, PREFIX)  # type: ignore[arg-type]
    items = [{"pk": "hot", "sk": f"{n:03}"} for n in range(30)]

    patient.put_many(TRADES, items)
    found = patient.get_many(TRADES, [(item["pk"], item["sk"]) for item in items])

    assert sorted(found.values(), key=lambda item: str(item["sk"])) == items
    assert throttled.calls == 60, "one item a call"


def test_every_table_that_expires_says_so_and_no_other_does(dynamo: Dynamo) -> None:
    for table in TABLES:
        answer = client("dynamodb").describe_time_to_live(TableName=dynamo.name(table))
        said = answer["TimeToLiveDescription"]
        assert (said.get("TimeToLiveStatus") == "ENABLED") == table.has_expiry, table.name
        if table.has_expiry:
            assert said["AttributeName"] == EXPIRY_ATTRIBUTE


def test_only_what_is_meant_to_expires(dynamo: Dynamo) -> None:
    """What each item says of itself, as DynamoDB reads it."""
    [market] = read([market_record(0, traded(1))]).markets.values()
    add_to_candles(dynamo, market.trades)
    position = ShardPosition("s", "0", "1", is_finished=True, behind_ms=0, looked_at_ms=5_000)
    write_position(dynamo, position)

    says = {
        item["pk"].split("#")[1]: item.get(EXPIRY_ATTRIBUTE)
        for item in dynamo.scan(CANDLES)
        if item["pk"].startswith("BTC-USDT#")
    }
    opened = {interval: open_at_ms(interval, START_US // 1000) // 1000 for interval in STORED}
    assert says == {
        interval: opened[interval] + KEPT_SECONDS[interval] if interval in KEPT_SECONDS else None
        for interval in STORED
    }
    assert KEPT_SECONDS.keys() == {Interval.SECOND, Interval.MINUTE}
    kept = dynamo.get(CHECKPOINTS, ("shards#s", "0"))
    assert kept is not None
    assert kept[EXPIRY_ATTRIBUTE] == 5 + 30 * 86_400


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("RIALTO_TEST_ALL"), reason="the emulator looks once a minute: make test-all"
)
def test_what_is_past_its_time_is_dropped_and_nothing_else(dynamo: Dynamo) -> None:
    now = int(time.time())
    dynamo.put_many(
        CANDLES,
        [
            {"pk": "expiring", "sk": "past", EXPIRY_ATTRIBUTE: now - 1},
            {"pk": "expiring", "sk": "future", EXPIRY_ATTRIBUTE: now + 86_400},
            {"pk": "expiring", "sk": "lasting"},
        ],
    )
    dynamo.put_many(TRADES, [{"pk": "expiring", "sk": "no expiry", EXPIRY_ATTRIBUTE: now - 1}])

    def left() -> list[str]:
        return [item["sk"] for item in dynamo.query_all(CANDLES, "expiring")]

    until(lambda: left() == ["future", "lasting"], "the expired candle is dropped")

    assert dynamo.get(TRADES, ("expiring", "no expiry")) is not None
