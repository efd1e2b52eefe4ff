"""Compares two generations of the tables item by item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from storage.dynamo import Dynamo, Key
from storage.dynamo_tables import PROJECTIONS, Table
from storage.dynamo_values import Item

NAMED_MAX = 10
"""Differences named per table and kind; the others are counted."""


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


def compare(old: Dynamo, new: Dynamo) -> Iterator[Difference]:
    """Both are read whole; 32 bytes of memory for each item."""
    for table in PROJECTIONS:
        yield _compare(old, new, table)


def _compare(old: Dynamo, new: Dynamo, table: Table) -> Difference:
    known = {_key(item): _digest(item) for item in old.scan(table)}
    same = 0
    only_new: list[Key] = []
    changed: list[Key] = []
    for item in new.scan(table):
        key = _key(item)
        before = known.pop(key, None)
        if before is None:
            only_new.append(key)
        elif before == _digest(item):
            same += 1
        else:
            changed.append(key)
    named = [f"changed {pk} {sk}" for pk, sk in changed[:NAMED_MAX]]
    named += [f"only new {pk} {sk}" for pk, sk in only_new[:NAMED_MAX]]
    named += [f"only old {pk} {sk}" for pk, sk in list(known)[:NAMED_MAX]]
    return Difference(table.name, same, len(known), len(only_new), len(changed), tuple(named))


def _key(item: Item) -> Key:
    return item["pk"], item["sk"]


def _digest(item: Item) -> bytes:
    return blake2b(json.dumps(item, sort_keys=True).encode(), digest_size=16).digest()
