"""What the customer owns."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.dependencies import Reader, ServicesOf
from api.fields import DecimalText
from api.v1.documented import refusals
from domain.money import Asset, format_units
from storage.ledger import Balance

router = APIRouter(prefix="/v1", tags=["Balances"])


class BalanceAnswer(BaseModel):
    asset: str = Field(examples=["BTC"])
    available: DecimalText = Field(description="Free to use.")
    held: DecimalText = Field(description="Promised to open orders and withdrawals.")
    total: DecimalText


class BalanceList(BaseModel):
    data: list[BalanceAnswer]


@router.get("/balances", summary="Every balance", responses=refusals("not_authenticated"))
async def list_balances(caller: Reader, services: ServicesOf) -> BalanceList:
    """One row per asset, also where you own nothing of it."""
    found = {each.asset: each for each in await services.ledger.balances(caller.customer_id)}
    return BalanceList(
        data=[
            balance_answer(asset, found.get(asset.code))
            for asset in services.catalog.assets.values()
        ]
    )


@router.get(
    "/balances/{asset}",
    summary="One balance",
    responses=refusals("not_authenticated", "unknown_asset"),
)
async def read_balance(asset: str, caller: Reader, services: ServicesOf) -> BalanceAnswer:
    listed = services.catalog.asset(asset)
    found = await services.ledger.balances(caller.customer_id)
    return balance_answer(listed, next((each for each in found if each.asset == asset), None))


def balance_answer(asset: Asset, balance: Balance | None) -> BalanceAnswer:
    available = balance.available_units if balance is not None else 0
    held = balance.held_units if balance is not None else 0
    return BalanceAnswer(
        asset=asset.code,
        available=format_units(available, asset.scale),
        held=format_units(held, asset.scale),
        total=format_units(available + held, asset.scale),
    )
