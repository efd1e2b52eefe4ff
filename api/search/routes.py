"""Routes of search and explorer: JSON under `/v1`, the same as HTML pages beside it.

Each application that mounts them has its own way to tell who looks, in `app.state.search`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Protocol, TypeVar, cast

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.errors import ERRORS
from api.search import pages
from api.search.desk import SearchDesk, SearchResult
from api.search.explorer import (
    AddressPage,
    BlockPage,
    BlocksPage,
    CustodyPage,
    Explorer,
    OrderPage,
    TradeView,
    TransactionPage,
)
from api.search.lag import LAG_HEADER
from api.search.query import FACETS, SearchQuery
from api.search.viewer import Viewer
from api.v1.documented import refusals
from domain.errors import ExchangeError, InvalidInput

ViewerOf = Callable[[Request], Awaitable[Viewer]]
"""Raises NotAuthenticated for credentials that do not hold; without any it is the public."""


class Audit(Protocol):
    """Writes down what staff look at, before they see it."""

    async def looked(self, viewer: Viewer, path: str, query: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SearchParts:
    """What `app.state.search` holds."""

    desk: SearchDesk
    explorer: Explorer
    viewer_of: ViewerOf
    audit: Audit


def parts_of(request: Request) -> SearchParts:
    return cast("SearchParts", request.app.state.search)


PartsOf = Annotated[SearchParts, Depends(parts_of)]


async def viewer_of(request: Request, parts: PartsOf) -> Viewer:
    viewer = await parts.viewer_of(request)
    if viewer.staff:
        await parts.audit.looked(viewer, request.url.path, request.url.query)
    return viewer


ViewerNow = Annotated[Viewer, Depends(viewer_of)]
Top = Annotated[int | None, Query(ge=0, le=2**53)]
Cursor = Annotated[str | None, Query(max_length=2000)]
Number = Annotated[int, Path(ge=1, lt=2**63)]
Name = Annotated[str, Path(max_length=200)]

router = APIRouter(tags=["Search"])

Handler = Callable[..., Awaitable[BaseModel]]
_H = TypeVar("_H", bound=Handler)


def page(path: str, title: str, *codes: str) -> Callable[[_H], _H]:
    """Serve a handler's answer as JSON under `/v1`, and as an HTML page at the path itself."""

    def add(handler: _H) -> _H:
        @wraps(handler)
        async def as_html(*args: Any, **kwargs: Any) -> Response:
            try:
                record = await handler(*args, **kwargs)
            except ExchangeError as error:
                return refused_page(error)
            return html(pages.record_page(title, record))

        responses = refusals("invalid_input", *codes)
        router.get(f"/v1{path}", summary=title, responses=responses)(handler)
        router.get(path, include_in_schema=False, response_model=None)(as_html)
        return handler

    return add


@router.get(
    "/v1/search",
    summary="Find records of any kind",
    responses=refusals("invalid_input", "invalid_amount", "permission_missing"),
)
async def search(
    query: Annotated[SearchQuery, Query()], parts: PartsOf, viewer: ViewerNow, response: Response
) -> SearchResult:
    """Without credentials: trades, blocks and chain transactions. With them also your own."""
    result = await parts.desk.search(query, viewer)
    if result.lag_ms is not None:
        response.headers[LAG_HEADER] = str(result.lag_ms)
    return result


@router.get("/", include_in_schema=False)
async def home(request: Request) -> Response:
    """`search.` is a host of its own: who types it into a browser comes to the page."""
    if not (request.url.hostname or "").startswith("search."):
        raise HTTPException(404)
    return RedirectResponse("/search")


@router.get("/search", include_in_schema=False)
async def search_page(request: Request, parts: PartsOf, viewer: ViewerNow) -> Response:
    """The same for a browser. Empty fields of a form count as not given."""
    given = {key: value for key, value in request.query_params.items() if value}
    lists: dict[str, Any] = {
        name: request.query_params.getlist(name) if name in FACETS else value
        for name, value in given.items()
    }
    try:
        query = SearchQuery.model_validate({"facets": True, **lists})
        result = await parts.desk.search(query, viewer)
    except ExchangeError as error:
        return refused_page(error)
    except ValidationError:
        return refused_page(InvalidInput("the search cannot be read"))
    return html(pages.result_page(result, query.q, given))


@page("/explorer/blocks/{chain}", "Blocks")
async def explore_blocks(chain: Name, parts: PartsOf, top: Top = None) -> BlocksPage:
    return await parts.explorer.blocks(chain, top)


@page("/explorer/blocks/{chain}/{block_hash}", "Block", "unknown_record")
async def explore_block(chain: Name, block_hash: Name, parts: PartsOf) -> BlockPage:
    return await parts.explorer.block(chain, block_hash)


@page("/explorer/transactions/{chain}/{txid}", "Transaction", "unknown_record")
async def explore_transaction(chain: Name, txid: Name, parts: PartsOf) -> TransactionPage:
    return await parts.explorer.transaction(chain, txid)


@page("/explorer/addresses/{chain}/{address}", "Address")
async def explore_address(
    chain: Name, address: Name, parts: PartsOf, cursor: Cursor = None
) -> AddressPage:
    return await parts.explorer.address(chain, address, cursor)


@page("/explorer/trades/{market}-{trade_id:int}", "Trade", "unknown_market", "unknown_record")
async def explore_trade(market: Name, trade_id: Number, parts: PartsOf) -> TradeView:
    return await parts.explorer.trade(market, trade_id)


@page("/explorer/orders/{order_id}", "Order", "unknown_order")
async def explore_order(order_id: Number, parts: PartsOf, viewer: ViewerNow) -> OrderPage:
    return await parts.explorer.order(order_id, viewer)


@page("/explorer/deposits/{deposit_id}", "Deposit", "unknown_deposit")
async def explore_deposit(deposit_id: Name, parts: PartsOf, viewer: ViewerNow) -> CustodyPage:
    return await parts.explorer.deposit(deposit_id, viewer)


@page("/explorer/withdrawals/{withdrawal_id}", "Withdrawal", "unknown_withdrawal")
async def explore_withdrawal(withdrawal_id: Name, parts: PartsOf, viewer: ViewerNow) -> CustodyPage:
    return await parts.explorer.withdrawal(withdrawal_id, viewer)


def html(text: str, status: int = 200) -> Response:
    headers = {
        "Content-Security-Policy": pages.CONTENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return HTMLResponse(text, status_code=status, headers=headers)


def refused_page(error: ExchangeError) -> Response:
    kind = ERRORS.get(error.code)
    status = int(kind.status) if kind else 400
    return html(pages.message_page(kind.title if kind else "Refused", error.message), status)
