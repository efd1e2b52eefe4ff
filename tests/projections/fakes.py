"""DynamoDB and the search index as dictionaries, with the same conditions and versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from activities.projecting.reading import Poison
from projections.document import Kind
from storage.dynamo import Dynamo, Key, Page, Span
from storage.dynamo_tables import Index, Table
from storage.dynamo_values import Item, from_item, to_item
from storage.search_index import DocumentRefused, SearchIndex, SearchUnavailable, Source


class Crashed(Exception):
    """The process died here."""


class MemoryDynamo(Dynamo):
    """Keeps typed items, so that what DynamoDB would refuse fails here too."""

    def __init__(self, generation: int = 1) -> None:
        self.generation = generation
        self.tables: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        self._writes_left: int | None = None
        self.order: Callable[[list[Callable[[], object]]], list[Callable[[], object]]] = list
        """In which order writes that need not follow each other are made."""

    def crash_after(self, writes: int | None) -> None:
        self._writes_left = writes

    def side_by_side(self, *writes: Callable[[], object]) -> None:
        for write in self.order(list(writes)):
            write()

    def contents(self, table: Table) -> dict[Key, Item]:
        return {key: from_item(item) for key, item in sorted(self._items(table).items())}

    def put_many(self, table: Table, items: Iterable[Mapping[str, Any]]) -> None:
        for item in items:
            if self._writes_left is not None:
                if self._writes_left == 0:
                    raise Crashed
                self._writes_left -= 1
            self._items(table)[_key(item)] = to_item(item)

    def put_newer(self, table: Table, items: Iterable[Mapping[str, Any]]) -> list[bool]:
        taken = []
        for item in items:
            stored = self._items(table).get(_key(item))
            taken.append(stored is None or int(stored["version"]["N"]) < item["version"])
            if taken[-1]:
                self.put_many(table, [item])
        return taken

    def put_if_unchanged(
        self, table: Table, puts: Iterable[tuple[Mapping[str, Any], str, int | None]]
    ) -> list[bool]:
        taken = []
        for item, attribute, expected in puts:
            stored = self._items(table).get(_key(item))
            now = None if stored is None else int(stored[attribute]["N"])
            taken.append(now == expected)
            if taken[-1]:
                self.put_many(table, [item])
        return taken

    def delete_many(self, table: Table, keys: Iterable[Key]) -> None:
        for key in keys:
            self._items(table).pop(key, None)

    def get_many(self, table: Table, keys: Iterable[Key]) -> dict[Key, Item]:
        stored = self._items(table)
        return {key: from_item(stored[key]) for key in keys if key in stored}

    def get(self, table: Table, key: Key) -> Item | None:
        return self.get_many(table, [key]).get(key)

    def query(self, table: Table, pk: str, span: Span, index: Index | None = None) -> Page:
        names = (index.pk, index.sk) if index else ("pk", "sk")
        found = [
            item
            for item in map(from_item, self._items(table).values())
            if item.get(names[0]) == pk
            and span.low <= item[names[1]]
            and (not span.high or item[names[1]] <= span.high)
        ]
        found.sort(key=lambda item: str(item[names[1]]), reverse=span.descending)
        return Page(found[: span.limit], None)

    def query_each(self, table: Table, pks: Sequence[str]) -> list[list[Item]]:
        return [self.query_all(table, pk) for pk in pks]

    def scan(self, table: Table) -> Iterator[Item]:
        yield from list(self.contents(table).values())

    def _items(self, table: Table) -> dict[Key, Any]:
        return self.tables[table.name]


class MemorySearch(SearchIndex):
    """Keeps the newest version of each document; can be away."""

    def __init__(self) -> None:
        self.generation = 1
        self.documents: dict[tuple[str, str], Source] = {}
        self.is_away = False

    def write(self, sources: Sequence[Source]) -> list[DocumentRefused]:
        if self.is_away:
            raise SearchUnavailable("away")
        for source in sources:
            Kind(source["kind"])
            key = (source["kind"], source["id"])
            stored = self.documents.get(key)
            if stored is None or int(stored["version"]) <= int(source["version"]):
                self.documents[key] = source
        return []


class KeptLetters:
    """Dead letters in a list."""

    def __init__(self) -> None:
        self.poisons: list[Poison] = []
        self.documents: list[DocumentRefused] = []

    def send(self, poisons: Sequence[Poison]) -> None:
        self.poisons += poisons

    def send_documents(self, generation: int, refused: Sequence[DocumentRefused]) -> None:
        self.documents += refused


def _key(item: Mapping[str, Any]) -> Key:
    return item["pk"], item.get("sk", "")
