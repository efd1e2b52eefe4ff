"""The wallet service's routes. Callers show a customer's session token; none needs a key."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text

from api.dependencies import origin_of
from api.exchange.identity import Identity
from api.wallet_service.desk import WalletDesk
from domain.errors import NotAuthenticated
from domain.ids import CustomerId
from storage.hot_wallets import HotWalletState

router = APIRouter(prefix="/v1")
health = APIRouter()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AddressRequest(_Strict):
    asset: str = Field(max_length=20, examples=["BTC"])
    fresh: bool = Field(default=False, description="A new address; earlier ones keep working.")


class AddressAnswer(BaseModel):
    asset: str
    chain: str
    address: str
    created_at: datetime


class CheckRequest(_Strict):
    asset: str = Field(max_length=20, examples=["ETH"])
    address: str = Field(max_length=120)


class CheckAnswer(BaseModel):
    is_valid: bool
    address: str = Field(description="In its normal form; empty when it is not valid.")
    kind: str
    is_ours: bool = Field(description="A payment there is a transfer inside the exchange.")
    reason: str


class HotWalletAnswer(BaseModel):
    asset: str
    chain: str
    state: HotWalletState
    reason: str
    waiting: int = Field(description="Approved withdrawals that have not left yet.")
    expected_seconds: int = Field(description="From approval to the first confirmation.")


def desk_of(request: Request) -> WalletDesk:
    return cast("WalletDesk", request.app.state.desk)


async def customer_of(request: Request) -> CustomerId:
    """The customer whose session token the request carries."""
    identity = cast("Identity", request.app.state.identity)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("send a session token")
    caller = await identity.by_token(token.strip(), origin_of(request))
    return caller.customer_id


DeskOf = Annotated[WalletDesk, Depends(desk_of)]
CustomerOf = Annotated[CustomerId, Depends(customer_of)]


@router.post("/deposit-addresses", summary="Your deposit address for an asset")
async def deposit_address(
    body: AddressRequest, customer_id: CustomerOf, desk: DeskOf
) -> AddressAnswer:
    found = await desk.deposit_address(customer_id, body.asset, fresh=body.fresh)
    return AddressAnswer(
        asset=body.asset, chain=found.chain, address=found.address, created_at=found.created_at
    )


@router.post("/address-checks", summary="Whether an address can be paid, and whether it is ours")
async def check_address(body: CheckRequest, _: CustomerOf, desk: DeskOf) -> CheckAnswer:
    return CheckAnswer(**asdict(await desk.check(body.asset, body.address)))


@router.get("/hot-wallets", summary="How soon withdrawals leave, asset by asset")
async def hot_wallets(desk: DeskOf) -> list[HotWalletAnswer]:
    return [HotWalletAnswer(**asdict(each)) for each in await desk.hot_wallets()]


@health.get("/healthz", include_in_schema=False)
async def healthz(request: Request) -> dict[str, object]:
    """Answers once the database does."""
    async with request.app.state.engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return {"healthy": True, "parts": {"postgres": True}}
