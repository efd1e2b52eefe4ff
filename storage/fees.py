"""The fee schedule: which rates an order gets when it is placed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ids import CustomerId
from domain.market import MarketId
from ledger.fees import FeeRates, FeeRule, rates_for
from storage import tables_ledger as t

VOLUME_DAYS = 30
_FRESH_SECONDS = 60.0
"""Rates follow a changed schedule, or a grown volume, within a minute."""
_REMEMBERED_MAX = 100_000


class FeeSchedule:
    """Rates by customer and market, remembered for a minute."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._rates: dict[tuple[CustomerId, MarketId], tuple[float, FeeRates]] = {}
        self._rules: tuple[float, list[FeeRule]] = (0.0, [])
        self._reading = asyncio.Lock()

    async def rates(self, customer_id: CustomerId, market: MarketId) -> FeeRates:
        """What an order of the customer in the market pays, if it is placed now."""
        key = (customer_id, market)
        fresh_until, rates = self._rates.get(key, (0.0, FeeRates()))
        if monotonic() < fresh_until:
            return rates
        if len(self._rates) >= _REMEMBERED_MAX:
            self._rates.clear()
        now = datetime.now(UTC)
        rules = await self._read_rules()
        counts_volume = any(rule.volume_min_units for rule in rules)
        rates = rates_for(
            rules,
            market=market,
            customer_id=customer_id,
            volume_units=await self.volume_units(customer_id, market, now) if counts_volume else 0,
            at=now,
        )
        self._rates[key] = (monotonic() + _FRESH_SECONDS, rates)
        return rates

    def forget(self) -> None:
        """Read everything again: a schedule that was changed counts at once, here."""
        self._rates.clear()
        self._rules = (0.0, [])

    async def public_rules(self) -> list[FeeRule]:
        """What is in force now for everybody, by market and volume."""
        now = datetime.now(UTC)
        rules = [
            rule
            for rule in await self._read_rules()
            if rule.customer_id is None
            and (rule.valid_from is None or rule.valid_from <= now)
            and (rule.valid_until is None or now < rule.valid_until)
        ]
        return sorted(rules, key=lambda rule: (rule.market or "", rule.volume_min_units))

    async def volume_units(self, customer_id: CustomerId, market: MarketId, now: datetime) -> int:
        """Quote units the customer traded in the market in the last 30 days, today included."""
        volumes = t.trading_volumes.c
        since = (now - timedelta(days=VOLUME_DAYS)).date()
        query = select(func.coalesce(func.sum(volumes.quote_units), 0)).where(
            volumes.customer_id == customer_id, volumes.market == market, volumes.day > since
        )
        async with self._engine.connect() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def _read_rules(self) -> list[FeeRule]:
        async with self._reading:
            fresh_until, rules = self._rules
            if monotonic() < fresh_until:
                return rules
            async with self._engine.connect() as connection:
                rows = (await connection.execute(select(t.fee_rates))).all()
            rules = [
                FeeRule(
                    FeeRates(row.maker_fee_ppm, row.taker_fee_ppm),
                    MarketId(row.market) if row.market else None,
                    CustomerId(row.customer_id) if row.customer_id else None,
                    int(row.volume_min_units),
                    row.valid_from,
                    row.valid_until,
                )
                for row in rows
            ]
            self._rules = (monotonic() + _FRESH_SECONDS, rules)
            return rules
