"""Orders: place, read, change, cancel.

201 means: held in the ledger and durably queued for the matching engine. 202 means: held and
durable, and handed to the engine as soon as its queue is back. With `wait_ms` the answer also
shows what the engine made of it, if it came in that time.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.dependencies import Reader, ServicesOf, Trader
from api.errors import problem
from api.exchange.order_desk import Accepted
from api.exchange.order_view import OrderView
from api.idempotency import HEADER, IdempotentRoute
from api.pages import CursorQuery, LimitQuery, next_cursor, read_cursor
from api.v1.documented import answers, body_of, json_response, refusals
from api.v1.order_fields import (
    AmendBody,
    BatchBody,
    NewOrderBody,
    OrderAnswer,
    PairBody,
    accepted_answer,
    order_answer,
    read_amend,
    read_batch,
    read_new_order,
    read_pair,
)
from domain.errors import ExchangeError
from domain.ids import ClientOrderId, OrderId
from domain.market import Side

router = APIRouter(prefix="/v1", tags=["Orders"], route_class=IdempotentRoute)

WAIT_MS_MAX = 5_000
OrderNumber = Annotated[int, Path(ge=1, le=2**63 - 1)]
WaitQuery = Annotated[
    int,
    Query(
        ge=0, le=WAIT_MS_MAX, description="Wait so long for the engine's answer, in milliseconds."
    ),
]
ValidateOnlyQuery = Annotated[
    bool,
    Query(description="Only check the order, as `POST /v1/orders:validate` does.", deprecated=True),
]
MarketQuery = Annotated[str | None, Query(max_length=40)]

_PLACING = (
    "malformed_json", "invalid_input", "invalid_amount", "not_authenticated", "permission_missing",
    "unknown_market", "market_not_trading", "market_rule_broken", "insufficient_available",
    "tier_too_low", "limit_exceeded", "idempotency_body_differs", "in_flight", "body_too_large",
)  # fmt: skip
_CHANGING = ("not_authenticated", "permission_missing", "unknown_order", "wrong_state")
_EXAMPLE = {
    "market": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.01",
}  # fmt: skip
_HELD = "Held in the ledger and durably queued for the matching engine."
_LATER = "Held in the ledger and durable; handed to the engine when its queue is back."


class OrderList(msgspec.Struct, frozen=True):
    data: list[OrderAnswer]
    next_cursor: str | None


class BatchItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Either the order, or the problem document that says why it was refused."""

    order: OrderAnswer | None = None
    problem: dict[str, Any] | None = None


class BatchResult(msgspec.Struct, frozen=True):
    data: list[BatchItem]
    """In the order of the batch."""


class CancelAllAnswer(msgspec.Struct, frozen=True):
    market: str
    canceled: int | None
    """How many, when `wait_ms` was long enough to hear it."""


class ValidAnswer(msgspec.Struct, frozen=True):
    valid: Literal[True]


@router.post(
    "/orders",
    status_code=201,
    summary="Place an order",
    openapi_extra=body_of(NewOrderBody, _EXAMPLE),
    responses={
        201: answers(OrderAnswer, _HELD),
        202: answers(OrderAnswer, _LATER),
        200: answers(ValidAnswer, "With `validate_only`: the order would be placed."),
        **refusals(*_PLACING),
    },
)
async def place_order(
    request: Request,
    caller: Trader,
    services: ServicesOf,
    wait_ms: WaitQuery = 0,
    validate_only: ValidateOnlyQuery = False,
) -> Response:
    asked = _with_own_id(request, read_new_order(await request.body())).asked()
    if validate_only:
        await services.trading.desk.check(caller.customer_id, asked)
        return json_response(ValidAnswer(valid=True))
    accepted = await services.trading.desk.place(
        caller.customer_id, asked, wait_seconds=wait_ms / 1000
    )
    return json_response(accepted_answer(accepted), _status(accepted))


@router.post(
    "/orders:validate",
    summary="Check an order without placing it",
    openapi_extra=body_of(NewOrderBody, _EXAMPLE),
    responses={200: answers(ValidAnswer, "It would be placed."), **refusals(*_PLACING)},
)
async def validate_order(request: Request, caller: Trader, services: ServicesOf) -> Response:
    """Against the market's rules; whether the funds suffice only placing it can tell."""
    asked = read_new_order(await request.body()).asked()
    await services.trading.desk.check(caller.customer_id, asked)
    return json_response(ValidAnswer(valid=True))


@router.post(
    "/orders:batch",
    summary="Place up to 100 orders, each by itself",
    openapi_extra=body_of(BatchBody, {"orders": [_EXAMPLE]}),
    responses={200: answers(BatchResult, "One answer per order."), **refusals(*_PLACING)},
)
async def place_batch(request: Request, caller: Trader, services: ServicesOf) -> Response:
    body = read_batch(await request.body())
    placed = await services.trading.desk.place_many(
        caller.customer_id, [each.asked() for each in body.orders]
    )
    return json_response(BatchResult([_batch_item(request, each) for each in placed]))


@router.post(
    "/orders:pair",
    status_code=201,
    summary="Place two orders of which one cancels the other",
    openapi_extra=body_of(
        PairBody,
        {
            "limit": {**_EXAMPLE, "side": "sell", "price": "60000"},
            "stop": {
                "market": "BTC-USDT", "side": "sell", "type": "stop", "stop_price": "45000",
                "size": "0.01",
            },
        },
    ),
    responses={201: answers(BatchResult, _HELD), **refusals(*_PLACING)},
)  # fmt: skip
async def place_pair(request: Request, caller: Trader, services: ServicesOf) -> Response:
    """A limit order and a stop, of the same side and size, under one hold."""
    body = read_pair(await request.body())
    placed = await services.trading.desk.place_pair(
        caller.customer_id, body.limit.asked(), body.stop.asked()
    )
    return json_response(BatchResult([BatchItem(accepted_answer(each)) for each in placed]), 201)


@router.get(
    "/orders",
    summary="Your orders, newest first",
    responses={
        200: answers(OrderList, "A page."),
        **refusals("invalid_input", "not_authenticated", "unknown_market"),
    },
)
async def list_orders(
    caller: Reader,
    services: ServicesOf,
    market: MarketQuery = None,
    status: Literal["open", "all"] = "all",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> Response:
    listed = None if market is None else services.catalog.market(market)
    before, desk = read_cursor(cursor), services.trading.desk
    if status == "open":
        # All of them are read: what the engine said a moment ago decides which are open.
        every = await desk.open_orders(caller.customer_id, listed)
        older = [each for each in reversed(every) if before is None or each.id < before]
        found = older[:limit]
    else:
        found = await desk.history(caller.customer_id, listed, before=before, limit=limit)
    following = next_cursor([each.id for each in found], limit)
    return json_response(OrderList([order_answer(each) for each in found], following))


@router.get(
    "/orders/{order_id}",
    summary="One of your orders",
    responses={
        200: answers(OrderAnswer, "As it stands now."),
        **refusals("invalid_input", "not_authenticated", "unknown_order"),
    },
)
async def read_order(order_id: OrderNumber, caller: Reader, services: ServicesOf) -> Response:
    return _found(await services.trading.desk.find(caller.customer_id, OrderId(order_id)))


@router.get(
    "/orders:by-client-id",
    summary="One of your orders, by your own id",
    responses={
        200: answers(OrderAnswer, "As it stands now."),
        **refusals("invalid_input", "not_authenticated", "unknown_order"),
    },
)
async def read_order_by_client_id(
    client_order_id: Annotated[str, Query(max_length=36)], caller: Reader, services: ServicesOf
) -> Response:
    return _found(
        await services.trading.desk.find_by_client_id(
            caller.customer_id, ClientOrderId(client_order_id)
        )
    )


@router.patch(
    "/orders/{order_id}",
    summary="Make an order smaller; it keeps its place in the queue",
    openapi_extra=body_of(AmendBody, {"size": "0.005"}),
    responses={
        200: answers(OrderAnswer, "As it stands now."),
        **refusals(
            "malformed_json", "invalid_input", "invalid_amount", "market_rule_broken", *_CHANGING
        ),
    },
)
async def amend_order(
    order_id: OrderNumber,
    request: Request,
    caller: Trader,
    services: ServicesOf,
    wait_ms: WaitQuery = 1000,
) -> Response:
    body = read_amend(await request.body())
    return _found(
        await services.trading.desk.amend(
            caller.customer_id, OrderId(order_id), body.size, wait_seconds=wait_ms / 1000
        )
    )


@router.post(
    "/orders/{order_id}:replace",
    status_code=201,
    summary="Cancel an order and place another in one step",
    openapi_extra=body_of(NewOrderBody, {**_EXAMPLE, "price": "50100"}),
    responses={201: answers(OrderAnswer, _HELD), **refusals(*_PLACING, *_CHANGING)},
)
async def replace_order(
    order_id: OrderNumber,
    request: Request,
    caller: Trader,
    services: ServicesOf,
    wait_ms: WaitQuery = 1000,
) -> Response:
    asked = _with_own_id(request, read_new_order(await request.body())).asked()
    accepted = await services.trading.desk.replace(
        caller.customer_id, OrderId(order_id), asked, wait_seconds=wait_ms / 1000
    )
    return json_response(accepted_answer(accepted), _status(accepted))


@router.delete(
    "/orders/{order_id}",
    summary="Cancel an order",
    responses={
        200: answers(OrderAnswer, "As it stands now."),
        **refusals("invalid_input", *_CHANGING),
    },
)
async def cancel_order(
    order_id: OrderNumber, caller: Trader, services: ServicesOf, wait_ms: WaitQuery = 1000
) -> Response:
    return _found(
        await services.trading.desk.cancel(
            caller.customer_id, OrderId(order_id), wait_seconds=wait_ms / 1000
        )
    )


@router.delete(
    "/orders",
    summary="Cancel every open order on a market",
    responses={
        200: answers(CancelAllAnswer, "Asked for, durably."),
        **refusals("invalid_input", "not_authenticated", "permission_missing", "unknown_market"),
    },
)
async def cancel_all_orders(
    caller: Trader,
    services: ServicesOf,
    market: Annotated[str, Query(max_length=40)],
    side: Side | None = None,
    wait_ms: WaitQuery = 1000,
) -> Response:
    count = await services.trading.desk.cancel_all(
        caller.customer_id, market, side, wait_seconds=wait_ms / 1000
    )
    return json_response(CancelAllAnswer(market, count))


def _with_own_id(request: Request, body: NewOrderBody) -> NewOrderBody:
    """An Idempotency-Key also names the order, so that a retry after our crash finds it."""
    key = request.headers.get(HEADER)
    if key is None or body.client_order_id is not None:
        return body
    derived = "key-" + hashlib.sha256(key.encode()).hexdigest()[:32]
    return msgspec.structs.replace(body, client_order_id=derived)


def _batch_item(request: Request, answer: Accepted | ExchangeError) -> BatchItem:
    if isinstance(answer, Accepted):
        return BatchItem(accepted_answer(answer))
    request_id = request.state.request_id
    return BatchItem(problem=problem(answer, request_id=request_id, instance=request.url.path))


def _status(accepted: Accepted) -> int:
    return 201 if accepted.is_queued else 202


def _found(order: OrderView) -> Response:
    return json_response(order_answer(order))
