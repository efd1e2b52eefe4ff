"""Authenticator apps: set up, confirm, prove, remove."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Person, ServicesOf
from api.idempotency import IdempotentRoute
from api.v1.documented import refusals

router = APIRouter(prefix="/v1", tags=["Second factors"], route_class=IdempotentRoute)

_REFUSALS = (
    "malformed_json",
    "invalid_input",
    "not_authenticated",
    "second_factor_required",
    "wrong_state",
)

_CHANGED = "the second factor was changed"
"""Why withdrawals are held: the hold comes before the change, so that no crash leaves it out."""


CODE_PATTERN = r"^([0-9]{6}|[0-9a-f]{5}(-[0-9a-f]{5}){3})$"


class Code(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[
        str,
        Field(
            pattern=CODE_PATTERN,
            description="Six digits of the authenticator app, or a recovery code.",
            examples=["123456"],
        ),
    ]


class FactorsAnswer(BaseModel):
    totp: bool
    passkeys: list[PasskeyAnswer]


class PasskeyAnswer(BaseModel):
    id: str
    label: str


class TotpAnswer(BaseModel):
    secret: str
    uri: str = Field(description="Show it as a QR code to the authenticator app.")


class RecoveryCodes(BaseModel):
    recovery_codes: list[str] = Field(description="Each works once. Shown only now.")


@router.get("/second-factors", summary="What is set up", responses=refusals("not_authenticated"))
async def list_factors(caller: Person, services: ServicesOf) -> FactorsAnswer:
    totp = await services.people.second_factors.totp(caller.customer_id)
    keys = await services.people.second_factors.passkeys_of(caller.customer_id)
    return FactorsAnswer(
        totp=totp is not None and totp.is_confirmed,
        passkeys=[PasskeyAnswer(id=key.credential_id.hex(), label=key.label) for key in keys],
    )


@router.post(
    "/second-factors/totp",
    status_code=201,
    summary="Set up an authenticator app",
    responses=refusals(*_REFUSALS),
)
async def start_totp(caller: Person, services: ServicesOf) -> TotpAnswer:
    """Another one instead of yours holds withdrawals for a day; the first one does not."""
    await services.people.second_factor.require_step_up(caller)
    if await services.people.second_factor.is_set_up(caller.customer_id):
        await services.address_book.hold_for_security(caller.customer_id, _CHANGED)
    setup = await services.people.second_factor.start_totp(caller)
    return TotpAnswer(secret=setup.secret, uri=setup.uri)


@router.post(
    "/second-factors/totp/confirm",
    summary="Confirm it with its first code",
    responses=refusals(*_REFUSALS),
)
async def confirm_totp(body: Code, caller: Person, services: ServicesOf) -> RecoveryCodes:
    codes = await services.people.second_factor.confirm_totp(caller, body.code)
    services.people.identity.forget()
    await services.people.customers.record(caller.action("totp_set_up"))
    return RecoveryCodes(recovery_codes=codes)


@router.delete(
    "/second-factors/totp",
    status_code=204,
    summary="Remove the authenticator app",
    responses=refusals(*_REFUSALS),
)
async def remove_totp(caller: Person, services: ServicesOf) -> Response:
    """Withdrawals are held for a day."""
    await services.people.second_factor.require_step_up(caller)
    await services.address_book.hold_for_security(caller.customer_id, _CHANGED)
    await services.people.second_factor.remove_totp(caller)
    await services.people.customers.record(caller.action("totp_removed"))
    return Response(status_code=204)


@router.post(
    "/sessions/current/step-up",
    status_code=204,
    summary="Prove the second factor for this session",
    responses=refusals(*_REFUSALS),
)
async def step_up(body: Code, caller: Person, services: ServicesOf) -> Response:
    """Withdrawals, new API keys and changes of factors ask for it when it is some minutes old."""
    await services.people.second_factor.step_up(caller, body.code)
    services.people.identity.forget()
    await services.people.customers.record(caller.action("stepped_up"))
    return Response(status_code=204)
