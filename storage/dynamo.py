"""Reads and writes the projections' tables in batches. Blocking: call it from a thread.

While a rebuild runs there are two generations of every projection table; one Dynamo is one of them.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from domain.errors import InvalidInput
from storage.dynamo_tables import PROJECTIONS, Index, Table, create_table, drop_tables
from storage.dynamo_values import Item, from_item, to_item, to_value

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

WRITES_PER_CALL = 25
READS_PER_CALL = 100
BACKOFF_SECONDS_MIN = 0.05
BACKOFF_SECONDS_MAX = 2.0
THREADS = 8
"""Calls in flight: DynamoDB answers in milliseconds, so a few hide the way there and back."""

Key = tuple[str, str]
"""Partition key and sort key."""


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Item]
    cursor: str | None
    """Opaque; give it back to read on. None at the end."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of a partition to read: sort keys from `low` to `high`, both included."""

    low: str = ""
    high: str = ""
    descending: bool = False
    limit: int = 100
    cursor: str | None = None


class Dynamo:
    """One set of tables. Share it between threads."""

    def __init__(self, dynamodb: DynamoDBClient, prefix: str, generation: int = 1) -> None:
        self._dynamodb = dynamodb
        self._prefix = prefix
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dynamo")
        # Apart from those that make single calls: who waits for calls must not take their threads.
        self._sides = ThreadPoolExecutor(THREADS, thread_name_prefix="dynamo-side")
        self.generation = generation

    def of_generation(self, generation: int) -> Dynamo:
        return Dynamo(self._dynamodb, self._prefix, generation)

    def create_tables(self) -> None:
        """Make this generation's tables; those that exist stay."""
        for table in PROJECTIONS:
            create_table(self._dynamodb, table, self._prefix, self.generation)

    def drop_tables(self) -> None:
        drop_tables(self._dynamodb, self._prefix, self.generation)

    def name(self, table: Table) -> str:
        return table.full_name(self._prefix, self.generation)

    def side_by_side(self, *writes: Callable[[], object]) -> None:
        """Make writes that need not follow each other; raises what one of them raised, at the end.

        Each batch of events waits for as many answers as it has writes one after another.
        """
        running = [self._sides.submit(write) for write in writes]
        wait(running)
        for each in running:
            each.result()

    def put_many(self, table: Table, items: Iterable[Mapping[str, Any]]) -> None:
        """Write items; a later one with the same key wins. Returns when all of them are stored."""
        unique = {(item["pk"], item.get("sk", "")): item for item in items}
        requests = [{"PutRequest": {"Item": to_item(item)}} for item in unique.values()]
        self._write(table, requests)

    def delete_many(self, table: Table, keys: Iterable[Key]) -> None:
        requests = [{"DeleteRequest": {"Key": _key(key)}} for key in set(keys)]
        self._write(table, requests)

    def put_newer(self, table: Table, items: Iterable[Mapping[str, Any]]) -> list[bool]:
        """Write each item unless one of the same or a higher `version` stands; which were taken."""
        condition = {
            "ConditionExpression": "attribute_not_exists(pk) OR #v < :version",
            "ExpressionAttributeNames": {"#v": "version"},
        }

        def put(item: Mapping[str, Any]) -> bool:
            values = {":version": to_value(item["version"])}
            return self._put(table, item, condition | {"ExpressionAttributeValues": values})

        return list(self._threads.map(put, items))

    def put_if_unchanged(
        self, table: Table, puts: Iterable[tuple[Mapping[str, Any], str, int | None]]
    ) -> list[bool]:
        """Write each item if the stored attribute is what we read (None: no item); which were."""

        def put(change: tuple[Mapping[str, Any], str, int | None]) -> bool:
            item, attribute, expected = change
            condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
            if expected is not None:
                condition = {
                    "ConditionExpression": "#a = :expected",
                    "ExpressionAttributeNames": {"#a": attribute},
                    "ExpressionAttributeValues": {":expected": to_value(expected)},
                }
            return self._put(table, item, condition)

        return list(self._threads.map(put, puts))

    def get_many(self, table: Table, keys: Iterable[Key]) -> dict[Key, Item]:
        """Those of the items that exist; consistent reads."""
        name = self.name(table)
        calls = [
            {name: {"Keys": [_key(key) for key in chunk], "ConsistentRead": True}}
            for chunk in _chunks(list(dict.fromkeys(keys)), READS_PER_CALL)
        ]
        found = [item for items in self._threads.map(self._read, calls) for item in items]
        return {(item["pk"], item.get("sk", "")): item for item in found}

    def get(self, table: Table, key: Key) -> Item | None:
        answer = self._dynamodb.get_item(
            TableName=self.name(table), Key=_key(key), ConsistentRead=True
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def query(self, table: Table, pk: str, span: Span, index: Index | None = None) -> Page:
        """One page of a partition, in sort-key order."""
        request = _query_request(self.name(table), pk, span, index)
        try:
            answer = self._dynamodb.query(**request)
        except ClientError as error:
            if span.cursor and error.response["Error"]["Code"] == "ValidationException":
                raise InvalidInput("that cursor is not of this list", field="cursor") from None
            raise
        items = [from_item(item) for item in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        return Page(items, _to_cursor(last) if last else None)

    def query_all(self, table: Table, pk: str, low: str = "", high: str = "") -> list[Item]:
        """A whole partition, or its part from `low` to `high`: for partitions bounded by design."""
        items: list[Item] = []
        cursor: str | None = None
        while True:
            page = self.query(table, pk, Span(low=low, high=high, limit=1000, cursor=cursor))
            items += page.items
            cursor = page.cursor
            if cursor is None:
                return items

    def query_each(self, table: Table, pks: Sequence[str]) -> list[list[Item]]:
        """Whole partitions side by side."""
        return list(self._threads.map(lambda pk: self.query_all(table, pk), pks))

    def scan(self, table: Table) -> Iterator[Item]:
        """Every item, in no order."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self.name(table))
        for page in pages:
            yield from (from_item(item) for item in page["Items"])

    def _write(self, table: Table, requests: list[dict[str, Any]]) -> None:
        calls = [{self.name(table): chunk} for chunk in _chunks(requests, WRITES_PER_CALL)]
        for _ in self._threads.map(self._write_call, calls):
            pass  # Raises here what a call raised.

    def _put(self, table: Table, item: Mapping[str, Any], condition: dict[str, Any]) -> bool:
        try:
            self._dynamodb.put_item(TableName=self.name(table), Item=to_item(item), **condition)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _write_call(self, pending: dict[str, Any]) -> None:
        delay_seconds = BACKOFF_SECONDS_MIN
        while True:
            pending = self._dynamodb.batch_write_item(RequestItems=pending)["UnprocessedItems"]
            if not pending:
                return
            sleep(delay_seconds)  # Throttled: DynamoDB took a part and says which not.
            delay_seconds = min(2 * delay_seconds, BACKOFF_SECONDS_MAX)

    def _read(self, pending: dict[str, Any]) -> list[Item]:
        items: list[Item] = []
        delay_seconds = BACKOFF_SECONDS_MIN
        while True:
            answer = self._dynamodb.batch_get_item(RequestItems=pending)
            for found in answer["Responses"].values():
                items += [from_item(item) for item in found]
            pending = dict(answer["UnprocessedKeys"])
            if not pending:
                return items
            sleep(delay_seconds)
            delay_seconds = min(2 * delay_seconds, BACKOFF_SECONDS_MAX)


def _key(key: Key) -> dict[str, Any]:
    pk, sk = key
    return {"pk": {"S": pk}} | ({"sk": {"S": sk}} if sk else {})


def _query_request(name: str, pk: str, span: Span, index: Index | None) -> dict[str, Any]:
    names = {"#pk": index.pk if index else "pk"}
    values = {":pk": {"S": pk}}
    condition = "#pk = :pk"
    if span.low or span.high:
        names["#sk"] = index.sk if index else "sk"
        bounds = {":low": span.low, ":high": span.high}
        values |= {name: {"S": text} for name, text in bounds.items() if text}
        comparison = "<= :high" if not span.low else ">= :low"
        comparison = "BETWEEN :low AND :high" if span.low and span.high else comparison
        condition += f" AND #sk {comparison}"
    request: dict[str, Any] = {
        "TableName": name,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ScanIndexForward": not span.descending,
        "Limit": span.limit,
    }
    if index:
        request["IndexName"] = index.name
    else:
        request["ConsistentRead"] = True
    if span.cursor:
        request["ExclusiveStartKey"] = _from_cursor(span.cursor)
    return request


def _to_cursor(last: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(last, sort_keys=True).encode()).decode().rstrip("=")


def _from_cursor(cursor: str) -> dict[str, Any]:
    try:
        key = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        assert isinstance(key, dict)
        assert key, "an empty one would begin anew"
    except (ValueError, AssertionError):
        raise InvalidInput("that cursor was not given out by us", field="cursor") from None
    return key


def _chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
