"""Compares two generations of the tables item by item."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from storage.dynamo import Dynamo, Key
from storage.dynamo_tables import EXPIRY_ATTRIBUTE, PROJECTIONS, Table
from storage.dynamo_values import Item

NAMED_MAX = 10
"""Differences named per table and kind; the others are counted."""

_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one table. Keys are those of the first few."""

    table: str
    same: int
    only_old: int
    only_new: int
    changed: int
    named: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        return not (self.only_old or self.only_new or self.changed)


def compare(old: Dynamo, new: Dynamo, *, wait_seconds: float) -> Iterator[Difference]:
    """Both are read whole; some 100 bytes of memory for each item.

    Both are written meanwhile, one a moment before the other: what differs is read again until it
    agrees, at most for so long.
    """
    deadline = time.monotonic() + wait_seconds
    for table in PROJECTIONS:
        yield _compare(old, new, table, deadline)


def _compare(old: Dynamo, new: Dynamo, table: Table, deadline: float) -> Difference:
    before = _digests(old.scan(table))
    differing, same = set(before), 0
    for item in new.scan(table):
        key = _key(item)
        if _is_expired(item):
            differing.discard(key)
        elif before.get(key) == _digest(item):
            differing.discard(key)
            same += 1
        else:
            differing.add(key)
    count = len(differing)
    while True:
        sides = [_digests(each.get_many(table, differing).values()) for each in (old, new)]
        differing = {key for key in differing if sides[0].get(key) != sides[1].get(key)}
        if not differing or time.monotonic() > deadline:
            return _difference(table, same + count - len(differing), differing, *sides)
        time.sleep(_AGAIN_SECONDS)


def _difference(
    table: Table, same: int, differing: set[Key], old: dict[Key, bytes], new: dict[Key, bytes]
) -> Difference:
    only_old = sorted(differing - new.keys())
    only_new = sorted(differing - old.keys())
    changed = sorted(differing & old.keys() & new.keys())
    named = [
        f"{what} {pk} {sk}"
        for what, keys in (("changed", changed), ("only new", only_new), ("only old", only_old))
        for pk, sk in keys[:NAMED_MAX]
    ]
    return Difference(table.name, same, len(only_old), len(only_new), len(changed), tuple(named))


def _digests(items: Iterable[Item]) -> dict[Key, bytes]:
    return {_key(item): _digest(item) for item in items if not _is_expired(item)}


def _is_expired(item: Item) -> bool:
    """DynamoDB drops it when it comes to it: one side may be there already."""
    expires_at = item.get(EXPIRY_ATTRIBUTE)
    return expires_at is not None and int(expires_at) < time.time()


def _key(item: Item) -> Key:
    return item["pk"], item["sk"]


def _digest(item: Item) -> bytes:
    return blake2b(json.dumps(item, sort_keys=True).encode(), digest_size=16).digest()
