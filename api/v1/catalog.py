"""Assets and markets: what is listed, with its steps and fees."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.dependencies import ServicesOf
from api.v1.documented import refusals
from domain.market import Market
from domain.money import Asset, format_units

router = APIRouter(prefix="/v1", tags=["Markets"])


class AssetAnswer(BaseModel):
    code: str = Field(examples=["BTC"])
    decimals: int = Field(examples=[8])
    chain: str = Field(examples=["bitcoin"])


class AssetList(BaseModel):
    data: list[AssetAnswer]


class MarketAnswer(BaseModel):
    id: str = Field(examples=["BTC-USDT"])
    base: str = Field(examples=["BTC"])
    quote: str = Field(examples=["USDT"])
    state: str = Field(examples=["trading"])
    tick_size: str = Field(examples=["0.01"], description="Prices are multiples of it.")
    lot_size: str = Field(examples=["0.0001"], description="Sizes are multiples of it.")
    notional_min: str = Field(examples=["5"], description="Smallest price times size.")
    size_max: str
    price_max: str


class MarketList(BaseModel):
    data: list[MarketAnswer]


@router.get("/assets", summary="Every asset", responses=refusals())
async def list_assets(services: ServicesOf) -> AssetList:
    return AssetList(data=[_asset(services, asset) for asset in services.catalog.assets.values()])


@router.get("/assets/{asset}", summary="One asset", responses=refusals("unknown_asset"))
async def read_asset(asset: str, services: ServicesOf) -> AssetAnswer:
    return _asset(services, services.catalog.asset(asset))


@router.get("/markets", summary="Every market", responses=refusals())
async def list_markets(services: ServicesOf) -> MarketList:
    return MarketList(data=[_market(services, one) for one in services.catalog.markets.values()])


@router.get("/markets/{market}", summary="One market", responses=refusals("unknown_market"))
async def read_market(market: str, services: ServicesOf) -> MarketAnswer:
    return _market(services, services.catalog.market(market))


def _asset(services: ServicesOf, asset: Asset) -> AssetAnswer:
    chain = services.catalog.chains[asset.code]
    return AssetAnswer(code=asset.code, decimals=asset.scale, chain=chain)


def _market(services: ServicesOf, market: Market) -> MarketAnswer:
    return MarketAnswer(
        id=market.id,
        base=market.base.code,
        quote=market.quote.code,
        state=services.trading.market_data.state(market.id),
        tick_size=format_units(market.tick_units, market.quote.scale),
        lot_size=format_units(market.lot_units, market.base.scale),
        notional_min=format_units(market.notional_min_units, market.quote.scale),
        size_max=market.format_size(market.lots_max),
        price_max=market.format_price(market.price_ticks_max),
    )
