"""The assets and markets that events speak of, as a processor without a database is given them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import UnknownAsset, UnknownMarket
from domain.market import Market, MarketId
from domain.money import Asset, AssetCode


@dataclass(frozen=True, slots=True)
class Listings:
    assets: Mapping[str, Asset]
    markets: Mapping[str, Market]

    def asset(self, code: str) -> Asset:
        try:
            return self.assets[code]
        except KeyError:
            raise UnknownAsset(f"there is no asset {code[:20]!r}") from None

    def market(self, market_id: str) -> Market:
        try:
            return self.markets[market_id]
        except KeyError:
            raise UnknownMarket(f"there is no market {market_id[:20]!r}") from None

    @classmethod
    def of(cls, assets: Iterable[Asset], markets: Iterable[Market]) -> Listings:
        return cls(
            {asset.code: asset for asset in assets}, {market.id: market for market in markets}
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "assets": {asset.code: asset.scale for asset in self.assets.values()},
            "markets": [
                {
                    "id": market.id,
                    "base": market.base.code,
                    "quote": market.quote.code,
                    "tick_units": str(market.tick_units),
                    "lot_units": str(market.lot_units),
                }
                for market in self.markets.values()
            ],
        }

    @classmethod
    def from_json(cls, body: Any) -> Listings:
        assets = {
            code: Asset(AssetCode(code), int(scale)) for code, scale in body["assets"].items()
        }
        markets = [
            Market(
                MarketId(row["id"]),
                assets[row["base"]],
                assets[row["quote"]],
                tick_units=int(row["tick_units"]),
                lot_units=int(row["lot_units"]),
                notional_min_units=0,  # Orders were judged before they became events.
            )
            for row in body["markets"]
        ]
        return cls.of(assets.values(), markets)
