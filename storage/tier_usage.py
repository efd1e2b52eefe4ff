"""What a customer has used of their tier's limits, for showing it; refusals read it themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from compliance.tiers import Flow, Tier, Usage
from domain.ids import CustomerId
from storage.trade_limits import USED

_TIER = text("SELECT kyc_tier FROM customers WHERE id = :customer_id")
_FLOWS = text("""
    SELECT flow, sum(value_units) FILTER (WHERE at > now() - interval '24 hours') AS day_units,
        sum(value_units) AS month_units
    FROM limited_flows
    WHERE customer_id = :customer_id AND flow IN ('deposit', 'withdraw')
        AND given_back_at IS NULL AND at > now() - interval '30 days'
    GROUP BY flow
""")
_TRADED = text(USED.format(ids=":customer_id"))


@dataclass(frozen=True, slots=True)
class TierUsage:
    tier: Tier
    used: Mapping[Flow, Usage]
    """As limits count it: trading with what open orders promise."""


async def read_tier_usage(engine: AsyncEngine, customer_id: CustomerId) -> TierUsage:
    async with engine.connect() as connection:
        tier = await connection.scalar(_TIER, {"customer_id": customer_id})
        flows = {
            Flow(row.flow): Usage(int(row.day_units or 0), int(row.month_units))
            for row in await connection.execute(_FLOWS, {"customer_id": customer_id})
        }
        row = (await connection.execute(_TRADED, {"customer_id": str(customer_id)})).one()
    promised = int(row[3])
    traded = Usage(int(row[1]) + promised, int(row[2]) + promised)
    used = {flow: flows.get(flow, Usage(0, 0)) for flow in Flow} | {Flow.TRADE: traded}
    return TierUsage(Tier(int(tier or 0)), used)
