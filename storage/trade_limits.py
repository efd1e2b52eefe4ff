"""Whether an order still fits its customer's tier: read in the database transaction that places it.

Two things count: what was traded in the window, by the hour, and what open orders promise. So the
limit holds however fast orders come, a canceled order gives back what it took, and a tier that was
lowered counts for the very next order. Customers without limits cost one look at their tier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from compliance.tiers import LIMITS, Flow, Tier, Usage, check_limit, reference_value
from domain.errors import ExchangeError, LimitExceeded, TierTooLow
from domain.money import AssetCode
from ledger.entry import PlaceHold
from storage.order_rows import Placement
from storage.pool import DriverConnection

_FRESH_SECONDS = 60.0
_LIMITED = [tier for tier in Tier if LIMITS[tier][Flow.TRADE].month_units is not None]

# The orders of a customer with limits are weighed one batch after the other, whichever process
# takes them. In the order of customers, so that no two batches wait for each other in a circle.
_TIERS = """
SELECT id, kyc_tier, CASE WHEN kyc_tier = ANY($2::smallint[])
    THEN pg_advisory_xact_lock(hashtextextended('trade limits ' || id, 0)) END
FROM (
    SELECT id, kyc_tier FROM customers
    WHERE id = ANY(string_to_array($1, ',')::bigint[]) ORDER BY id OFFSET 0
) AS c
"""

# A statement of its own, after the lock: only then does it see what the batch before has done.
# An hour counts until all of it is over: 24 to 25 hours, never less. What is held for withdrawals
# is not promised to orders.
USED = """
SELECT c.id, traded.day_units::text, traded.month_units::text, promised.units::text
FROM unnest(string_to_array({ids}, ',')::bigint[]) AS c (id)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(value_units) FILTER (WHERE hour > now() - interval '25 hours'), 0)
            AS day_units,
        coalesce(sum(value_units), 0) AS month_units
    FROM traded_values
    WHERE customer_id = c.id AND hour > now() - interval '30 days 1 hour'
) AS traded
CROSS JOIN LATERAL (
    SELECT coalesce(sum(div(
        greatest(held.units, 0) * p.price_units + 10::numeric ^ a.scale - 1, 10::numeric ^ a.scale
    )), 0) AS units
    FROM (
        SELECT asset, sum(units) AS units FROM (
            SELECT asset, balance AS units FROM accounts
            WHERE customer_id = c.id AND kind = 'customer_held' AND balance > 0
            UNION ALL
            SELECT asset, -(units + fee_units) FROM withdrawals
            WHERE customer_id = c.id AND status NOT IN ('done', 'cancelled', 'rejected')
        ) AS each GROUP BY asset
    ) AS held
    JOIN assets a ON a.code = held.asset
    JOIN reference_prices p ON p.asset = held.asset
) AS promised
"""
_USED = USED.format(ids="$1")

_PRICES = """
SELECT p.asset, p.price_units::text, a.scale FROM reference_prices p JOIN assets a ON a.code = asset
"""

_PLACED = "SELECT id FROM orders WHERE id = ANY(string_to_array($1, ',')::bigint[])"


@dataclass(slots=True)
class TradeUsage:
    """Of one customer, in reference units."""

    day_units: int
    """Traded in 24 hours."""
    month_units: int
    promised_units: int
    """To open orders."""

    def counted(self) -> Usage:
        return Usage(self.day_units + self.promised_units, self.month_units + self.promised_units)


class TradeLimits:
    """One per process. Prices to value other assets by are remembered for a minute."""

    def __init__(self) -> None:
        self._prices: tuple[float, Mapping[AssetCode, tuple[int, int]]] = (0.0, {})

    async def refusals(
        self, connection: DriverConnection, placements: Sequence[Placement]
    ) -> dict[int, ExchangeError]:
        """By command id: TierTooLow or LimitExceeded for the placements that do not fit.

        Within a batch an order counts against those behind it, also when it cannot be held after
        all. One that a lost connection left in doubt fits if it is found placed.
        """
        tiers = await self._tiers(connection, {_owner(each) for each in placements})
        limited = [each for each in placements if tiers.get(_owner(each), Tier.NONE) in _LIMITED]
        if not limited:
            return {}
        used = await _used(connection, {_owner(each) for each in limited})
        prices = await self._known_prices(connection)
        refused: dict[int, tuple[Placement, ExchangeError]] = {}
        for placement in limited:
            owner = _owner(placement)
            try:
                _take(tiers.get(owner, Tier.NONE), used[owner], placement, prices)
            except (TierTooLow, LimitExceeded) as refusal:
                refused[placement.command_id] = (placement, refusal)
        if not refused:
            return {}
        placed = await _placed(connection, [placement for placement, _ in refused.values()])
        return {
            command_id: refusal
            for command_id, (placement, refusal) in refused.items()
            if placement.order_ids[0] not in placed
        }

    async def _tiers(self, connection: DriverConnection, ids: set[int]) -> dict[int, Tier]:
        if not ids:
            return {}
        rows = await connection.fetch(_TIERS, _joined(ids), [int(tier) for tier in _LIMITED])
        return {row["id"]: Tier(row["kyc_tier"]) for row in rows}

    async def _known_prices(
        self, connection: DriverConnection
    ) -> Mapping[AssetCode, tuple[int, int]]:
        """Asset -> reference units for one whole coin, scale."""
        fresh_until, prices = self._prices
        if monotonic() >= fresh_until:
            rows = await connection.fetch(_PRICES)
            prices = {AssetCode(row[0]): (int(row[1]), row[2]) for row in rows}
            self._prices = (monotonic() + _FRESH_SECONDS, prices)
        return prices


def _take(
    tier: Tier,
    used: TradeUsage,
    placement: Placement,
    prices: Mapping[AssetCode, tuple[int, int]],
) -> None:
    """Count what the placement promises. Raises TierTooLow or LimitExceeded, and counts nothing."""
    [hold] = placement.entry.holds
    assert isinstance(hold, PlaceHold)
    price, scale = prices.get(hold.asset, (0, 0))
    value_units = reference_value(hold.units, scale, price)
    check_limit(tier, Flow.TRADE, used.counted(), value_units)
    used.promised_units += value_units


async def _used(connection: DriverConnection, ids: set[int]) -> dict[int, TradeUsage]:
    rows = await connection.fetch(_USED, _joined(ids))
    return {row[0]: TradeUsage(int(row[1]), int(row[2]), int(row[3])) for row in rows}


async def _placed(connection: DriverConnection, placements: Sequence[Placement]) -> set[int]:
    rows = await connection.fetch(_PLACED, _joined(each.order_ids[0] for each in placements))
    return {row[0] for row in rows}


def _owner(placement: Placement) -> int:
    return placement.orders[0].customer_id


def _joined(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))
