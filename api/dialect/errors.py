"""Refusals in the dialect's shape: `{"code": -1121, "msg": "Invalid symbol."}`.

Clients compare the sentences, so they are part of the contract (docs/dialect.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.errors import InternalError, OutcomeUnknownAnswer
from domain import errors as e
from domain.errors import ExchangeError

BAD_REQUEST, UNAUTHORIZED, NOT_FOUND, CONFLICT, TOO_MANY = 400, 401, 404, 409, 429
INSUFFICIENT = "Account has insufficient balance for requested action."
DUPLICATE = "Duplicate order sent."
CLOSED = "Market is closed."


class DialectError(Exception):
    """`code` and `message` are compared by clients; `data` goes with some codes."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = BAD_REQUEST,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.code, "msg": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


def missing(name: str) -> DialectError:
    return DialectError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def invalid(name: str) -> DialectError:
    return DialectError(-1130, f"Data sent for parameter '{name}' is not valid.")


def illegal(name: str, pattern: str) -> DialectError:
    return DialectError(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'."
    )


def superfluous(name: str) -> DialectError:
    return DialectError(-1106, f"Parameter '{name}' sent when not required.")


def filter_failure(name: str) -> DialectError:
    return DialectError(-1013, f"Filter failure: {name}")


def unknown_symbol() -> DialectError:
    return DialectError(-1121, "Invalid symbol.")


def unknown_order() -> DialectError:
    """When looking one up."""
    return DialectError(-2013, "Order does not exist.")


def not_cancelable() -> DialectError:
    """When canceling one that is not there or has ended."""
    return DialectError(-2011, "Unknown order sent.")


def no_such_key() -> DialectError:
    return DialectError(
        -2015, "Invalid API-key, IP, or permissions for action.", status=UNAUTHORIZED
    )


def outcome_unknown() -> DialectError:
    return DialectError(
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status "
        "unknown.",
        status=504,
    )


def unsupported() -> DialectError:
    return DialectError(-1020, "This operation is not supported.")


_FILTERS = {
    "tick_size": "PRICE_FILTER",
    "price_max": "PRICE_FILTER",
    "lot_size": "LOT_SIZE",
    "size_max": "LOT_SIZE",
    "notional_min": "NOTIONAL",
}

_BY_CLASS: tuple[tuple[type[ExchangeError], int, str, int], ...] = (
    (e.UnknownMarket, -1121, "Invalid symbol.", BAD_REQUEST),
    (e.UnknownOrder, -2013, "Order does not exist.", BAD_REQUEST),
    (e.UnknownAsset, -4018, "The coin is not supported.", BAD_REQUEST),
    (e.InvalidAddress, -4007, "The address is invalid.", BAD_REQUEST),
    (e.MarketNotTrading, -2010, CLOSED, BAD_REQUEST),
    (e.InsufficientAvailable, -2010, INSUFFICIENT, BAD_REQUEST),
    (e.AssetPaused, -4019, "Deposits or withdrawals of this coin are closed.", BAD_REQUEST),
    (e.WithdrawalsHeld, -4016, "Withdrawals are locked after a change of access.", BAD_REQUEST),
    (e.AddressNotAllowed, -4035, "The address is not on the whitelist.", BAD_REQUEST),
    (e.TierTooLow, -4015, "Verify your identity first.", BAD_REQUEST),
    (e.LimitExceeded, -4023, "The limit of your tier is exceeded.", BAD_REQUEST),
    (e.SecondFactorRequired, -4013, "A second factor is required.", BAD_REQUEST),
    (e.PermissionMissing, -2015, "Invalid API-key, IP, or permissions for action.", UNAUTHORIZED),
    (e.NotAuthenticated, -2015, "Invalid API-key, IP, or permissions for action.", UNAUTHORIZED),
    (e.IdempotencyBodyDiffers, -2010, DUPLICATE, BAD_REQUEST),
    (e.InvalidAmount, -1013, "Invalid quantity.", BAD_REQUEST),
    (e.RateLimited, -1003, "Too many requests.", TOO_MANY),
    (
        e.Unavailable,
        -1008,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
        503,
    ),
    (
        InternalError,
        -1000,
        "An unknown error occurred while processing the request.",
        500,
    ),
)


def of_refusal(refusal: ExchangeError) -> DialectError:
    """The nearest sentence of the dialect for a refusal of the exchange."""
    if isinstance(refusal, OutcomeUnknownAnswer):
        return outcome_unknown()
    if isinstance(refusal, e.MarketRuleBroken):
        return _of_rule(refusal)
    for kind, code, message, status in _BY_CLASS:
        if isinstance(refusal, kind):
            return DialectError(code, message, status=status)
    return DialectError(-1128, f"Combination of optional parameters invalid. {refusal.message}")


def _of_rule(refusal: e.MarketRuleBroken) -> DialectError:
    name = _FILTERS.get(refusal.fields.get("rule", ""))
    if name is not None:
        return filter_failure(name)
    return DialectError(
        -2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity."
    )


_BY_REASON = {
    "would_take": DialectError(-2010, "Order would immediately match and take."),
    "would_trigger": DialectError(-2010, "Order would trigger immediately."),
    "market_halted": DialectError(-2010, CLOSED),
    "market_cancel_only": DialectError(-2010, CLOSED),
    "not_in_auction": DialectError(-2010, CLOSED),
    "duplicate_order": DialectError(-2010, DUPLICATE),
    "price_out_of_band": filter_failure("PERCENT_PRICE_BY_SIDE"),
    "lots_out_of_range": filter_failure("LOT_SIZE"),
    "notional_too_small": filter_failure("NOTIONAL"),
    "too_many_orders": filter_failure("MAX_NUM_ORDERS"),
}


def of_reason(reason: str) -> DialectError:
    """Why the engine did not take an order."""
    known = _BY_REASON.get(reason)
    if known is None:
        return DialectError(-2010, f"Order was rejected: {reason}.")
    return DialectError(known.code, known.message)
