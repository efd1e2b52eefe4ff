"""The REST side: raw requests in, answers in the dialect's shape out, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.dialect import access, errors
from api.dialect.call import Call, Endpoint, Security
from api.dialect.endpoints import REST
from api.dialect.errors import DialectError
from api.dialect.parameters import of_request, signed_payloads
from api.exchange.caller import Origin, Scope
from api.faults import refusal_of
from api.services import Services
from domain.errors import ExchangeError, SignatureInvalid

logger = logging.getLogger(__name__)

PREFIXES = ("/api/", "/sapi/", "/fapi/", "/dapi/")
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
_encoder = msgspec.json.Encoder()


def rest_routes() -> list[BaseRoute]:
    """Those of the table; anything else under our prefixes is answered in our shape, too."""
    return [Route(f"{prefix}{{rest:path}}", answer, methods=_METHODS) for prefix in PREFIXES]


async def answer(request: Request) -> Response:
    headers: dict[str, str] = {}
    try:
        endpoint = _endpoint(request)
        body = await _answer(request, endpoint, headers)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it gets an answer
        refusal = dialect_error(fault)
        return response(refusal.body, refusal.status, {**headers, **refusal.headers})
    return response(body, 200, headers)


def response(body: Any, status: int, headers: Mapping[str, str]) -> Response:
    return Response(
        _encoder.encode(body),
        status,
        {"Content-Type": "application/json;charset=UTF-8", **headers},
    )


def refused(refusal: ExchangeError) -> Response:
    """What the outermost layer of the API refuses, in our shape."""
    error = errors.of_refusal(refusal)
    return response(error.body, error.status, error.headers)


def dialect_error(fault: Exception) -> DialectError:
    if isinstance(fault, DialectError):
        return fault
    refusal = refusal_of(fault)
    if refusal is None:
        logger.error("a request failed", exc_info=fault)
        return DialectError(
            -1000, "An unknown error occurred while processing the request.", status=500
        )
    return errors.of_refusal(refusal)


def _endpoint(request: Request) -> Endpoint:
    method = "GET" if request.method == "HEAD" else request.method
    endpoint = REST.get((method, request.url.path))
    if endpoint is None:
        refusal = errors.unsupported()
        refusal.status = errors.NOT_FOUND
        raise refusal
    return endpoint


async def _answer(request: Request, endpoint: Endpoint, headers: dict[str, str]) -> Any:
    services: Services = request.app.state.services
    query, body = request.scope["query_string"], await request.body()
    origin = Origin(
        ip=request.client.host if request.client is not None else "",
        user_agent=request.headers.get("user-agent", ""),
    )
    parameters = of_request(query, body)
    call = Call(services, parameters, origin, headers=headers)
    used = await services.dialect.limits.take_weight(origin.ip, endpoint.weight_of(parameters))
    name = "X-SAPI-USED-IP-WEIGHT-1M" if endpoint.is_wallet else "X-MBX-USED-WEIGHT-1M"
    headers |= {name: str(used), "X-MBX-USED-WEIGHT": str(used)}
    if endpoint.security is not Security.NONE:
        call.caller = await access.by_key(services, request.headers.get("x-mbx-apikey"), origin)
    if endpoint.security is Security.SIGNED:
        assert call.caller is not None
        await access.signed(services, call.caller, parameters, signed_payloads(query, body))
    return await run(endpoint, call)


async def run(endpoint: Endpoint, call: Call) -> Any:
    """Call the handler for a caller whose signature, if one is needed, was checked."""
    caller = call.caller
    if caller is not None:
        if endpoint.scope is Scope.TRADE and caller.customer.status != "active":
            raise DialectError(-2010, "This account may not place or cancel orders.")
        caller.require(endpoint.scope)
        await _count(endpoint, call)
    return await endpoint.handler(call)


async def _count(endpoint: Endpoint, call: Call) -> None:
    """Orders are counted. What moves money is not done twice for one signature."""
    assert call.caller is not None
    if endpoint.orders:
        short, day = await call.parts.limits.take_orders(call.customer_id, endpoint.orders)
        call.headers |= {"X-MBX-ORDER-COUNT-10S": str(short), "X-MBX-ORDER-COUNT-1D": str(day)}
    moves_money = endpoint.orders or (endpoint.is_wallet and endpoint.scope is Scope.WITHDRAW)
    signature = call.parameters.get("signature")
    if moves_money and signature is not None and call.caller.api_key is not None:
        try:
            await call.parts.replays.refuse_seen(call.caller.api_key.id, signature)
        except SignatureInvalid:
            raise DialectError(-2010, errors.DUPLICATE) from None
