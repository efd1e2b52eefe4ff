"""What trading and withdrawing costs."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.dependencies import ServicesOf
from api.fields import DecimalText
from api.services import Services
from api.v1.documented import refusals
from domain.money import format_units
from ledger.fees import DEFAULT_RATES, FeeRule
from storage.custody_policy import AssetPolicy
from storage.fees import FeeSchedule

router = APIRouter(prefix="/v1", tags=["Markets"])

_PERCENT_SCALE = 4
"""A part per million is 0.0001 percent."""
_VOLUME_SCALE = 6
"""Of volumes that count in every market: they are in USDT units."""


class TradingFee(BaseModel):
    market: str | None = Field(description="Null: every market.")
    volume_min: DecimalText = Field(description="Traded in 30 days, in the quote asset.")
    maker_percent: DecimalText = Field(examples=["0.1"])
    taker_percent: DecimalText = Field(examples=["0.2"])


class AssetFee(BaseModel):
    asset: str = Field(examples=["BTC"])
    chain: str = Field(examples=["bitcoin"])
    withdrawal_fee: DecimalText = Field(description="Fixed when the withdrawal is asked for.")
    withdrawal_min: DecimalText
    deposit_min: DecimalText = Field(description="Less is credited once deposits add up to it.")


class FeesAnswer(BaseModel):
    trading: list[TradingFee] = Field(description="The narrowest row that fits is taken.")
    assets: list[AssetFee]


@router.get("/fees", summary="Fees", responses=refusals())
async def read_fees(services: ServicesOf) -> FeesAnswer:
    """Of everybody; a promotion of your own may be better."""
    rules = await FeeSchedule(services.engine).public_rules()
    policies = await services.funds.policies()
    return FeesAnswer(
        trading=[_trading(services, rule) for rule in rules or [FeeRule(DEFAULT_RATES)]],
        assets=[_asset(policy) for policy in policies],
    )


def _trading(services: Services, rule: FeeRule) -> TradingFee:
    scale = _VOLUME_SCALE
    if rule.market is not None:
        scale = services.catalog.market(rule.market).quote.scale
    return TradingFee(
        market=rule.market,
        volume_min=format_units(rule.volume_min_units, scale),
        maker_percent=format_units(rule.rates.maker_ppm, _PERCENT_SCALE),
        taker_percent=format_units(rule.rates.taker_ppm, _PERCENT_SCALE),
    )


def _asset(policy: AssetPolicy) -> AssetFee:
    return AssetFee(
        asset=policy.asset,
        chain=policy.chain,
        withdrawal_fee=format_units(policy.withdrawal_fee_units, policy.scale),
        withdrawal_min=format_units(policy.withdrawal_min_units, policy.scale),
        deposit_min=format_units(policy.deposit_min_units, policy.scale),
    )
