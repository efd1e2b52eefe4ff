"""The assets and markets the exchange lists, and reading them back as domain objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import UnknownAsset, UnknownMarket
from domain.market import Market, MarketId
from domain.money import Asset, AssetCode
from storage import tables_ledger as t

BTC = Asset(AssetCode("BTC"), 8)
ETH = Asset(AssetCode("ETH"), 18)
USDT = Asset(AssetCode("USDT"), 6)

_CHAINS = {BTC.code: "bitcoin", ETH.code: "ethereum", USDT.code: "ethereum"}

LISTED = (
    Market(
        MarketId("BTC-USDT"),
        BTC,
        USDT,
        tick_units=10**4,
        lot_units=10**4,
        notional_min_units=5 * 10**6,
    ),
    Market(
        MarketId("ETH-USDT"),
        ETH,
        USDT,
        tick_units=10**4,
        lot_units=10**14,
        notional_min_units=5 * 10**6,
    ),
    Market(
        MarketId("ETH-BTC"), ETH, BTC, tick_units=10**3, lot_units=10**15, notional_min_units=10**4
    ),
)
"""Ticks: 0.01 USDT, 0.01 USDT, 0.00001 BTC. Lots: 0.0001 BTC, 0.0001 ETH, 0.001 ETH."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is listed; read once at start, as listings change by release."""

    assets: Mapping[AssetCode, Asset]
    markets: Mapping[MarketId, Market]
    chains: Mapping[AssetCode, str]

    def asset(self, code: str) -> Asset:
        try:
            return self.assets[AssetCode(code)]
        except KeyError:
            raise UnknownAsset(f"there is no asset {code[:20]!r}") from None

    def market(self, market_id: str) -> Market:
        try:
            return self.markets[MarketId(market_id)]
        except KeyError:
            raise UnknownMarket(f"there is no market {market_id[:20]!r}") from None


async def read_catalog(connection: AsyncConnection) -> Catalog:
    rows = (
        await connection.execute(select(t.assets.c.code, t.assets.c.scale, t.assets.c.chain))
    ).all()
    assets = {AssetCode(row.code): Asset(AssetCode(row.code), row.scale) for row in rows}
    markets = {}
    for row in (await connection.execute(select(t.markets).order_by(t.markets.c.id))).all():
        markets[MarketId(row.id)] = Market(
            MarketId(row.id),
            assets[AssetCode(row.base)],
            assets[AssetCode(row.quote)],
            tick_units=int(row.tick_units),
            lot_units=int(row.lot_units),
            notional_min_units=int(row.notional_min_units),
            lots_max=row.lots_max,
            price_ticks_max=row.price_ticks_max,
        )
    return Catalog(assets, markets, {AssetCode(row.code): row.chain for row in rows})


async def write_catalog(connection: AsyncConnection) -> None:
    """Add what is listed and not there yet; never changes a row that is."""
    assets = [
        {"code": a.code, "scale": a.scale, "chain": _CHAINS[a.code]} for a in (BTC, ETH, USDT)
    ]
    await connection.execute(insert(t.assets).on_conflict_do_nothing(), assets)
    await connection.execute(
        insert(t.markets).on_conflict_do_nothing(), [_market_row(m) for m in LISTED]
    )
    await connection.execute(
        insert(t.settlement_cursors).on_conflict_do_nothing(), [{"market": m.id} for m in LISTED]
    )


def _market_row(market: Market) -> dict[str, object]:
    return {
        "id": market.id,
        "base": market.base.code,
        "quote": market.quote.code,
        "tick_units": market.tick_units,
        "lot_units": market.lot_units,
        "notional_min_units": market.notional_min_units,
        "lots_max": market.lots_max,
        "price_ticks_max": market.price_ticks_max,
    }
