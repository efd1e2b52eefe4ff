"""Asks the search index and shapes what it answers for one viewer."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

from opensearchpy import AsyncOpenSearch, NotFoundError, OpenSearchException
from opensearchpy import TransportError as SearchFault
from pydantic import BaseModel, Field

from api.search.lag import ProjectionLag
from api.search.query import COUNTED_MAX, MARK, SearchQuery, make_cursor
from api.search.served import ServedIndexes
from api.search.viewer import Viewer
from domain.errors import InvalidInput, Unavailable
from projections.document import Kind


class Found(BaseModel):
    """One record. Absent fields do not apply to its kind."""

    kind: str
    id: str
    time: str = Field(description="ISO 8601, UTC.")
    changed: str | None = None
    page: str = Field(description="Path of its page.")
    is_mine: bool = False
    owners: list[str] | None = Field(None, description="Customers; for staff only.")
    status: str | None = None
    asset: str | None = None
    amount: str | None = None
    chain: str | None = None
    txid: str | None = None
    addresses: list[str] | None = None
    height: int | None = None
    block_hash: str | None = None
    market: str | None = None
    side: str | None = None
    price: str | None = None
    details: dict[str, str] = {}
    highlight: dict[str, str] = Field({}, description="Fields as HTML, with `<mark>`.")


class Facet(BaseModel):
    value: str
    count: int


class Total(BaseModel):
    value: int
    is_exact: bool = Field(description="False: there are at least so many.")


class SearchResult(BaseModel):
    data: list[Found]
    next_cursor: str | None
    total: Total
    facets: dict[str, list[Facet]] | None = None
    lag_ms: int | None = Field(
        description="How old this view may be. Null: unknown; money never depends on it."
    )


_AWAY = "search is away; nothing else is affected"
_PAGES = {
    "trade": "/explorer/trades/{id}",
    "order": "/explorer/orders/{id}",
    "deposit": "/explorer/deposits/{id}",
    "withdrawal": "/explorer/withdrawals/{id}",
    "transaction": "/explorer/transactions/{chain}/{txid}",
    "block": "/explorer/blocks/{chain}/{block_hash}",
}
_SHOWN = (
    "kind", "id", "status", "asset", "amount", "chain", "txid", "addresses", "height",
    "block_hash", "market", "side", "price", "details",
)  # fmt: skip


class SearchDesk:
    def __init__(self, opensearch: AsyncOpenSearch, alias: str, lag: ProjectionLag) -> None:
        self._opensearch = opensearch
        self._served = ServedIndexes(opensearch, alias)
        self._lag = lag

    async def search(self, query: SearchQuery, viewer: Viewer) -> SearchResult:
        """Raises InvalidInput, PermissionMissing, or Unavailable while the index is away."""
        answer = await self._answer(query, viewer)
        hits = answer["hits"]["hits"]
        total = answer["hits"]["total"]
        is_full = len(hits) == query.limit
        return SearchResult(
            data=[found(hit, viewer) for hit in hits],
            next_cursor=make_cursor(hits[-1]["sort"]) if is_full else None,
            total=Total(value=min(total["value"], COUNTED_MAX), is_exact=total["relation"] == "eq"),
            facets=_facets(answer) if query.facets else None,
            lag_ms=await self._lag.milliseconds(),
        )

    async def close(self) -> None:
        await self._opensearch.close()

    async def _answer(self, query: SearchQuery, viewer: Viewer) -> dict[str, Any]:
        try:
            try:
                return await self._ask(query, viewer)
            except NotFoundError:  # Another generation or mapping serves now, or a month left.
                self._served.forget()
                return await self._ask(query, viewer)
        except SearchFault as error:
            if error.status_code == 400:
                raise InvalidInput("the search cannot be read") from error
            raise Unavailable(_AWAY) from error
        except OpenSearchException as error:
            raise Unavailable(_AWAY) from error

    async def _ask(self, query: SearchQuery, viewer: Viewer) -> dict[str, Any]:
        """Asks the indexes of those kinds alone that can be in the answer."""
        kinds = query.kinds(viewer)
        indexes = await self._served.of_kinds(kinds) if kinds < frozenset(Kind) else []
        body = query.body(
            viewer,
            has_steps=not query.compares or await self._served.have_steps(),
            by_index=bool(indexes),
        )
        answer: dict[str, Any] = await self._opensearch.search(
            index=",".join(indexes) or self._served.alias, body=body
        )
        if answer["timed_out"]:
            raise Unavailable("the search took too long; narrow it")
        return answer


def found(hit: dict[str, Any], viewer: Viewer) -> Found:
    """What the viewer may see of a record that they may see."""
    source = hit["_source"]
    owners = source.get("owners", [])
    assert viewer.may_see(source["kind"], owners), "the query let a private record through"
    changed = source.get("changed_at_ms")
    return Found(
        **{name: source[name] for name in _SHOWN if name in source},
        time=moment(source["at_ms"]),
        changed=moment(changed) if changed is not None else None,
        page=_PAGES[source["kind"]].format_map(source),
        is_mine=viewer.owns(owners),
        owners=owners if viewer.sees_all else None,
        highlight={
            name: marked(parts[0])
            for name, parts in hit.get("highlight", {}).items()
            if name != "order_ids"
        },
    )


def moment(at_ms: int) -> str:
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def marked(text: str) -> str:
    """As HTML, with what matched in `<mark>`."""
    return escape(text).replace(MARK[0], "<mark>").replace(MARK[1], "</mark>")


def _facets(answer: dict[str, Any]) -> dict[str, list[Facet]]:
    return {
        name: [Facet(value=each["key"], count=each["doc_count"]) for each in facet["buckets"]]
        for name, facet in answer["aggregations"].items()
    }
