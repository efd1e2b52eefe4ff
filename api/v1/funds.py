"""Deposit addresses, deposits and withdrawals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from api.dependencies import Reader, ServicesOf, Withdrawer
from api.errors import IdempotencyKeyInvalid
from api.exchange.funds import Wanted
from api.fields import DecimalText, Moment
from api.idempotency import HEADER, IdempotentRoute
from api.pages import CursorQuery, LimitQuery, cursor_at, read_cursor
from api.v1.documented import refusals
from domain.money import format_units

router = APIRouter(prefix="/v1", tags=["Deposits and withdrawals"], route_class=IdempotentRoute)

AssetPath = Annotated[str, Path(max_length=20, examples=["BTC"])]
DepositPath = Annotated[str, Path(max_length=160)]
WithdrawalPath = Annotated[str, Path(max_length=64)]


class DepositAddressAnswer(BaseModel):
    asset: str = Field(examples=["BTC"])
    chain: str = Field(examples=["bitcoin"])
    address: str
    created_at: Moment


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


class WithdrawalBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    asset: Annotated[str, Field(max_length=20, examples=["BTC"])]
    amount: DecimalText = Field(description="What the payee receives; the fee comes on top.")
    address: Annotated[str, Field(min_length=1, max_length=120)]
    memo: Annotated[str, Field(max_length=120)] = ""


class WithdrawalAnswer(BaseModel):
    id: str
    asset: str
    chain: str
    amount: DecimalText
    fee: DecimalText
    address: str
    memo: str
    kind: str = Field(examples=["chain"])
    status: str = Field(examples=["held"])
    reason: str = Field(
        description="Why it waits or was rejected, where there is something to say."
    )
    txid: str | None
    created_at: Moment
    broadcast_at: Moment | None
    confirmed_at: Moment | None
    timeline: list[TimelineEntry] | None = None


class WithdrawalList(BaseModel):
    data: list[WithdrawalAnswer]
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
        asset=asset, chain=found.chain, address=found.address, created_at=found.created_at
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
        caller.customer_id, before=_moment(read_cursor(cursor)), limit=limit
    )
    last = found[-1]["first_seen_at"] if len(found) == limit else None
    return DepositList(data=[_deposit(services, row) for row in found], next_cursor=_cursor(last))


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


@router.post(
    "/withdrawals",
    status_code=202,
    summary="Request a withdrawal",
    responses=refusals(
        "malformed_json",
        "invalid_input",
        "idempotency_key_invalid",
        "not_authenticated",
        "permission_missing",
        "second_factor_required",
        "tier_too_low",
        "limit_exceeded",
        "withdrawals_held",
        "address_not_allowed",
        "unknown_asset",
        "asset_paused",
        "in_flight",
        "invalid_amount",
        "invalid_address",
        "insufficient_available",
        "idempotency_body_differs",
    ),
)
async def request_withdrawal(
    request: Request, body: WithdrawalBody, caller: Withdrawer, services: ServicesOf
) -> WithdrawalAnswer:
    """The amount and the fee are held at once. Needs an `Idempotency-Key`."""
    key = request.headers.get(HEADER)
    if key is None:
        raise IdempotencyKeyInvalid("withdrawals need an Idempotency-Key")
    if caller.session is not None:
        await services.people.second_factor.require_step_up(caller)
    wanted = Wanted(body.asset, body.amount, body.address, body.memo)
    requested = await services.funds.withdraw(caller.customer_id, key, wanted)
    if not requested.replayed:
        await services.people.customers.record(
            caller.action("withdrawal_requested", withdrawal_id=requested.row.id)
        )
    return _withdrawal(services, requested.row)


@router.get(
    "/withdrawals",
    summary="Your withdrawals, newest first",
    responses=refusals("invalid_input", "not_authenticated"),
)
async def list_withdrawals(
    caller: Reader, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> WithdrawalList:
    found = await services.funds.withdrawals(
        caller.customer_id, before=_moment(read_cursor(cursor)), limit=limit
    )
    last = found[-1].created_at if len(found) == limit else None
    return WithdrawalList(
        data=[_withdrawal(services, row) for row in found], next_cursor=_cursor(last)
    )


@router.get(
    "/withdrawals/{withdrawal_id}",
    summary="One withdrawal and what happened to it",
    responses=refusals("not_authenticated", "unknown_withdrawal"),
)
async def read_withdrawal(
    withdrawal_id: WithdrawalPath, caller: Reader, services: ServicesOf
) -> WithdrawalAnswer:
    row, timeline = await services.funds.withdrawal(caller.customer_id, withdrawal_id)
    return _withdrawal(services, row, timeline)


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
        timeline=_timeline(timeline),
    )


def _withdrawal(
    services: ServicesOf, row: Row[Any], timeline: list[Mapping[str, Any]] | None = None
) -> WithdrawalAnswer:
    asset = services.catalog.asset(row.asset)
    return WithdrawalAnswer(
        id=row.id,
        asset=row.asset,
        chain=row.chain,
        amount=format_units(int(row.units), asset.scale),
        fee=format_units(int(row.fee_units), asset.scale),
        address=row.address,
        memo=row.memo,
        kind=row.kind,
        status=row.status,
        reason=row.reason,
        txid=row.txid,
        created_at=row.created_at,
        broadcast_at=row.broadcast_at,
        confirmed_at=row.confirmed_at,
        timeline=_timeline(timeline),
    )


def _timeline(entries: list[Mapping[str, Any]] | None) -> list[TimelineEntry] | None:
    """What happened and when; who of the staff did it is not the customer's business."""
    if entries is None:
        return None
    return [TimelineEntry(at=entry["at"], event=entry["event"]) for entry in entries]


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1e6, UTC)


def _cursor(moment: datetime | None) -> str | None:
    return None if moment is None else cursor_at(round(moment.timestamp() * 1e6))
