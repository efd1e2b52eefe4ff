"""KYC tiers: what each needs, and how much value may flow through each in 24 hours and in 30 days.

Limits are in units of the reference asset, USDT (scale 6); other assets are valued at request time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from domain.errors import LimitExceeded, TierTooLow
from domain.money import format_units

REFERENCE_ASSET = "USDT"
REFERENCE_SCALE = 6


class Tier(IntEnum):
    NONE = 0
    BASIC = 1
    FULL = 2
    ENHANCED = 3


class Flow(StrEnum):
    DEPOSIT = "deposit"
    TRADE = "trade"
    WITHDRAW = "withdraw"


class Requirement(StrEnum):
    """What a customer hands in; machine-readable in `GET /v1/account`."""

    PROFILE = "profile"
    IDENTITY_DOCUMENT = "identity_document"
    SELFIE = "selfie"
    PROOF_OF_ADDRESS = "proof_of_address"
    SOURCE_OF_FUNDS = "source_of_funds"


@dataclass(frozen=True, slots=True)
class Limit:
    """Most that may flow in a window, in reference units. None: no limit of ours."""

    day_units: int | None
    month_units: int | None


def _thousands(day: int, month: int) -> Limit:
    return Limit(day * 1000 * 10**REFERENCE_SCALE, month * 1000 * 10**REFERENCE_SCALE)


_NOTHING = Limit(0, 0)
_UNLIMITED = Limit(None, None)

LIMITS: Mapping[Tier, Mapping[Flow, Limit]] = {
    # Deposits cannot be refused on a chain: an unverified customer's coins arrive and wait.
    Tier.NONE: {Flow.DEPOSIT: _UNLIMITED, Flow.TRADE: _NOTHING, Flow.WITHDRAW: _NOTHING},
    Tier.BASIC: {
        Flow.DEPOSIT: _thousands(50, 500),
        Flow.TRADE: _thousands(1_000, 10_000),
        Flow.WITHDRAW: _thousands(10, 100),
    },
    Tier.FULL: {
        Flow.DEPOSIT: _thousands(1_000, 10_000),
        Flow.TRADE: _thousands(50_000, 500_000),
        Flow.WITHDRAW: _thousands(500, 5_000),
    },
    Tier.ENHANCED: {Flow.DEPOSIT: _UNLIMITED, Flow.TRADE: _UNLIMITED, Flow.WITHDRAW: _UNLIMITED},
}

REQUIREMENTS: Mapping[Tier, tuple[Requirement, ...]] = {
    Tier.NONE: (),
    Tier.BASIC: (Requirement.PROFILE, Requirement.IDENTITY_DOCUMENT),
    Tier.FULL: (Requirement.PROFILE, Requirement.IDENTITY_DOCUMENT, Requirement.SELFIE),
    Tier.ENHANCED: (
        Requirement.PROFILE,
        Requirement.IDENTITY_DOCUMENT,
        Requirement.SELFIE,
        Requirement.PROOF_OF_ADDRESS,
        Requirement.SOURCE_OF_FUNDS,
    ),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What already flowed, in reference units; the 30 days include the last 24 hours."""

    day_units: int
    month_units: int


def check_limit(tier: Tier, flow: Flow, used: Usage, value_units: int) -> None:
    """Raises TierTooLow when the tier allows none of it, LimitExceeded when this is too much."""
    limit = LIMITS[tier][flow]
    if limit.month_units == 0:
        raise TierTooLow(
            f"to {flow} you need KYC tier {int(lowest_tier(flow))}, you have tier {int(tier)}",
            needed_tier=str(int(lowest_tier(flow))),
            tier=str(int(tier)),
        )
    _check_window(limit.day_units, used.day_units, value_units, f"24-hour {flow}")
    _check_window(limit.month_units, used.month_units, value_units, f"30-day {flow}")


def lowest_tier(flow: Flow) -> Tier:
    return next(tier for tier in Tier if LIMITS[tier][flow].month_units != 0)


def missing_requirements(tier: Tier, provided: frozenset[Requirement]) -> tuple[Requirement, ...]:
    return tuple(need for need in REQUIREMENTS[tier] if need not in provided)


def reference_value(units: int, scale: int, price_units: int) -> int:
    """Value in reference units of `units` of an asset at `price_units` for one whole coin.

    Rounded up: a limit is never passed by the remainder.
    """
    whole_coin: int = 10**scale
    return -(-units * price_units // whole_coin)


def _check_window(limit_units: int | None, used_units: int, value_units: int, name: str) -> None:
    if limit_units is None or used_units + value_units <= limit_units:
        return
    left = max(0, limit_units - used_units)
    raise LimitExceeded(
        f"the {name} limit leaves {_money(left)}, this needs {_money(value_units)}",
        limit=format_units(limit_units, REFERENCE_SCALE),
        left=format_units(left, REFERENCE_SCALE),
        needed=format_units(value_units, REFERENCE_SCALE),
        asset=REFERENCE_ASSET,
    )


def _money(units: int) -> str:
    return f"{format_units(units, REFERENCE_SCALE)} {REFERENCE_ASSET}"
