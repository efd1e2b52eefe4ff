"""The search index against the tables it is filled from."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from typing import TypeAlias

from activities.projecting.audit.check import Suspect, differing, pages
from activities.projecting.refilling import documents, documents_of
from activities.projecting.store import Store
from projections.document import Document, Kind
from projections.listings import Listings
from storage.search_index import MONTHLY, Source, month_of

DocumentKey: TypeAlias = tuple[Kind, str]


class DocumentsCheck:
    """Every document of the tables is findable as it is, and nothing else is."""

    name = "search index = projections"

    def __init__(self, store: Store, listings: Listings, oldest_month: str) -> None:
        """Trades before that month have left the index."""
        self._store = store
        self._listings = listings
        self._oldest_month = oldest_month

    async def first(self) -> AsyncIterator[Suspect]:
        await asyncio.to_thread(self._store.search.refresh)
        seen: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        async for page in pages(self._expected(documents(self._store, self._listings))):
            for each in page:
                seen[each.kind].add(each.id)
            for suspect in await asyncio.to_thread(self._compare, page):
                yield suspect
        for kind in Kind:
            if await asyncio.to_thread(self._store.search.count, kind) == len(seen[kind]):
                continue
            async for sources in pages(self._store.search.scan(kind)):
                unseen = {source["id"] for source in sources} - seen[kind]
                for suspect in await self.again([(kind, each) for each in unseen]):
                    yield suspect

    async def again(self, keys: Collection[DocumentKey]) -> list[Suspect]:
        return await asyncio.to_thread(self._look_again, keys)

    def _look_again(self, keys: Collection[DocumentKey]) -> list[Suspect]:
        self._store.search.refresh()
        by_kind: defaultdict[Kind, list[str]] = defaultdict(list)
        for kind, each in keys:
            by_kind[kind].append(each)
        suspects = []
        for kind, ids in by_kind.items():
            for start in range(0, len(ids), 500):
                page = ids[start : start + 500]
                known = documents_of(self._store, self._listings, kind, page)
                expected = list(self._expected(known))
                suspects += self._compare(expected)
                surplus = set(page) - {each.id for each in expected}
                suspects += [
                    Suspect((kind, each), f"{kind} {each}", "is findable, but in no table")
                    for each in self._store.search.find(kind, sorted(surplus))
                ]
        return suspects

    def _expected(self, found: Iterable[Document]) -> Iterable[Document]:
        for each in found:
            if each.kind not in MONTHLY or month_of(each.at_ms) >= self._oldest_month:
                yield each

    def _compare(self, expected: list[Document]) -> list[Suspect]:
        found: dict[DocumentKey, Source] = {}
        for kind in {each.kind for each in expected}:
            ids = [each.id for each in expected if each.kind is kind]
            for name, source in self._store.search.find(kind, ids).items():
                found[kind, name] = source
        suspects = []
        for each in expected:
            key = (each.kind, each.id)
            known = found.get(key)
            detail = "is not findable" if known is None else differing(each.source(), known)
            if detail:
                suspects.append(Suspect(key, f"{each.kind} {each.id}", detail))
        return suspects
