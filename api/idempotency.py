"""Routes that honour Idempotency-Key: the same request twice has one effect and one answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.dependencies import caller_of, has_credentials, services_of, target_of
from api.errors import PROBLEM_JSON, IdempotencyKeyInvalid, kind_of, problem
from api.exchange.caller import Caller
from api.services import Services
from domain.errors import ExchangeError, SecondFactorRequired
from storage.idempotency import StoredAnswer

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"^[\x21-\x7e]{1,128}$")
_BOUNDARY = re.compile(r'^multipart/form-data;.*?\bboundary="?([^";]{1,70})"?', re.IGNORECASE)
_KEPT_REFUSALS = frozenset(
    {
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Refusals that are answers. After the others nothing was decided, so the key is free again; so it
is when the second factor has yet to be proved, after which the same request goes on.
"""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """Wraps every POST of a router. Without the header, or without a caller whose key it could be
    (registering, logging in), a POST runs as it is.
    """

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()
        if "POST" not in (self.methods or set()):
            return handler

        async def run(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or not has_credentials(request):
                return await handler(request)
            if not _KEY.match(key):
                raise IdempotencyKeyInvalid("1 to 128 visible ASCII characters")
            caller = await caller_of(request)
            return await _run_once(request, handler, caller, key)

        return run


async def _run_once(request: Request, handler: Handler, caller: Caller, key: str) -> Response:
    services = services_of(request)
    fingerprint = await _fingerprint(request)
    stored = await services.idempotency_keys.claim(caller.customer_id, key, fingerprint)
    if stored is not None:
        return _replayed(services, caller, key, stored)
    try:
        response = await handler(request)
    except ExchangeError as refusal:
        await _keep_refusal(request, services, caller, key, refusal)
        raise
    except BaseException:
        await services.idempotency_keys.release(caller.customer_id, key)
        raise
    await _keep(services, caller, key, response.status_code, bytes(response.body))
    return response


async def _fingerprint(request: Request) -> bytes:
    """Of what is asked. A repeated upload has another boundary between the same parts."""
    head = f"{request.method}\n{target_of(request)}\n".encode()
    body = await request.body()
    boundary = _BOUNDARY.match(request.headers.get("content-type", ""))
    if boundary is not None:
        body = body.replace(b"--" + boundary[1].encode("latin-1"), b"--")
    return hashlib.sha256(head + body).digest()


async def _keep_refusal(
    request: Request, services: Services, caller: Caller, key: str, refusal: ExchangeError
) -> None:
    status = kind_of(refusal).status
    if status not in _KEPT_REFUSALS or isinstance(refusal, SecondFactorRequired):
        await services.idempotency_keys.release(caller.customer_id, key)
        return
    body = problem(refusal, request_id=request.state.request_id, instance=request.url.path)
    await _keep(services, caller, key, int(status), msgspec.json.encode(body))


async def _keep(services: Services, caller: Caller, key: str, status: int, body: bytes) -> None:
    sealed = services.secret_box.seal(body, context=_context(caller, key))
    await services.idempotency_keys.finish(caller.customer_id, key, StoredAnswer(status, sealed))


def _replayed(services: Services, caller: Caller, key: str, stored: StoredAnswer) -> Response:
    body = services.secret_box.open(stored.sealed, context=_context(caller, key))
    media_type = "application/json" if stored.status < 400 else PROBLEM_JSON
    return Response(
        body, status_code=stored.status, media_type=media_type, headers={REPLAYED: "true"}
    )


def _context(caller: Caller, key: str) -> str:
    return f"idempotency:{caller.customer_id}:{key}"
