"""From the key, the timestamp and the signature of a request to its caller."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from api.dialect import errors
from api.dialect.errors import UNAUTHORIZED, DialectError
from api.dialect.parameters import Parameters
from api.dialect.parts import RECV_WINDOW_MS_MAX
from api.exchange.caller import Caller, Origin
from api.exchange.signatures import is_signed
from api.services import Services
from domain.errors import NotAuthenticated, PermissionMissing

_KEY = re.compile(r"^[A-Za-z0-9]{64}$")
_RECV_WINDOW_MS = 5000
_AHEAD_MS = 1000
_MICROSECONDS_FROM = 10**14
"""Timestamps from here on are microseconds."""


async def by_key(services: Services, key_id: str | None, origin: Origin) -> Caller:
    """The owner of an API key. Raises -2014 or -2015."""
    if not key_id or not _KEY.match(key_id):
        raise DialectError(-2014, "API-key format invalid.", status=UNAUTHORIZED)
    try:
        return await services.people.identity.by_key_id(key_id, origin)
    except (NotAuthenticated, PermissionMissing):
        raise errors.no_such_key() from None


async def signed(
    services: Services,
    caller: Caller,
    parameters: Parameters,
    payloads: Iterable[bytes],
) -> None:
    """Check the time and the signature. Raises -1102, -1021, -1131 or -1022."""
    check_time(parameters)
    signature = parameters.required("signature")
    key = caller.api_key
    assert key is not None
    box = services.secret_box
    if not any(is_signed(key, payload, signature, box) for payload in payloads):
        raise DialectError(-1022, "Signature for this request is not valid.")
    await services.people.identity.note_use(key)


def check_time(parameters: Parameters) -> None:
    """Raises -1102, -1100, -1131 or -1021."""
    parameters.required("timestamp")
    timestamp = parameters.whole("timestamp")
    assert timestamp is not None
    if timestamp >= _MICROSECONDS_FROM:
        timestamp //= 1000
    window = _recv_window(parameters)
    now_ms = time.time() * 1000
    if timestamp >= now_ms + _AHEAD_MS:
        raise DialectError(
            -1021, "Timestamp for this request was 1000ms ahead of the server's time."
        )
    if now_ms - timestamp > window:
        raise DialectError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _recv_window(parameters: Parameters) -> float:
    text = parameters.get("recvWindow")
    if text is None:
        return _RECV_WINDOW_MS
    try:
        window = Decimal(text)
    except InvalidOperation:
        raise errors.illegal("recvWindow", r"^([0-9]{1,5})(\.[0-9]{1,3})?$") from None
    if not window.is_finite() or window <= 0:
        raise errors.illegal("recvWindow", r"^([0-9]{1,5})(\.[0-9]{1,3})?$")
    if window > RECV_WINDOW_MS_MAX:
        raise DialectError(-1131, "recvWindow must be less than 60000.")
    return float(window)
