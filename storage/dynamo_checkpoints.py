"""How far the projections are: shards read, events applied, documents waiting, generations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from projections import ranges
from projections.ranges import Ranges
from storage.dynamo import Dynamo, Key, Span
from storage.dynamo_tables import CHECKPOINTS, EXPIRY_ATTRIBUTE
from storage.dynamo_values import Item

_SHARD_KEPT_SECONDS = 30 * 86_400
"""Longer than any stream keeps records: a shard that was closed is then forgotten."""

_WAITING_SPREAD = 16


@dataclass(frozen=True, slots=True)
class ShardPosition:
    """Where reading goes on after a restart, and how far behind it was when last looked at."""

    stream: str
    shard: str
    sequence_number: str
    """Of the last record done; empty before the first."""
    is_finished: bool
    behind_ms: int
    looked_at_ms: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Which of a market's events are applied. Holes are events that were dead-lettered or lost."""

    market: str
    epoch: int
    applied: Ranges
    last_event_us: int
    last_trade_id: int
    version: int

    @property
    def last_sequence(self) -> int:
        return self.applied[-1][1] if self.applied else 0

    @property
    def is_whole(self) -> bool:
        return ranges.holes(self.applied, 1) == ()


@dataclass(frozen=True, slots=True)
class Generations:
    """Which generation of tables and indexes serves reads, and which is being built beside it."""

    serving: int = 1
    building: int | None = None
    newest: int = 1
    """Highest number ever given: one that was thrown away is not given again, for processes
    remember what they wrote to it.
    """

    @property
    def alive(self) -> tuple[int, ...]:
        return (self.serving,) if self.building is None else (self.serving, self.building)


def read_positions(dynamo: Dynamo, stream: str) -> dict[str, ShardPosition]:
    """Positions of a stream's shards by shard id."""
    items = dynamo.query_all(CHECKPOINTS, f"shards#{stream}")
    return {item["sk"]: _to_position(item) for item in items}


def write_position(dynamo: Dynamo, position: ShardPosition) -> None:
    dynamo.put_many(
        CHECKPOINTS,
        [
            {
                "pk": f"shards#{position.stream}",
                "sk": position.shard,
                "sequence_number": position.sequence_number,
                "is_finished": position.is_finished,
                "behind_ms": position.behind_ms,
                "looked_at_ms": position.looked_at_ms,
                EXPIRY_ATTRIBUTE: position.looked_at_ms // 1000 + _SHARD_KEPT_SECONDS,
            }
        ],
    )


def read_progress(dynamo: Dynamo, market: str) -> Progress:
    item = dynamo.get(CHECKPOINTS, _progress_key(dynamo, market))
    return _to_progress(item) if item else Progress(market, 0, (), 0, 0, 0)


def write_progress(dynamo: Dynamo, before: Progress, after: Progress) -> bool:
    """Write `after` if nobody else wrote since `before` was read."""
    pk, sk = _progress_key(dynamo, after.market)
    item = {
        "pk": pk,
        "sk": sk,
        "market": after.market,
        "epoch": after.epoch,
        "applied": [list(run) for run in after.applied],
        "last_event_us": after.last_event_us,
        "last_trade_id": after.last_trade_id,
        "version": before.version + 1,
    }
    expected = before.version or None
    return dynamo.put_if_unchanged(CHECKPOINTS, [(item, "version", expected)])[0]


def all_progress(dynamo: Dynamo) -> list[Progress]:
    """Of every market in this generation."""
    items = dynamo.query_all(CHECKPOINTS, _progress_key(dynamo, "")[0])
    return [_to_progress(item) for item in items]


def read_fills_cursor(dynamo: Dynamo, market: str) -> int:
    """Number of the last trade whose fills are in this generation."""
    item = dynamo.get(CHECKPOINTS, (f"fills#{dynamo.generation}", market))
    return int(item["trade_id"]) if item else 0


def write_fills_cursor(dynamo: Dynamo, market: str, trade_id: int) -> None:
    item = {"pk": f"fills#{dynamo.generation}", "sk": market, "trade_id": trade_id}
    dynamo.put_many(CHECKPOINTS, [item])


def read_generations(dynamo: Dynamo) -> Generations:
    item = dynamo.get(CHECKPOINTS, ("generations", "generations"))
    if item is None:
        return Generations()
    serving, building = item["serving"], item.get("building")
    newest = max(serving, building or 0, item.get("newest", 0))
    return Generations(serving, building, newest)


def write_generations(dynamo: Dynamo, generations: Generations) -> None:
    item = {
        "pk": "generations",
        "sk": "generations",
        "serving": generations.serving,
        "building": generations.building,
        "newest": generations.newest,
    }
    dynamo.put_many(CHECKPOINTS, [item])


def forget_generation(dynamo: Dynamo) -> None:
    """Remove what is kept about a generation whose tables are dropped."""
    partitions = [f"progress#{dynamo.generation}", f"fills#{dynamo.generation}"]
    partitions += [_waiting_key(dynamo, part) for part in range(_WAITING_SPREAD)]
    for partition in partitions:
        items = dynamo.query_all(CHECKPOINTS, partition)
        dynamo.delete_many(CHECKPOINTS, [(item["pk"], item["sk"]) for item in items])


def put_waiting(dynamo: Dynamo, documents: Iterable[tuple[str, int, str]]) -> None:
    """Keep (name, version, body) for the search index until it can take them."""
    dynamo.put_many(
        CHECKPOINTS,
        [
            {
                "pk": _waiting_key(dynamo, _part(name)),
                "sk": f"{name}#{version:022}",
                "body": body,
            }
            for name, version, body in documents
        ],
    )


def read_waiting(dynamo: Dynamo, *, limit: int = 500) -> list[tuple[Key, str]]:
    """Some of the waiting documents, each with the key to delete it by."""
    found: list[Item] = []
    for part in range(_WAITING_SPREAD):
        span = Span(limit=limit - len(found))
        found += dynamo.query(CHECKPOINTS, _waiting_key(dynamo, part), span).items
        if len(found) >= limit:
            break
    return [((item["pk"], item["sk"]), item["body"]) for item in found]


def delete_waiting(dynamo: Dynamo, keys: Sequence[Key]) -> None:
    dynamo.delete_many(CHECKPOINTS, keys)


def write_listings(dynamo: Dynamo, listings: object) -> None:
    """Keep the assets and markets for processors that do not reach Postgres."""
    body = json.dumps(listings)
    dynamo.put_many(CHECKPOINTS, [{"pk": "listings", "sk": "listings", "body": body}])


def read_listings(dynamo: Dynamo) -> object | None:
    item = dynamo.get(CHECKPOINTS, ("listings", "listings"))
    listings: object = json.loads(item["body"]) if item else None
    return listings


def _progress_key(dynamo: Dynamo, market: str) -> Key:
    return f"progress#{dynamo.generation}", market


def _waiting_key(dynamo: Dynamo, part: int) -> str:
    return f"waiting#{dynamo.generation}#{part}"


def _part(name: str) -> int:
    return blake2b(name.encode(), digest_size=1).digest()[0] % _WAITING_SPREAD


def _to_position(item: Item) -> ShardPosition:
    return ShardPosition(
        item["pk"].removeprefix("shards#"),
        item["sk"],
        item["sequence_number"],
        item["is_finished"],
        item["behind_ms"],
        item["looked_at_ms"],
    )


def _to_progress(item: Item) -> Progress:
    return Progress(
        item["market"],
        item["epoch"],
        tuple((first, last) for first, last in item["applied"]),
        item["last_event_us"],
        item["last_trade_id"],
        item["version"],
    )
