"""Trading fees: parts per million of what is received, rounded up for the house, never more than
received.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.ids import CustomerId
from domain.market import MarketId

PPM = 1_000_000
BASIS_POINT_PPM = 100


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Rates of one order, fixed when it is placed. 10 basis points are 1,000 parts per million."""

    maker_ppm: int = 10 * BASIS_POINT_PPM
    taker_ppm: int = 20 * BASIS_POINT_PPM

    def __post_init__(self) -> None:
        assert 0 <= self.maker_ppm <= PPM, self
        assert 0 <= self.taker_ppm <= PPM, self


DEFAULT_RATES = FeeRates()

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def fee_units(received_units: int, rate_ppm: int) -> int:
    """The fee on `received_units`. The house gains the remainder of the division."""
    assert received_units >= 0
    return min(received_units, -(-received_units * rate_ppm // PPM))


@dataclass(frozen=True, slots=True)
class FeeRule:
    """A row of the schedule: who gets these rates, where and when. None matches all."""

    rates: FeeRates
    market: MarketId | None = None
    customer_id: CustomerId | None = None
    volume_min_units: int = 0
    """Traded in the last 30 days, in units of the schedule's volume asset."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def is_for(
        self, market: MarketId, customer_id: CustomerId, volume_units: int, at: datetime
    ) -> bool:
        return (
            self.market in (None, market)
            and self.customer_id in (None, customer_id)
            and volume_units >= self.volume_min_units
            and (self.valid_from is None or self.valid_from <= at)
            and (self.valid_until is None or at < self.valid_until)
        )


def rates_for(
    rules: Iterable[FeeRule],
    *,
    market: MarketId,
    customer_id: CustomerId,
    volume_units: int,
    at: datetime,
) -> FeeRates:
    """The rates in force: a promotion for the customer, else for the market, else by volume, else
    the default.

    Among rules equally near to the customer, the highest volume reached counts; then the newest.
    """
    fitting = [rule for rule in rules if rule.is_for(market, customer_id, volume_units, at)]
    if not fitting:
        return DEFAULT_RATES
    best = max(
        fitting,
        key=lambda rule: (
            rule.customer_id is not None,
            rule.market is not None,
            rule.volume_min_units,
            rule.valid_from or _LONG_AGO,
        ),
    )
    return best.rates
