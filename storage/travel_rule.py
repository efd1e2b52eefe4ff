"""Travel-rule messages, and what transfers are worth: the rows behind both."""

from __future__ import annotations

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from compliance.tiers import Flow, Tier, Usage, check_limit, reference_value
from domain.errors import LimitExceeded, TierTooLow
from domain.ids import CustomerId
from domain.money import parse_units
from storage.tables_compliance import limited_flows, reference_prices, travel_rule_messages
from storage.tables_customers import customers
from storage.tables_ledger import assets


class TravelRuleStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def value_units(self, asset: str, amount: str) -> int:
        """In units of the reference asset, rounded up."""
        statement = (
            select(reference_prices.c.price_units, assets.c.scale)
            .join(assets, assets.c.code == reference_prices.c.asset)
            .where(reference_prices.c.asset == asset)
        )
        async with self._engine.connect() as connection:
            price, scale = (await connection.execute(statement)).one()
        return reference_value(parse_units(amount, scale), scale, int(price))

    async def write_down(
        self, reference: str, customer_id: int, direction: str, state: str, sealed: bytes | None
    ) -> None:
        """One row a transfer; the newest state stands."""
        news = {"state": state, "sealed": sealed, "changed_at": func.now()}
        statement = (
            postgres_insert(travel_rule_messages)
            .values(reference=reference, customer_id=customer_id, direction=direction, **news)
            .on_conflict_do_update(index_elements=["reference"], set_=news)
        )
        async with self._engine.begin() as connection:
            await connection.execute(statement)

    async def count_deposit(self, customer_id: int, reference: str, value_units: int) -> str:
        """Count it against the tier's deposit limits. The refusal's sentence; empty: it fits.

        A deposit that was counted fits, however often it is asked about.
        """
        async with self._engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
                {"key": f"deposit limits {customer_id}"},
            )
            flows = limited_flows.c
            known = select(flows.reference).where(
                flows.customer_id == customer_id,
                flows.flow == Flow.DEPOSIT,
                flows.reference == reference,
            )
            if (await connection.execute(known)).scalar_one_or_none() is not None:
                return ""
            tier = await connection.scalar(
                select(customers.c.kyc_tier).where(customers.c.id == customer_id)
            )
            used = await _used(connection, CustomerId(customer_id))
            try:
                check_limit(Tier(int(tier or 0)), Flow.DEPOSIT, used, value_units)
            except (LimitExceeded, TierTooLow) as refusal:
                return refusal.message
            await connection.execute(
                insert(limited_flows).values(
                    customer_id=customer_id,
                    flow=Flow.DEPOSIT,
                    reference=reference,
                    value_units=value_units,
                )
            )
        return ""


async def _used(connection: AsyncConnection, customer_id: CustomerId) -> Usage:
    flows = limited_flows.c
    day = func.sum(flows.value_units).filter(flows.at > func.now() - text("interval '24 hours'"))
    row = (
        await connection.execute(
            select(func.coalesce(day, 0), func.coalesce(func.sum(flows.value_units), 0)).where(
                flows.customer_id == customer_id,
                flows.flow == Flow.DEPOSIT,
                flows.given_back_at.is_(None),
                flows.at > func.now() - text("interval '30 days'"),
            )
        )
    ).one()
    return Usage(int(row[0]), int(row[1]))
