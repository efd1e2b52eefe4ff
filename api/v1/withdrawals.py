"""Withdrawals: quote, ask, watch, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from api.dependencies import Reader, ServicesOf, Withdrawer
from api.errors import IdempotencyKeyInvalid
from api.exchange.funds import Quote, Wanted
from api.fields import PAYEE, DecimalText, Moment
from api.idempotency import HEADER, IdempotentRoute
from api.pages import CursorQuery, LimitQuery, cursor_of, read_place
from api.v1.documented import refusals
from api.v1.funds import TimelineEntry, timeline_of
from domain.money import format_units
from domain.withdrawal_estimate import Estimate, WaitsFor

router = APIRouter(prefix="/v1", tags=["Deposits and withdrawals"], route_class=IdempotentRoute)

WithdrawalPath = Annotated[str, Path(max_length=64)]


class WithdrawalBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    asset: Annotated[str, Field(max_length=20, examples=["BTC"])]
    amount: DecimalText = Field(description="What the payee receives; the fee comes on top.")
    address: Annotated[str, Field(min_length=1, max_length=120, examples=[PAYEE])]
    memo: Annotated[str, Field(max_length=120)] = ""


class EstimateAnswer(BaseModel):
    waits_for: WaitsFor
    expected_at: Moment | None = Field(
        description="First confirmation, as things are now. Null: nobody knows."
    )


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
    estimate: EstimateAnswer | None = Field(description="Null once there is nothing to wait for.")
    txid: str | None
    created_at: Moment
    broadcast_at: Moment | None
    confirmed_at: Moment | None
    timeline: list[TimelineEntry] | None = None


class WithdrawalList(BaseModel):
    data: list[WithdrawalAnswer]
    next_cursor: str | None


class QuoteAnswer(BaseModel):
    asset: str
    chain: str
    kind: Literal["chain", "internal"] = Field(
        description="Internal: to another customer of ours, free and without a transaction."
    )
    amount: DecimalText
    fee: DecimalText
    total: DecimalText = Field(description="What is held: amount and fee.")
    minimum: DecimalText
    memo_required: bool
    estimate: EstimateAnswer | None


@router.get(
    "/withdrawals/quote",
    summary="What a withdrawal would cost",
    responses=refusals(
        "invalid_input",
        "not_authenticated",
        "permission_missing",
        "unknown_asset",
        "invalid_amount",
        "invalid_address",
    ),
)
async def quote(
    caller: Reader,
    services: ServicesOf,
    asset: Annotated[str, Query(max_length=20, examples=["BTC"])],
    amount: Annotated[str, Query(max_length=80, examples=["0.5"])],
    address: Annotated[str | None, Query(min_length=1, max_length=120)] = None,
) -> QuoteAnswer:
    """The fee is fixed when you ask for the withdrawal. With `address` we say if it is internal."""
    found = await services.funds.quote(caller.customer_id, asset, amount, address)
    return _quote(services, found, amount)


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
    row, expected, _ = await services.funds.withdrawal(caller.customer_id, requested.row.id)
    return _withdrawal(services, row, expected)


@router.get(
    "/withdrawals",
    summary="Your withdrawals, newest first",
    responses=refusals("invalid_input", "not_authenticated"),
)
async def list_withdrawals(
    caller: Reader, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> WithdrawalList:
    found = await services.funds.withdrawals(
        caller.customer_id, before=read_place(cursor), limit=limit
    )
    last = found[-1][0] if len(found) == limit else None
    return WithdrawalList(
        data=[_withdrawal(services, row, expected) for row, expected in found],
        next_cursor=None if last is None else cursor_of((last.created_at, last.id)),
    )


@router.get(
    "/withdrawals/{withdrawal_id}",
    summary="One withdrawal and what happened to it",
    responses=refusals("not_authenticated", "unknown_withdrawal"),
)
async def read_withdrawal(
    withdrawal_id: WithdrawalPath, caller: Reader, services: ServicesOf
) -> WithdrawalAnswer:
    row, expected, timeline = await services.funds.withdrawal(caller.customer_id, withdrawal_id)
    return _withdrawal(services, row, expected, timeline)


@router.delete(
    "/withdrawals/{withdrawal_id}",
    summary="Cancel a withdrawal",
    responses=refusals(
        "not_authenticated", "permission_missing", "unknown_withdrawal", "wrong_state"
    ),
)
async def cancel_withdrawal(
    withdrawal_id: WithdrawalPath, caller: Withdrawer, services: ServicesOf
) -> WithdrawalAnswer:
    """Amount and fee are available again. Refused once it is being paid: coins may have left."""
    await services.funds.cancel(caller.customer_id, withdrawal_id)
    await services.people.customers.record(
        caller.action("withdrawal_cancelled", withdrawal_id=withdrawal_id)
    )
    return await read_withdrawal(withdrawal_id, caller, services)


def _withdrawal(
    services: ServicesOf,
    row: Row[Any],
    expected: Estimate | None,
    timeline: list[Mapping[str, Any]] | None = None,
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
        estimate=_estimate(expected),
        txid=row.txid,
        created_at=row.created_at,
        broadcast_at=row.broadcast_at,
        confirmed_at=row.confirmed_at,
        timeline=timeline_of(timeline),
    )


def _quote(services: ServicesOf, found: Quote, amount: str) -> QuoteAnswer:
    policy = found.policy
    units = services.catalog.asset(policy.asset).parse(amount).units

    def shown(units: int) -> str:
        return format_units(units, policy.scale)

    return QuoteAnswer(
        asset=policy.asset,
        chain=policy.chain,
        kind=found.kind.value,
        amount=shown(units),
        fee=shown(found.fee_units),
        total=shown(units + found.fee_units),
        minimum=shown(policy.withdrawal_min_units),
        memo_required=policy.memo_required,
        estimate=_estimate(found.estimate),
    )


def _estimate(expected: Estimate | None) -> EstimateAnswer | None:
    if expected is None:
        return None
    at = None
    if expected.seconds is not None:
        at = datetime.now(UTC) + timedelta(seconds=expected.seconds)
    return EstimateAnswer(waits_for=expected.waits_for, expected_at=at)
