"""The customer's own account: who they are, what they may do, what they did."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Person, Reader, ServicesOf
from api.fields import Moment
from api.kyc.desk import next_tier
from api.pages import CursorQuery, LimitQuery, next_cursor, read_cursor
from api.v1.documented import refusals
from api.v1.sessions import Password
from compliance.tiers import (
    LIMITS,
    REFERENCE_ASSET,
    REFERENCE_SCALE,
    Flow,
    Limit,
    Requirement,
    Usage,
)
from domain.money import format_units
from storage.tier_usage import read_tier_usage

router = APIRouter(prefix="/v1", tags=["Account"])


class WindowAnswer(BaseModel):
    limit: str | None = Field(description="null: no limit.", examples=["1000000"])
    used: str = Field(examples=["600"])
    left: str | None = Field(description="null: no limit.", examples=["999400"])


class FlowAnswer(BaseModel):
    asset: str = Field(description="What the amounts are in.", examples=[REFERENCE_ASSET])
    day: WindowAnswer = Field(description="In 24 hours.")
    month: WindowAnswer = Field(description="In 30 days.")


class AccountAnswer(BaseModel):
    customer_id: str = Field(examples=["1001"])
    email: str
    status: str = Field(examples=["active"])
    kyc_tier: int = Field(examples=[1])
    limits: dict[Flow, FlowAnswer] = Field(
        description="Of your tier, with what you used. Open orders count as traded."
    )
    next_tier: int = Field(examples=[2])
    requirements: list[Requirement] = Field(description="Missing for the next tier.")
    created_at: Moment


class ActionAnswer(BaseModel):
    id: str
    at: Moment
    action: str = Field(examples=["logged_in"])
    succeeded: bool
    actor: str = Field(examples=["session:17"])
    ip: str
    user_agent: str
    details: dict[str, Any]


class ActionList(BaseModel):
    data: list[ActionAnswer]
    next_cursor: str | None


@router.get("/account", summary="Your account", responses=refusals("not_authenticated"))
async def read_account(caller: Reader, services: ServicesOf) -> AccountAnswer:
    customer = await services.people.customers.find(caller.customer_id)
    verification = await services.kyc.status(caller.customer_id)
    usage = await read_tier_usage(services.engine, caller.customer_id)
    return AccountAnswer(
        customer_id=str(customer.id),
        email=customer.email,
        status=customer.status,
        kyc_tier=int(usage.tier),
        limits={flow: _flow(LIMITS[usage.tier][flow], used) for flow, used in usage.used.items()},
        next_tier=int(next_tier(verification.tier)),
        requirements=list(verification.missing),
        created_at=customer.created_at,
    )


def _flow(limit: Limit, used: Usage) -> FlowAnswer:
    return FlowAnswer(
        asset=REFERENCE_ASSET,
        day=_window(limit.day_units, used.day_units),
        month=_window(limit.month_units, used.month_units),
    )


def _window(limit_units: int | None, used_units: int) -> WindowAnswer:
    left = None if limit_units is None else max(0, limit_units - used_units)
    return WindowAnswer(
        limit=None if limit_units is None else _amount(limit_units),
        used=_amount(used_units),
        left=None if left is None else _amount(left),
    )


def _amount(units: int) -> str:
    return format_units(units, REFERENCE_SCALE)


class PasswordBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current_password: Password
    new_password: Password


@router.put(
    "/account/password",
    status_code=204,
    summary="Change your password",
    responses=refusals(
        "malformed_json", "invalid_input", "not_authenticated", "permission_missing",
        "second_factor_required", "weak_password", "rate_limited",
    ),
)  # fmt: skip
async def change_password(body: PasswordBody, caller: Person, services: ServicesOf) -> Response:
    """Ends your other sessions, and holds withdrawals for a while."""
    people = services.people
    await people.second_factor.require_step_up(caller)
    await people.identity.change_password(caller, body.current_password, body.new_password)
    return Response(status_code=204)


@router.get(
    "/account/actions",
    summary="What was done with your account, newest first",
    responses=refusals("invalid_input", "not_authenticated"),
)
async def list_actions(
    caller: Person, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> ActionList:
    before = read_cursor(cursor)
    rows = await services.people.customers.actions(
        caller.customer_id, limit=limit, before_id=before
    )
    fields = ("at", "action", "succeeded", "actor", "ip", "user_agent", "details")
    return ActionList(
        data=[
            ActionAnswer(id=str(row["id"]), **{name: row[name] for name in fields}) for row in rows
        ],
        next_cursor=next_cursor([row["id"] for row in rows], limit),
    )
