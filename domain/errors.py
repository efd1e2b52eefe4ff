"""Refusals: what a caller asked for and cannot have, each with a stable code.

    ExchangeError                      has a code; the API maps codes to statuses in one place
    ├── InvalidInput                   the request itself is wrong; sending it again cannot help
    │   ├── InvalidAmount              not a number, negative, zero, too many decimals, too large
    │   ├── InvalidAddress             wrong network, bad checksum, not payable by us
    │   ├── UnknownAsset · UnknownMarket · UnknownOrder · UnknownDeposit · UnknownWithdrawal
    │   ├── UnknownCustomer · UnknownSession · UnknownApiKey · UnknownAddress
    │   ├── UnknownPasskey · UnknownWebhook · UnknownDelivery · WebhookUrlRefused
    │   ├── WeakPassword
    │   └── MarketRuleBroken           tick, lot, minimum notional, price band
    ├── NotAllowed                     right request, but not by this caller or not now
    │   ├── NotAuthenticated · SessionExpired · SignatureInvalid
    │   ├── PermissionMissing · SecondFactorRequired
    │   ├── TierTooLow · LimitExceeded · MarketNotTrading · AssetPaused
    │   ├── WithdrawalsHeld · AddressNotAllowed
    │   └── RateLimited
    ├── Conflict                       the id is taken
    │   ├── TooManyWebhooks
    │   ├── IdempotencyBodyDiffers     same key or id, other body
    │   ├── InFlight                   the first request with this key has not finished
    │   └── WrongState                 the thing is not in a state that allows this
    ├── InsufficientAvailable          needs more than is free to use
    └── Unavailable                    a part we need is down; nothing happened; try again

A fault (network, node, database) is not here: it raises as it is and is retried. A broken
invariant is an `assert`. "Unknown" is no error but an outcome: look the thing up by its id.
"""

from __future__ import annotations


class ExchangeError(Exception):
    """A refusal. `code` is stable and public; the message states need and have."""

    code = "refused"

    def __init__(self, message: str, **fields: str) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields
        """Machine-readable details, as text: `{"needed": "0.5", "available": "0.2"}`."""


class InvalidInput(ExchangeError):
    code = "invalid_input"


class InvalidAmount(InvalidInput):
    code = "invalid_amount"


class InvalidAddress(InvalidInput):
    code = "invalid_address"


class UnknownAsset(InvalidInput):
    code = "unknown_asset"


class UnknownMarket(InvalidInput):
    code = "unknown_market"


class UnknownOrder(InvalidInput):
    code = "unknown_order"


class UnknownDeposit(InvalidInput):
    code = "unknown_deposit"


class UnknownWithdrawal(InvalidInput):
    code = "unknown_withdrawal"


class UnknownCustomer(InvalidInput):
    code = "unknown_customer"


class UnknownSession(InvalidInput):
    code = "unknown_session"


class UnknownPasskey(InvalidInput):
    code = "unknown_passkey"


class UnknownApiKey(InvalidInput):
    code = "unknown_api_key"


class UnknownAddress(InvalidInput):
    code = "unknown_address"


class UnknownWebhook(InvalidInput):
    code = "unknown_webhook"


class UnknownDelivery(InvalidInput):
    code = "unknown_delivery"


class WebhookUrlRefused(InvalidInput):
    code = "webhook_url_refused"


class UnknownReserves(InvalidInput):
    """No such proof of reserves was published, or it has no leaf of this customer."""

    code = "unknown_reserves"


class WeakPassword(InvalidInput):
    code = "weak_password"


class MarketRuleBroken(InvalidInput):
    code = "market_rule_broken"


class NotAllowed(ExchangeError):
    code = "not_allowed"


class NotAuthenticated(NotAllowed):
    code = "not_authenticated"


class SessionExpired(NotAuthenticated):
    code = "session_expired"


class SignatureInvalid(NotAuthenticated):
    code = "signature_invalid"


class SecondFactorRequired(NotAllowed):
    code = "second_factor_required"


class PermissionMissing(NotAllowed):
    code = "permission_missing"


class TierTooLow(NotAllowed):
    code = "tier_too_low"


class LimitExceeded(NotAllowed):
    code = "limit_exceeded"


class MarketNotTrading(NotAllowed):
    code = "market_not_trading"


class AssetPaused(NotAllowed):
    code = "asset_paused"


class WithdrawalsHeld(NotAllowed):
    """After a change of password, second factor or allow-list, or by order of staff."""

    code = "withdrawals_held"


class AddressNotAllowed(NotAllowed):
    """The customer allows only addresses of the address book, and this is none, or not yet."""

    code = "address_not_allowed"


class RateLimited(NotAllowed):
    code = "rate_limited"


class Conflict(ExchangeError):
    code = "conflict"


class TooManyWebhooks(Conflict):
    code = "too_many_webhooks"


class IdempotencyBodyDiffers(Conflict):
    code = "idempotency_body_differs"


class InFlight(Conflict):
    code = "in_flight"


class WrongState(Conflict):
    code = "wrong_state"


class InsufficientAvailable(ExchangeError):
    code = "insufficient_available"


class Unavailable(ExchangeError):
    code = "unavailable"
