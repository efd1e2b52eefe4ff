"""What each route costs, and who pays: the account and key of a caller, else the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request

from api.dependencies import caller_of, has_credentials, origin_of, services_of
from api.exchange.rate_limits import Standing, Subject, TooOften

STATE = "rate_standing"
_LISTED = 5
_SEARCHED = 10
_HASHED = 20
WEIGHTS: Mapping[str, int] = {
    "list_orders": _LISTED,
    "list_fills": _LISTED,
    "list_deposits": _LISTED,
    "list_withdrawals": _LISTED,
    "list_actions": _LISTED,
    "list_candles": _LISTED,
    "list_trades": _LISTED,
    "list_tickers": _LISTED,
    "read_book": 2,
    "place_batch": _LISTED,
    "place_pair": 2,
    "replace_order": 2,
    "cancel_all_orders": 2,
    "search": _SEARCHED,
    "explore_address": _LISTED,
    "explore_blocks": _LISTED,
    "request_withdrawal": _LISTED,
    "upload_document": _SEARCHED,
    "export_my_data": _SEARCHED,
    "register": _HASHED,
    "log_in": _HASHED,
    "change_password": _HASHED,
    "create_key": _SEARCHED,
    "create_webhook": _SEARCHED,
    "ping_webhook": _SEARCHED,
    "redeliver": _SEARCHED,
    "list_deliveries": _LISTED,
}
"""By operation; every other costs 1. What takes a hash of a password or a search costs most."""
FREE = frozenset({"healthz", "readyz", "webhook"})
"""Health checks, and the identity vendor, who signs."""


async def metered(request: Request) -> None:
    """Charge for this request. Raises RateLimited."""
    name = request.scope["endpoint"].__name__
    if name in FREE:
        return
    limits = services_of(request).rate_limits
    if has_credentials(request):
        caller = await caller_of(request)
        key_id = None if caller.api_key is None else caller.api_key.id
        subjects = limits.of_account(caller.customer_id, key_id)
    else:
        subjects = limits.of_address(origin_of(request).ip)
    await charge(request, subjects, WEIGHTS.get(name, 1))


async def charge(request: Request, subjects: Sequence[Subject], weight: int) -> None:
    """Charge, and have the answer say how the caller stands."""
    try:
        standing = await services_of(request).rate_limits.take(subjects, weight)
    except TooOften as refusal:
        _tell(request, refusal.standing)
        raise
    _tell(request, standing)


def _tell(request: Request, standing: Standing) -> None:
    setattr(request.state, STATE, standing)
