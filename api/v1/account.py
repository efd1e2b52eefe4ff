"""The customer's own account: who they are, what they may do, what they did."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Person, Reader, ServicesOf
from api.fields import Moment
from api.pages import CursorQuery, LimitQuery, next_cursor, read_cursor
from api.v1.documented import refusals
from api.v1.sessions import Password

router = APIRouter(prefix="/v1", tags=["Account"])


class AccountAnswer(BaseModel):
    customer_id: str = Field(examples=["1001"])
    email: str
    status: str = Field(examples=["active"])
    kyc_tier: int = Field(examples=[1])
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
    return AccountAnswer(
        customer_id=str(customer.id),
        email=customer.email,
        status=customer.status,
        kyc_tier=customer.kyc_tier,
        created_at=customer.created_at,
    )


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
