"""The search index: versioned templates, one alias to read by, bulk writes that newer versions win.

Names say everything: `rialto-trade-v1-g2-2026.11` holds trades of November by mapping version 1 in
generation 2. Which index a document belongs to follows from the document alone, so writing it again
finds it. The alias `rialto-search` stands on the generation that serves and is moved in one step.
Writes go through an alias of each index: a server that lost its indexes then refuses, and does not
make new ones with a mapping of its own guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from opensearchpy import OpenSearch, TransportError

from projections.document import Kind

MAPPING_VERSION = 2
"""Raise it with every change of MAPPING; `rialto projections reindex` fills the new indexes."""
STEPS_SINCE = 2
"""The first mapping with `amount_step` and `price_step`."""

BULK_DOCUMENTS = 1000
MONTHLY = frozenset({Kind.TRADE})
"""Cut by month, so that old ones are dropped as whole indexes."""

_KEYWORD = {"type": "keyword", "ignore_above": 512}
MAPPING: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "kind": _KEYWORD,
        "id": _KEYWORD,
        "version": {"type": "keyword", "index": False, "doc_values": False},
        "at_ms": {"type": "date", "format": "epoch_millis"},
        "changed_at_ms": {"type": "date", "format": "epoch_millis"},
        "text": {"type": "text"},
        "owners": _KEYWORD,
        "status": _KEYWORD,
        "asset": _KEYWORD,
        "amount": _KEYWORD,
        "amount_key": _KEYWORD,
        "amount_step": {"type": "long"},
        "chain": _KEYWORD,
        "txid": _KEYWORD,
        "addresses": _KEYWORD,
        "height": {"type": "long"},
        "block_hash": _KEYWORD,
        "market": _KEYWORD,
        "side": _KEYWORD,
        "price": _KEYWORD,
        "price_key": _KEYWORD,
        "price_step": {"type": "long"},
        "order_ids": _KEYWORD,
        "details": {"type": "object", "enabled": False},
    },
}


class SearchUnavailable(Exception):
    """The index does not answer or is overloaded; the same documents may be sent again."""


class DocumentRefused(Exception):
    """The index will never take this document as it is."""

    def __init__(self, kind: Kind, name: str, reason: str) -> None:
        super().__init__(f"{kind} {name}: {reason}")
        self.kind = kind
        self.name = name
        self.reason = reason


Source = dict[str, Any]
"""The body of a document: Document.source()."""


class SearchIndex:
    """One generation of the indexes. Blocking; share it between threads."""

    def __init__(
        self,
        opensearch: OpenSearch,
        prefix: str = "rialto-",
        generation: int = 1,
        *,
        shards: int = 1,
        replicas: int = 0,
    ) -> None:
        self._opensearch = opensearch
        self._prefix = prefix
        self._settings = {"number_of_shards": shards, "number_of_replicas": replicas}
        self._known: set[str] = set()
        self.generation = generation

    @property
    def alias(self) -> str:
        return f"{self._prefix}search"

    def of_generation(self, generation: int) -> SearchIndex:
        other = SearchIndex(self._opensearch, self._prefix, generation)
        other._settings = self._settings
        return other

    def prepare(self, *, serves: bool) -> None:
        """Make this generation's template and lasting indexes; those that exist stay."""
        aliases: dict[str, Any] = {self.alias: {}} if serves else {}
        template = {
            "index_patterns": self._patterns,
            "version": MAPPING_VERSION,
            "priority": 100,
            "template": {
                "settings": self._settings,
                "mappings": MAPPING,
                "aliases": aliases,
            },
        }
        self._known.clear()
        with _faults():
            self._opensearch.indices.put_index_template(name=self._template, body=template)
            for kind in Kind:
                if kind not in MONTHLY:
                    self._create(self._index(kind, 0))

    def is_filled(self) -> bool:
        """Whether this generation was filled: a server without a disk forgets it at a restart."""
        with _faults():
            return bool(self._opensearch.indices.exists_alias(name=f"{self._template}-filled"))

    def mark_filled(self) -> None:
        """Everything there is was written; from now on only what is new must be."""
        with _faults():
            self._opensearch.indices.put_alias(
                index=self._index(Kind.ORDER, 0), name=f"{self._template}-filled"
            )

    def write(self, sources: Sequence[Source]) -> list[DocumentRefused]:
        """Index documents; of two versions the newer stays. Returns those that never will fit.

        Raises SearchUnavailable when some may not be stored; all of them may be sent again.
        """
        refused: list[DocumentRefused] = []
        for start in range(0, len(sources), BULK_DOCUMENTS):
            refused += self._write(sources[start : start + BULK_DOCUMENTS])
        return refused

    def refresh(self) -> None:
        """Make what was written findable now; OpenSearch does it by itself every second."""
        with _faults():
            self._opensearch.indices.refresh(index=",".join(self._patterns))

    def count(self, kind: Kind) -> int:
        with _faults():
            answer = self._opensearch.count(
                index=self._family(kind), params={"ignore_unavailable": "true"}
            )
        return int(answer["count"])

    def find(self, kind: Kind, ids: Sequence[str]) -> dict[str, Source]:
        """Those of at most BULK_DOCUMENTS documents that are findable, by id."""
        assert len(ids) <= BULK_DOCUMENTS
        with _faults():
            answer = self._opensearch.search(
                index=self._family(kind),
                body={"size": len(ids), "query": {"terms": {"id": list(ids)}}},
                params={"ignore_unavailable": "true", "allow_no_indices": "true"},
            )
        return {hit["_source"]["id"]: hit["_source"] for hit in answer["hits"]["hits"]}

    def scan(self, kind: Kind) -> Iterator[Source]:
        """Every document of a kind, by id."""
        after: list[Any] | None = None
        while True:
            body: dict[str, Any] = {"size": BULK_DOCUMENTS, "sort": [{"id": "asc"}]}
            if after is not None:
                body["search_after"] = after
            with _faults():
                answer = self._opensearch.search(
                    index=self._family(kind), body=body, params={"ignore_unavailable": "true"}
                )
            hits = answer["hits"]["hits"]
            if not hits:
                return
            yield from (hit["_source"] for hit in hits)
            after = hits[-1]["sort"]

    def serve(self) -> None:
        """Point the alias at this generation, and at no other, in one step."""
        self.prepare(serves=True)  # Indexes that are made from now on join the alias themselves.
        with _faults():
            others = self._aliased() - self._indexes()
            actions: list[dict[str, Any]] = [
                {"add": {"index": index, "alias": self.alias}} for index in self._indexes()
            ]
            actions += [{"remove": {"index": index, "alias": self.alias}} for index in others]
            self._opensearch.indices.update_aliases(body={"actions": actions})

    def is_served(self) -> bool:
        """Whether anything answers searches: this generation and mapping, or another."""
        with _faults():
            return bool(self._aliased())

    def drop_other_mappings(self) -> list[str]:
        """Remove this generation's indexes of other mapping versions; returns their names."""
        patterns = [f"{self._prefix}{kind}-v*-g{self.generation}" for kind in Kind]
        patterns += [f"{pattern}-*" for pattern in patterns]
        with _faults():
            known = set(self._opensearch.indices.get_alias(index=",".join(patterns)))
            others = sorted(known - self._indexes())
            for index in others:
                self._opensearch.indices.delete(index=index)
        return others

    def drop(self) -> None:
        """Remove this generation's indexes and template."""
        with _faults():
            for index in self._indexes():
                self._opensearch.indices.delete(index=index)
            self._opensearch.indices.delete_index_template(name=self._template, ignore=[404])

    def drop_older(self, kind: Kind, month: str) -> list[str]:
        """Drop the monthly indexes before `month` (2026.11); returns their names."""
        assert kind in MONTHLY
        prefix = self._family(kind).removesuffix("*")
        with _faults():
            old = [
                index
                for index in sorted(self._indexes())
                if index.startswith(prefix) and index.removeprefix(prefix) < month
            ]
            for index in old:
                self._opensearch.indices.delete(index=index)
        return old

    @property
    def _template(self) -> str:
        return f"{self._prefix}v{MAPPING_VERSION}-g{self.generation}"

    @property
    def _patterns(self) -> list[str]:
        return [self._family(kind) for kind in Kind]

    def _family(self, kind: Kind) -> str:
        stem = f"{self._prefix}{kind}-v{MAPPING_VERSION}-g{self.generation}"
        return f"{stem}-*" if kind in MONTHLY else stem

    def _index(self, kind: Kind, at_ms: int) -> str:
        if kind not in MONTHLY:
            return self._family(kind)
        return self._family(kind).removesuffix("*") + month_of(at_ms)

    def _indexes(self) -> set[str]:
        return set(self._opensearch.indices.get_alias(index=",".join(self._patterns)))

    def _aliased(self) -> set[str]:
        if not self._opensearch.indices.exists_alias(name=self.alias):
            return set()
        return set(self._opensearch.indices.get_alias(name=self.alias))

    def _create(self, index: str) -> None:
        if index not in self._known and not self._opensearch.indices.exists(index=index):
            if not self._opensearch.indices.exists_index_template(name=self._template):
                raise SearchUnavailable("the server has no template of ours")
            body: dict[str, Any] = {"aliases": {_writable(index): {}}}
            # 400: somebody else made it meanwhile.
            self._opensearch.indices.create(index=index, body=body, ignore=[400])
        self._known.add(index)

    def _write(self, sources: Sequence[Source]) -> list[DocumentRefused]:
        lines: list[str] = []
        for source in sources:
            index = self._index(Kind(source["kind"]), source["at_ms"])
            with _faults():
                self._create(index)
            action = {
                "_index": _writable(index),
                "_id": source["id"],
                "version": int(source["version"]),
                # The same version again replaces: a state folded anew may know more.
                "version_type": "external_gte",
            }
            lines += (json.dumps({"index": action}), json.dumps(source))
        with _faults():
            body = "\n".join(lines) + "\n"
            answer = self._opensearch.bulk(body=body, params={"require_alias": "true"})
        if not answer["errors"]:
            return []
        if any(item["index"]["status"] == 404 for item in answer["items"]):
            self._known.clear()
            raise SearchUnavailable("the server lost its indexes")
        results = zip(sources, (item["index"] for item in answer["items"]), strict=True)
        return list(_refusals(results))


def mapping_of(index: str) -> int:
    """The mapping version in an index's name."""
    found = re.search(r"-v(\d+)-g\d+", index)
    return int(found[1]) if found else 0


def kind_of(index: str) -> Kind | None:
    """The kind of record in an index's name."""
    found = re.search(r"([a-z]+)-v\d+-g\d+", index)
    return Kind(found[1]) if found else None


def oldest_month(now: datetime, months: int) -> str:
    """The first month of which the monthly indexes are kept (2026.11)."""
    return month_of(int((now - timedelta(days=31 * months)).timestamp()) * 1000)


def month_of(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y.%m")


def _writable(index: str) -> str:
    return f"{index}-write"


def _refusals(results: Iterable[tuple[Source, dict[str, Any]]]) -> Iterator[DocumentRefused]:
    for source, result in results:
        status = result["status"]
        if status in (429, 503) or status >= 500:
            raise SearchUnavailable(str(result["error"])[:500])
        if status >= 400 and status != 409:  # 409: a newer version stands; as it should be.
            kind = Kind(source["kind"])
            yield DocumentRefused(kind, str(result["_id"]), str(result["error"])[:500])


@contextmanager
def _faults() -> Iterator[None]:
    """Raise SearchUnavailable for what a later attempt may cure."""
    try:
        yield
    except (ConnectionError, TransportError) as error:
        status = getattr(error, "status_code", "N/A")
        if isinstance(status, int) and status < 500 and status != 429:
            raise
        raise SearchUnavailable(str(error)[:500]) from error
