"""API keys: made, listed and revoked by a logged-in person."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.dependencies import Person, ServicesOf
from api.exchange.signatures import public_key_kind
from api.fields import Moment
from api.idempotency import IdempotentRoute
from api.pages import CursorQuery, LimitQuery, cursor_of, read_place
from api.v1.documented import refusals
from domain.errors import InvalidInput
from storage.api_keys import ApiKey, NewApiKey, new_key_id, new_secret

router = APIRouter(prefix="/v1", tags=["API keys"], route_class=IdempotentRoute)

_NETWORKS_MAX = 30
ScopeName = Literal["read", "trade", "withdraw"]
KeyId = Annotated[str, Path(min_length=1, max_length=64)]


class ApiKeyRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Field(min_length=1, max_length=64, examples=["market maker"])]
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=3, examples=[["read"]])]
    public_key: Annotated[
        str | None,
        Field(
            max_length=2048,
            description="PEM of an Ed25519 (recommended) or RSA public key. Without it you get an "
            "HMAC secret, which we have to keep too.",
        ),
    ] = None
    ip_allow_list: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        Field(max_length=_NETWORKS_MAX, examples=[["203.0.113.0/24"]]),
    ] = []
    expires_at: AwareDatetime | None = None


class ApiKeyAnswer(BaseModel):
    id: str
    label: str
    kind: Literal["hmac", "ed25519", "rsa"]
    scopes: list[ScopeName]
    ip_allow_list: list[str]
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None


class CreatedApiKey(ApiKeyAnswer):
    secret: str | None = Field(description="Of HMAC keys; shown only now.")


class ApiKeyList(BaseModel):
    data: list[ApiKeyAnswer]
    next_cursor: str | None


@router.post(
    "/api-keys",
    status_code=201,
    summary="Create an API key",
    responses=refusals(
        "malformed_json",
        "invalid_input",
        "not_authenticated",
        "permission_missing",
        "second_factor_required",
        "in_flight",
        "idempotency_body_differs",
    ),
)
async def create_key(body: ApiKeyRequest, caller: Person, services: ServicesOf) -> CreatedApiKey:
    await services.people.second_factor.require_step_up(caller)
    key_id, secret = new_key_id(), None
    kind, sealed = "hmac", None
    if body.public_key is not None:
        kind = public_key_kind(body.public_key)
    else:
        secret = new_secret()
        sealed = services.secret_box.seal(secret.encode(), context=f"api-key:{key_id}")
    key = await services.people.api_keys.create(
        caller.customer_id,
        NewApiKey(
            id=key_id,
            label=body.label,
            kind=kind,
            secret_sealed=sealed,
            public_key=body.public_key,
            scopes=frozenset(body.scopes),
            ip_allow_list=tuple(_network(text) for text in body.ip_allow_list),
            expires_at=_in_future(body.expires_at),
        ),
    )
    await services.people.customers.record(
        caller.action("api_key_created", key=key.id[:8], scopes=sorted(key.scopes))
    )
    return CreatedApiKey(**_fields(key), secret=secret)


@router.get(
    "/api-keys",
    summary="Your API keys, newest first",
    responses=refusals("invalid_input", "not_authenticated"),
)
async def list_keys(
    caller: Person, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> ApiKeyList:
    found = await services.people.api_keys.of_customer(
        caller.customer_id, before=read_place(cursor), limit=limit
    )
    last = found[-1] if len(found) == limit else None
    return ApiKeyList(
        data=[ApiKeyAnswer(**_fields(key)) for key in found],
        next_cursor=None if last is None else cursor_of((last.created_at, last.id)),
    )


@router.delete(
    "/api-keys/{key_id}",
    status_code=204,
    summary="Revoke an API key",
    responses=refusals("not_authenticated", "unknown_api_key"),
)
async def revoke_key(key_id: KeyId, caller: Person, services: ServicesOf) -> Response:
    await services.people.api_keys.revoke(caller.customer_id, key_id)
    services.people.identity.forget()
    await services.people.customers.record(caller.action("api_key_revoked", key=key_id[:8]))
    return Response(status_code=204)


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise InvalidInput(f"not an address or network: {text!r}") from None


def _in_future(moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= datetime.now(UTC):
        raise InvalidInput("expires_at is in the past")
    return moment


def _fields(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "label": key.label,
        "kind": key.kind,
        "scopes": sorted(key.scopes),
        "ip_allow_list": list(key.ip_allow_list),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
