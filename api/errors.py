"""Refusals as HTTP: one table from code to status and title, one shape (RFC 9457) for every error.

`type` is the address of the page that explains the code; `GET /v1/errors/{code}` serves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from domain.errors import ExchangeError

PROBLEM_JSON = "application/problem+json"
_MESSAGE_LENGTH_MAX = 500


class MalformedJson(ExchangeError):
    code = "malformed_json"


class BodyTooLarge(ExchangeError):
    code = "body_too_large"


class UnknownRoute(ExchangeError):
    code = "unknown_route"


class MethodNotAllowed(ExchangeError):
    code = "method_not_allowed"


class InternalError(ExchangeError):
    code = "internal_error"


class OutcomeUnknownAnswer(ExchangeError):
    code = "outcome_unknown"


class IdempotencyKeyInvalid(ExchangeError):
    code = "idempotency_key_invalid"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What a code means to a caller."""

    status: HTTPStatus
    title: str
    advice: str
    """One or two sentences: why it happens and what to do."""


ERRORS: Mapping[str, ErrorKind] = {
    "malformed_json": ErrorKind(
        HTTPStatus.BAD_REQUEST,
        "The body is not JSON",
        "Send one JSON object with `Content-Type: application/json`.",
    ),
    "invalid_input": ErrorKind(
        HTTPStatus.BAD_REQUEST,
        "The request is wrong",
        "`errors` names each field that is missing, unknown or of the wrong kind. Sending it "
        "again cannot help.",
    ),
    "document_refused": ErrorKind(
        HTTPStatus.BAD_REQUEST,
        "We cannot read this document",
        "JPEG, PNG or PDF, at most 10 MB, not empty and not damaged.",
    ),
    "invalid_mrz": ErrorKind(
        HTTPStatus.BAD_REQUEST,
        "The machine-readable zone is wrong",
        "Copy its lines as they are printed; a check digit does not fit.",
    ),
    "invalid_profile": ErrorKind(
        HTTPStatus.BAD_REQUEST, "The profile is wrong", "The detail names the field."
    ),
    "too_young": ErrorKind(
        HTTPStatus.BAD_REQUEST, "Too young", "Customers must be of age where they live."
    ),
    "requirements_missing": ErrorKind(
        HTTPStatus.BAD_REQUEST,
        "Something is missing",
        "`missing` lists what this tier needs; `GET /v1/kyc` shows it, too.",
    ),
    "webhook_forged": ErrorKind(
        HTTPStatus.FORBIDDEN, "Not signed by the vendor", "Only the identity vendor calls this."
    ),
    "webhook_stale": ErrorKind(
        HTTPStatus.FORBIDDEN, "Signed too long ago", "Only the identity vendor calls this."
    ),
    "idempotency_key_invalid": ErrorKind(
        HTTPStatus.BAD_REQUEST,
        "The Idempotency-Key is missing or wrong",
        "1 to 128 visible ASCII characters, a new one for each intent. Withdrawals cannot be "
        "requested without one.",
    ),
    "not_authenticated": ErrorKind(
        HTTPStatus.UNAUTHORIZED,
        "Log in first",
        "The request has no session token or API key, or one that we do not know. Wrong e-mail "
        "address and wrong"
        "password give the same answer on purpose.",
    ),
    "session_expired": ErrorKind(
        HTTPStatus.UNAUTHORIZED, "The session has ended", "Log in again with `POST /v1/sessions`."
    ),
    "signature_invalid": ErrorKind(
        HTTPStatus.UNAUTHORIZED,
        "The signature does not fit the request",
        "Sign exactly the bytes you send, with the clock within 30 seconds of `GET /v1/time`, and "
        "never send the"
        "same signature twice.",
    ),
    "permission_missing": ErrorKind(
        HTTPStatus.FORBIDDEN,
        "Not with this key or account",
        "The API key lacks the scope or the address is not on its allow-list, or the account is "
        "frozen.",
    ),
    "second_factor_required": ErrorKind(
        HTTPStatus.FORBIDDEN,
        "Prove your second factor",
        "Send `POST /v1/sessions/current/step-up` with a code or a passkey, then repeat the "
        "request.",
    ),
    "not_allowed": ErrorKind(HTTPStatus.FORBIDDEN, "Not allowed", "The detail says why."),
    "tier_too_low": ErrorKind(
        HTTPStatus.FORBIDDEN,
        "Verify your identity first",
        "`GET /v1/account` lists in `requirements` what is missing for this action.",
    ),
    "limit_exceeded": ErrorKind(
        HTTPStatus.FORBIDDEN,
        "Above your limit",
        "`GET /v1/account` shows the limits of your tier and what is left of them.",
    ),
    "unknown_route": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such route", "See `/v1/openapi.json` for every route there is."
    ),
    "method_not_allowed": ErrorKind(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "Not with this method",
        "The `Allow` header lists the methods of this route.",
    ),
    "unknown_market": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such market", "`GET /v1/markets` lists them all."
    ),
    "unknown_asset": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such asset", "`GET /v1/assets` lists them all."
    ),
    "unknown_order": ErrorKind(
        HTTPStatus.NOT_FOUND,
        "No such order",
        "No order of yours has this id. Other people's orders look the same.",
    ),
    "unknown_deposit": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such deposit", "No deposit of yours has this id."
    ),
    "unknown_withdrawal": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such withdrawal", "No withdrawal of yours has this id."
    ),
    "unknown_customer": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such customer", "The account does not exist."
    ),
    "unknown_record": ErrorKind(
        HTTPStatus.NOT_FOUND,
        "No such record",
        "The explorer knows what concerns the exchange, some moments after it happened: "
        "`lag_ms` of any answer says how late it is.",
    ),
    "unknown_session": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such session", "`GET /v1/sessions` lists yours."
    ),
    "unknown_passkey": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such passkey", "`GET /v1/second-factors` lists yours."
    ),
    "unknown_api_key": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such API key", "`GET /v1/api-keys` lists yours."
    ),
    "unknown_reserves": ErrorKind(
        HTTPStatus.NOT_FOUND,
        "There is no such proof of reserves",
        "One is published each day; it has a leaf for everybody who had an account by then.",
    ),
    "unknown_address": ErrorKind(
        HTTPStatus.NOT_FOUND,
        "No such address",
        "`GET /v1/withdrawal-addresses` lists your address book.",
    ),
    "unknown_webhook": ErrorKind(
        HTTPStatus.NOT_FOUND, "No such webhook", "`GET /v1/webhooks` lists yours."
    ),
    "unknown_delivery": ErrorKind(
        HTTPStatus.NOT_FOUND,
        "No such delivery",
        "`GET /v1/webhooks/{id}/deliveries` lists them; they are kept for 30 days.",
    ),
    "too_many_webhooks": ErrorKind(
        HTTPStatus.CONFLICT, "Too many webhooks", "Remove one that you no longer need."
    ),
    "webhook_url_refused": ErrorKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "We do not call this URL",
        "`https`, on port 443 or 8443, without a user name or fragment, on a public address.",
    ),
    "conflict": ErrorKind(
        HTTPStatus.CONFLICT, "In conflict with what is there", "The detail says with what."
    ),
    "in_flight": ErrorKind(
        HTTPStatus.CONFLICT,
        "The first request is still running",
        "A request with the same Idempotency-Key has not finished. Wait a second and repeat it "
        "unchanged.",
    ),
    "wrong_state": ErrorKind(
        HTTPStatus.CONFLICT,
        "Too late or too early",
        "The thing is not in a state that allows this; read it again.",
    ),
    "withdrawals_held": ErrorKind(
        HTTPStatus.FORBIDDEN,
        "Withdrawals are held for a while",
        "After a change of password, second factor or address book; `until` says how long.",
    ),
    "address_not_allowed": ErrorKind(
        HTTPStatus.FORBIDDEN,
        "Not in your address book",
        "You allow withdrawals only to your address book; new entries become usable after two "
        "days.",
    ),
    "market_not_trading": ErrorKind(
        HTTPStatus.CONFLICT,
        "The market is not trading",
        "`GET /v1/markets` shows its state; orders can be canceled.",
    ),
    "asset_paused": ErrorKind(
        HTTPStatus.CONFLICT,
        "The asset is paused",
        "Deposits or withdrawals of this asset are halted for a while.",
    ),
    "body_too_large": ErrorKind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large", "Requests are at most 64 KiB."
    ),
    "invalid_amount": ErrorKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Not an amount we can take",
        "Amounts and prices are decimal strings above zero with no more decimals than the asset "
        'has: `"0.5"`,'
        "never a JSON number.",
    ),
    "invalid_address": ErrorKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Not an address we can pay",
        "Wrong network, wrong checksum, or one of our own deposit addresses.",
    ),
    "market_rule_broken": ErrorKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A rule of the market is broken",
        "Tick, lot, minimum notional or price band: `rule` names it, `GET /v1/markets` lists them.",
    ),
    "weak_password": ErrorKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Choose another password",
        "At least 10 characters, not a well-known password and not your e-mail address.",
    ),
    "insufficient_available": ErrorKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Not enough available",
        "`needed` and `available` say how much. Held amounts of open orders and withdrawals are "
        "not available.",
    ),
    "idempotency_body_differs": ErrorKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The key was used for another request",
        "An Idempotency-Key belongs to one request for two days. Use a new key for a new intent.",
    ),
    "refused": ErrorKind(HTTPStatus.UNPROCESSABLE_ENTITY, "Refused", "The detail says why."),
    "rate_limited": ErrorKind(
        HTTPStatus.TOO_MANY_REQUESTS, "Too many requests", "Wait for the seconds in `Retry-After`."
    ),
    "internal_error": ErrorKind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Our fault",
        "It is logged under `request_id`. After a POST the outcome is unknown: look the thing up "
        "by your own id, or"
        "repeat the request with the same Idempotency-Key.",
    ),
    "outcome_unknown": ErrorKind(
        HTTPStatus.GATEWAY_TIMEOUT,
        "We do not know what became of it",
        "The connection to the database broke at the wrong moment. Look the thing up by your own "
        "id, or repeat the request with the same Idempotency-Key or client_order_id.",
    ),
    "unavailable": ErrorKind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A part we need is down",
        "Nothing happened. Try again after the seconds in `Retry-After`; `GET /readyz` names the "
        "part.",
    ),
}


def kind_of(error: ExchangeError) -> ErrorKind:
    """The table's row for this refusal, or that of its nearest ancestor's code."""
    for cls in type(error).__mro__:
        kind = ERRORS.get(getattr(cls, "code", ""))
        if kind is not None:
            return kind
    return ERRORS["refused"]


def problem(
    error: ExchangeError,
    *,
    request_id: str,
    instance: str,
    errors: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """The RFC 9457 body."""
    kind = kind_of(error)
    body: dict[str, Any] = {
        **error.fields,
        "type": f"/v1/errors/{error.code}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": error.message[:_MESSAGE_LENGTH_MAX],
        "instance": instance,
        "code": error.code,
        "request_id": request_id,
    }
    if errors:
        body["errors"] = list(errors)
    return body


def problem_response(
    error: ExchangeError,
    *,
    request_id: str,
    instance: str,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    kind = kind_of(error)
    extra = dict(headers or {})
    if kind.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        extra.setdefault("Retry-After", error.fields.get("retry_after_seconds", "1"))
    if kind.status == HTTPStatus.UNAUTHORIZED:
        extra.setdefault("WWW-Authenticate", 'Bearer realm="rialto"')
    return Response(
        msgspec.json.encode(
            problem(error, request_id=request_id, instance=instance, errors=errors)
        ),
        status_code=int(kind.status),
        media_type=PROBLEM_JSON,
        headers=extra,
    )
