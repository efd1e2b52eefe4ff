"""What routes ask for: the services of this process and the caller, with the scope they need."""

from __future__ import annotations

import time
from typing import Annotated, cast

from fastapi import Depends, Request, Response

from api.exchange.caller import Caller, Origin, Scope
from api.exchange.signatures import canonical_request, is_signed
from api.search.viewer import Viewer
from api.services import Services
from domain.errors import NotAllowed, NotAuthenticated, SignatureInvalid

SAFE_METHODS = frozenset({"GET", "HEAD"})
GUESS_WEIGHT = 10
"""What a request with credentials that do not hold costs the address it came from."""


def services_of(request: Request) -> Services:
    return cast("Services", request.app.state.services)


async def _services(request: Request) -> Services:
    """A coroutine, as every dependency: FastAPI sends a plain function to another thread."""
    return services_of(request)


ServicesOf = Annotated[Services, Depends(_services)]


async def shown_lag(services: ServicesOf, response: Response) -> None:
    """Candles, and what is made of them, come from a projection: say how late it may be."""
    response.headers.update(await services.search.explorer.lag.headers())


SHOWN_LAG = Depends(shown_lag)


def origin_of(request: Request) -> Origin:
    client = request.client.host if request.client is not None else ""
    return Origin(ip=client, user_agent=request.headers.get("user-agent", ""))


async def _origin(request: Request) -> Origin:
    return origin_of(request)


OriginOf = Annotated[Origin, Depends(_origin)]


def has_credentials(request: Request) -> bool:
    return "authorization" in request.headers or "x-api-key" in request.headers


async def caller_of(request: Request) -> Caller:
    """Who calls, by session token or signed API key; found once per request."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is None:
        try:
            known = await _authenticate(request)
        except NotAllowed:
            await _charge_stranger(request)
            raise
        request.state.caller = known
    return known


async def _charge_stranger(request: Request) -> None:
    """Guessing costs its address more than asking; raises RateLimited when it has no more."""
    limits = services_of(request).rate_limits
    await limits.take(limits.of_address(origin_of(request).ip), GUESS_WEIGHT)


async def _authenticate(request: Request) -> Caller:
    services, origin = services_of(request), origin_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return await services.people.identity.by_token(token.strip(), origin)
    key_id = request.headers.get("x-api-key")
    if key_id:
        return await _by_signature(request, services, key_id)
    raise NotAuthenticated("send a session token or a signed request")


async def _by_signature(request: Request, services: Services, key_id: str) -> Caller:
    timestamp = request.headers.get("x-timestamp", "")
    refuse_stale(timestamp, services.settings.signature_window_seconds)
    caller = await services.people.identity.by_key_id(key_id, origin_of(request))
    assert caller.api_key is not None
    signature = request.headers.get("x-signature", "")
    payload = canonical_request(timestamp, request.method, target_of(request), await request.body())
    if not is_signed(caller.api_key, payload, signature, services.secret_box):
        raise SignatureInvalid("the signature does not fit the request")
    if request.method not in SAFE_METHODS:
        # Reading twice changes nothing, and two readers may ask the same in one millisecond.
        await services.replays.refuse_seen(key_id, signature)
    await services.people.identity.note_use(caller.api_key)
    return caller


def refuse_stale(timestamp: str, window_seconds: float) -> None:
    """Raises SignatureInvalid unless `timestamp` (milliseconds) is about now."""
    now_ms = time.time() * 1000
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 16:
        raise SignatureInvalid("X-Timestamp is milliseconds since 1970")
    if abs(now_ms - int(timestamp)) > window_seconds * 1000:
        raise SignatureInvalid(
            "X-Timestamp is not within the window", server_time_ms=str(int(now_ms))
        )


def target_of(request: Request) -> str:
    """Path and query exactly as sent."""
    path = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
    query = request.scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path


async def viewer_of(request: Request) -> Viewer:
    """Who searches: a customer, or the public when no credentials were sent."""
    if not has_credentials(request):
        return Viewer()
    caller = await caller_of(request)
    caller.require(Scope.READ)
    return Viewer(customer_id=caller.customer_id)


async def reader(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
    caller.require(Scope.READ)
    return caller


async def trader(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
    caller.require(Scope.TRADE)
    return caller


async def withdrawer(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
    caller.require(Scope.WITHDRAW)
    return caller


async def person(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
    """A logged-in person: API keys cannot manage sessions, keys and factors."""
    caller.require_session()
    return caller


Reader = Annotated[Caller, Depends(reader)]
Trader = Annotated[Caller, Depends(trader)]
Withdrawer = Annotated[Caller, Depends(withdrawer)]
Person = Annotated[Caller, Depends(person)]
