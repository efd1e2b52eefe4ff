"""Deposit addresses and deposits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from api.dependencies import Reader, ServicesOf
from api.fields import DecimalText, Moment
from api.idempotency import IdempotentRoute
from api.pages import CursorQuery, LimitQuery, cursor_of, read_place
from api.v1.documented import refusals
from domain.money import format_units

router = APIRouter(prefix="/v1", tags=["Deposits and withdrawals"], route_class=IdempotentRoute)

AssetPath = Annotated[str, Path(max_length=20, examples=["BTC"])]
DepositPath = Annotated[str, Path(max_length=160)]


class DepositAddressAnswer(BaseModel):
    asset: str = Field(examples=["BTC"])
    chain: str = Field(examples=["bitcoin"])
    address: str
    created_at: Moment
    verified_at: Moment | None = Field(
        description="When the process with the keys derived the same address, a second later or so."
    )


class TimelineEntry(BaseModel):
    at: Moment
    event: str


class DepositAnswer(BaseModel):
    id: str
    asset: str
    chain: str
    amount: DecimalText
    status: str = Field(examples=["credited"])
    txid: str
    address: str
    confirmations: int
    credit_confirmations: int = Field(description="From here on it can be traded.")
    withdrawable_confirmations: int = Field(description="From here on it can leave.")
    detected_at: Moment
    credited_at: Moment | None
    timeline: list[TimelineEntry] | None = None


class DepositList(BaseModel):
    data: list[DepositAnswer]
    next_cursor: str | None


@router.post(
    "/deposit-addresses/{asset}",
    summary="Your deposit address for an asset",
    responses=refusals("not_authenticated", "permission_missing", "unknown_asset", "asset_paused"),
)
async def deposit_address(
    asset: AssetPath, caller: Reader, services: ServicesOf
) -> DepositAddressAnswer:
    """Made at the first asking; later the same. Assets of one chain share an address."""
    found = await services.funds.deposit_address(caller.customer_id, asset)
    return DepositAddressAnswer(
        asset=asset,
        chain=found.chain,
        address=found.address,
        created_at=found.created_at,
        verified_at=found.verified_at,
    )


@router.get(
    "/deposits",
    summary="Your deposits, newest first",
    responses=refusals("invalid_input", "not_authenticated"),
)
async def list_deposits(
    caller: Reader, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> DepositList:
    found = await services.funds.deposits(
        caller.customer_id, before=read_place(cursor), limit=limit
    )
    last = found[-1] if len(found) == limit else None
    return DepositList(
        data=[_deposit(services, row) for row in found],
        next_cursor=None if last is None else cursor_of((last["first_seen_at"], last["id"])),
    )


@router.get(
    "/deposits/{deposit_id}",
    summary="One deposit and what happened to it",
    responses=refusals("not_authenticated", "unknown_deposit"),
)
async def read_deposit(
    deposit_id: DepositPath, caller: Reader, services: ServicesOf
) -> DepositAnswer:
    row, timeline = await services.funds.deposit(caller.customer_id, deposit_id)
    return _deposit(services, row, timeline)


def _deposit(
    services: ServicesOf, row: Mapping[str, Any], timeline: list[Mapping[str, Any]] | None = None
) -> DepositAnswer:
    asset = services.catalog.asset(row["asset"])
    same = ("id", "asset", "chain", "status", "txid", "address", "confirmations")
    return DepositAnswer(
        **{name: row[name] for name in same},
        amount=format_units(int(row["units"]), asset.scale),
        credit_confirmations=row["credit_confirmations"],
        withdrawable_confirmations=row["withdrawable_confirmations"],
        detected_at=row["first_seen_at"],
        credited_at=row["credited_at"],
        timeline=timeline_of(timeline),
    )


def timeline_of(entries: list[Mapping[str, Any]] | None) -> list[TimelineEntry] | None:
    """What happened and when; who of the staff did it is not the customer's business."""
    if entries is None:
        return None
    return [TimelineEntry(at=entry["at"], event=entry["event"]) for entry in entries]
