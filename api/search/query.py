"""What may be asked of the search index, and how it is asked. Every answer is bounded."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from api.search.viewer import Viewer
from domain.errors import InvalidInput
from domain.money import parse_units
from projections.document import PUBLIC, Kind, comparable, ends_of_step, step_of

LIMIT_MAX = 100
COUNTED_MAX = 10_000
"""Results are counted up to here; above it the total says `at least`."""

FACETS = ("kind", "asset", "market", "chain", "status", "side")
FACET_VALUES = 20
MARK = ("\ue000", "\ue001")
"""Around what matched: no text of ours holds these, so escaping can come first."""

_DECIMALS = 18
"""Of amounts to search by; no listed asset has more."""

_EXACT = ("id", "txid", "addresses", "block_hash", "order_ids")
_HEX = re.compile(r"(0x)?[0-9a-f]{6,64}")
_PREFIXED = ("txid", "addresses", "block_hash")

Text = Annotated[str, Field(max_length=200)]
Words = Annotated[tuple[Text, ...], Field(max_length=20)]


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    LARGEST = "largest"
    SMALLEST = "smallest"
    RELEVANT = "relevant"


_ORDERS: dict[Sort, list[dict[str, str]]] = {
    Sort.NEWEST: [{"at_ms": "desc"}],
    Sort.OLDEST: [{"at_ms": "asc"}],
    Sort.LARGEST: [{"amount_key": "desc"}],
    Sort.SMALLEST: [{"amount_key": "asc"}],
    Sort.RELEVANT: [{"_score": "desc"}, {"at_ms": "desc"}],
}


class SearchQuery(BaseModel):
    """The parameters of `GET /v1/search`; all of them narrow the result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Text = Field("", description="A txid, address, id or block, or words.")
    kind: tuple[Kind, ...] = Field((), max_length=len(Kind))
    asset: Words = ()
    market: Words = ()
    chain: Words = ()
    status: Words = ()
    side: Words = ()
    txid: Text | None = None
    address: Text | None = None
    order_id: Text | None = None
    customer: Text | None = Field(None, description="`me`, or for staff a customer's number.")
    height: int | None = Field(None, ge=0)
    amount_min: Text | None = Field(None, description="In whole coins: `0.5`.")
    amount_max: Text | None = None
    price_min: Text | None = None
    price_max: Text | None = None
    since: datetime | None = Field(None, description="ISO 8601; included.")
    until: datetime | None = Field(None, description="ISO 8601; not included.")
    sort: Sort = Sort.NEWEST
    limit: int = Field(25, ge=1, le=LIMIT_MAX)
    cursor: Annotated[str, Field(max_length=600)] | None = None
    facets: bool = False

    @field_validator("since", "until")
    @classmethod
    def _has_zone(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError("say the time zone: 2026-01-31T12:00:00Z")
        return moment

    @model_validator(mode="after")
    def _amounts(self) -> Self:
        for low, high in ((self.amount_min, self.amount_max), (self.price_min, self.price_max)):
            least, most = _key(low), _key(high)
            if least is not None and most is not None and least > most:
                raise InvalidInput("the least is more than the most", field="amount")
        return self

    @property
    def compares(self) -> bool:
        """Whether amounts or prices are compared."""
        limits = (self.amount_min, self.amount_max, self.price_min, self.price_max)
        return any(each is not None for each in limits)

    def kinds(self, viewer: Viewer) -> frozenset[Kind]:
        """All that the answer can hold."""
        asked = frozenset(self.kind or Kind)
        is_public = viewer.customer_id is None and not viewer.sees_all
        return asked & PUBLIC if is_public else asked

    def body(
        self, viewer: Viewer, *, has_steps: bool = True, by_index: bool = False
    ) -> dict[str, Any]:
        """The search as OpenSearch takes it, with nothing in it that the viewer may not see.

        `has_steps`: every index has the coarse numbers that comparing goes faster by. `by_index`:
        only indexes of `kinds` are asked, so no clause has to say so.
        Raises InvalidInput, InvalidAmount, PermissionMissing.
        """
        body: dict[str, Any] = {
            "size": self.limit,
            "query": {
                "bool": {
                    "filter": [
                        *self._limits(viewer, by_index),
                        *self._filters(viewer, has_steps, by_index),
                    ]
                }
            },
            "sort": [*_ORDERS[self.sort], {"kind": "asc"}, {"id": "asc"}],
            "track_total_hits": COUNTED_MAX,
            "timeout": "5s",
        }
        if self.q:
            body["query"]["bool"] |= {"should": self._matches(), "minimum_should_match": 1}
            body["highlight"] = {
                "pre_tags": [MARK[0]],
                "post_tags": [MARK[1]],
                "number_of_fragments": 0,
                "fields": {name: {} for name in ("text", *_EXACT)},
            }
        if self.cursor is not None:
            body["search_after"] = _read_cursor(self.cursor, len(body["sort"]))
        if self.facets:
            body["aggs"] = {
                name: {"terms": {"field": name, "size": FACET_VALUES}} for name in FACETS
            }
        return body

    def _limits(self, viewer: Viewer, by_index: bool) -> list[dict[str, Any]]:
        """What keeps others' records out, unless another filter does: it matches most documents."""
        is_own = self.customer is not None  # Or the viewer sees all: see customer_filter.
        kinds = self.kinds(viewer) if by_index else frozenset(self.kind)
        is_public = bool(kinds) and kinds <= PUBLIC
        return [] if is_own or is_public else viewer.limits()

    def _filters(self, viewer: Viewer, has_steps: bool, by_index: bool) -> list[dict[str, Any]]:
        filters: list[dict[str, Any]] = []
        if self.kind and not by_index:
            filters.append({"terms": {"kind": list(self.kind)}})
        for name in ("asset", "market", "chain", "status", "side"):
            values = getattr(self, name)
            if values:
                filters.append({"terms": {name: list(values)}})
        exact = {
            "txid": self.txid and normal(self.txid),
            "addresses": self.address and normal(self.address),
            "order_ids": self.order_id,
            "height": self.height,
        }
        filters += [{"term": {name: value}} for name, value in exact.items() if value is not None]
        if self.customer is not None:
            filters += viewer.customer_filter(self.customer)
        return filters + self._ranges(has_steps)

    def _ranges(self, has_steps: bool) -> list[dict[str, Any]]:
        within = within_steps if has_steps else within_keys
        ranges = [
            *within("amount", _key(self.amount_min), _key(self.amount_max)),
            *within("price", _key(self.price_min), _key(self.price_max)),
            *_range("at_ms", gte=_ms(self.since), lt=_ms(self.until)),
        ]
        if self.sort in (Sort.LARGEST, Sort.SMALLEST):
            ranges.append({"exists": {"field": "amount_key"}})
        return ranges

    def _matches(self) -> list[dict[str, Any]]:
        """Exactly a name of something; the beginning of a hash or address; or all the words."""
        word = normal(self.q.strip())
        matches: list[dict[str, Any]] = [
            {"term": {name: {"value": word, "boost": 10}}} for name in _EXACT
        ]
        if word.isascii() and word.isdigit() and len(word) <= 18:
            matches.append({"term": {"height": {"value": int(word), "boost": 5}}})
        if _HEX.fullmatch(word) or word.startswith(("bc1", "tb1", "bcrt1")):
            matches += [{"prefix": {name: {"value": word, "boost": 3}}} for name in _PREFIXED]
        matches.append({"match": {"text": {"query": self.q, "operator": "and"}}})
        return matches


def within_keys(name: str, least: str | None, most: str | None) -> list[dict[str, Any]]:
    """Exact digits alone, as indexes of the first mapping have them."""
    return _range(f"{name}_key", gte=least, lte=most)


def within_steps(name: str, least: str | None, most: str | None) -> list[dict[str, Any]]:
    """The same records, by whole steps, and by exact digits within the two steps at the ends."""
    if least is None and most is None:
        return []
    key, step = f"{name}_key", f"{name}_step"
    low = None if least is None else step_of(least)
    high = None if most is None else step_of(most)
    if low is not None and low == high:
        return _range(key, gte=least, lte=most)
    ways = _range(step, gt=low, lt=high)
    if least is not None:
        ways += _range(key, gte=least, lte=ends_of_step(least)[1])
    if most is not None:
        ways += _range(key, gte=ends_of_step(most)[0], lte=most)
    return [{"bool": {"should": ways, "minimum_should_match": 1}}]


def _range(name: str, **limits: str | int | None) -> list[dict[str, Any]]:
    given = {how: limit for how, limit in limits.items() if limit is not None}
    return [{"range": {name: given}}] if given else []


def normal(name: str) -> str:
    """As hashes and addresses are indexed: hexadecimal ones and bech32 in small letters."""
    lower = name.lower()
    is_hex = re.fullmatch(r"(0x)?[0-9a-f]+", lower) is not None
    return lower if is_hex or lower.startswith(("bc1", "tb1", "bcrt1")) else name


def make_cursor(sort_values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(sort_values).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, length: int) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=="))
    except (ValueError, binascii.Error):
        raise InvalidInput("cursor is not one of ours") from None
    plain = isinstance(values, list) and all(isinstance(each, str | int | float) for each in values)
    if not plain or len(values) != length:
        raise InvalidInput("cursor is not of this search")
    return list(values)


def _key(amount: str | None) -> str | None:
    """Digits that compare with those of documents. Raises InvalidAmount."""
    if amount is None:
        return None
    units = parse_units(amount, _DECIMALS)
    if units < 0:
        raise InvalidInput("amounts are not negative", field="amount")
    return comparable(units, _DECIMALS)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
