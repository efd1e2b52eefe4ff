"""Passkeys: made, used to log in and to prove the second factor, removed."""

from __future__ import annotations

import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import OriginOf, Person, ServicesOf
from api.idempotency import IdempotentRoute
from api.v1.documented import refusals
from api.v1.second_factors import PasskeyAnswer
from api.v1.sessions import OpenedSession, opened_session
from domain.errors import NotAuthenticated, UnknownPasskey

router = APIRouter(prefix="/v1", tags=["Second factors"], route_class=IdempotentRoute)

PasskeyId = Annotated[str, Path(min_length=2, max_length=2048, pattern=r"^([0-9a-f]{2})+$")]
Options = dict[str, Any]
_PERSON = ("not_authenticated", "permission_missing")


class CredentialBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    credential: Annotated[
        dict[str, Any],
        Field(
            description="What `PublicKeyCredential.toJSON()` gives in the browser.",
            examples=[{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}}],
        ),
    ]


class NewPasskeyBody(CredentialBody):
    label: Annotated[str, Field(min_length=1, max_length=64, examples=["laptop"])]


class PasskeyOptions(BaseModel):
    options: Options = Field(
        description="For `PublicKeyCredential.parseCreationOptionsFromJSON` or "
        "`parseRequestOptionsFromJSON`; good for five minutes, once."
    )


@router.post(
    "/passkeys:options",
    summary="What a browser needs to make a passkey",
    responses=refusals("invalid_input", *_PERSON, "second_factor_required"),
)
async def start_passkey(caller: Person, services: ServicesOf) -> PasskeyOptions:
    await services.people.second_factor.require_step_up(caller)
    return PasskeyOptions(options=await services.people.passkeys.registration(caller))


@router.post(
    "/passkeys",
    status_code=201,
    summary="Keep a passkey that was made",
    responses=refusals(
        "malformed_json", "invalid_input", *_PERSON, "second_factor_required", "wrong_state"
    ),
)
async def add_passkey(body: NewPasskeyBody, caller: Person, services: ServicesOf) -> PasskeyAnswer:
    await services.people.second_factor.require_step_up(caller)
    made = await services.people.passkeys.register(caller, body.credential, body.label)
    await services.people.sessions.step_up(caller.require_session().id)
    services.people.identity.forget()
    await services.people.customers.record(caller.action("passkey_added", label=body.label))
    return PasskeyAnswer(id=made.hex(), label=body.label)


@router.delete(
    "/passkeys/{passkey_id}",
    status_code=204,
    summary="Remove a passkey",
    responses=refusals("invalid_input", *_PERSON, "second_factor_required", "unknown_passkey"),
)
async def remove_passkey(passkey_id: PasskeyId, caller: Person, services: ServicesOf) -> Response:
    await services.people.second_factor.require_step_up(caller)
    await services.people.passkeys.remove(caller.customer_id, _bytes(passkey_id))
    await services.people.customers.record(caller.action("passkey_removed"))
    return Response(status_code=204)


@router.post(
    "/sessions/current/step-up:options",
    summary="What a browser needs to prove a passkey",
    responses=refusals(*_PERSON, "unknown_passkey"),
)
async def start_passkey_step_up(caller: Person, services: ServicesOf) -> PasskeyOptions:
    return PasskeyOptions(options=await services.people.passkeys.assertion(caller.customer_id))


@router.post(
    "/sessions/current/step-up:passkey",
    status_code=204,
    summary="Prove the second factor with a passkey",
    responses=refusals("malformed_json", "invalid_input", *_PERSON),
)
async def step_up_with_passkey(
    body: CredentialBody, caller: Person, services: ServicesOf
) -> Response:
    await services.people.passkeys.prove(caller.customer_id, body.credential)
    await services.people.sessions.step_up(caller.require_session().id)
    services.people.identity.forget()
    await services.people.customers.record(caller.action("stepped_up", by="passkey"))
    return Response(status_code=204)


@router.post(
    "/sessions:passkey-options",
    tags=["Sessions"],
    summary="What a browser needs to log in with a passkey",
    responses=refusals(),
)
async def start_passkey_log_in(services: ServicesOf) -> PasskeyOptions:
    return PasskeyOptions(options=await services.people.passkeys.assertion(None))


@router.post(
    "/sessions:passkey",
    status_code=201,
    tags=["Sessions"],
    summary="Log in with a passkey",
    responses=refusals("malformed_json", "invalid_input", "not_authenticated"),
)
async def log_in_with_passkey(
    body: CredentialBody, origin: OriginOf, services: ServicesOf
) -> OpenedSession:
    """Without a password: the passkey is two factors, so the session counts as stepped up."""
    customer_id = await services.people.passkeys.prove(None, body.credential)
    customer = await services.people.customers.find(customer_id)
    if customer.status == "closed":
        raise NotAuthenticated("the account is closed")
    login = await services.people.identity.open_session(customer, origin, stepped_up=True)
    return opened_session(login)


def _bytes(text: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except binascii.Error:
        raise UnknownPasskey("no passkey of yours has this id") from None
