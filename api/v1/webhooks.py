"""Webhooks: where the customer wants to be told, and what became of each delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Person, Reader, ServicesOf
from api.exchange.caller import Caller
from api.fields import Moment
from api.idempotency import IdempotentRoute
from api.pages import CursorQuery, LimitQuery, cursor_of, next_cursor, read_cursor, read_place
from api.v1.documented import refusals
from domain.webhook import URL_LENGTH_MAX, WebhookEvent
from storage.webhooks import Attempt, Delivery, Endpoint

router = APIRouter(prefix="/v1", tags=["Webhooks"], route_class=IdempotentRoute)

WebhookId = Annotated[str, Path(min_length=1, max_length=64)]
DeliveryId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Url = Annotated[
    str,
    Field(min_length=8, max_length=URL_LENGTH_MAX, examples=["https://example.com/rialto"]),
]
Label = Annotated[str, Field(max_length=64, examples=["bookkeeping"])]
Events = Annotated[
    list[WebhookEvent],
    Field(min_length=1, max_length=len(WebhookEvent), examples=[["deposit", "order.filled"]]),
]


class WebhookBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url
    events: Events
    label: Label = ""


class WebhookChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    events: Events | None = None
    label: Label | None = None
    is_enabled: bool | None = Field(
        default=None,
        examples=[True],
        description="True also after we disabled it because it took nothing.",
    )


class WebhookAnswer(BaseModel):
    id: str = Field(examples=["wh_8J3vQ0b1cDeFgHiJ"])
    url: str
    label: str
    events: list[WebhookEvent]
    is_enabled: bool
    disabled_at: Moment | None
    disabled_reason: str
    failing_since: Moment | None = Field(description="First failure since the last success.")
    created_at: Moment


class CreatedWebhook(WebhookAnswer):
    secret: str = Field(description="What messages are signed with. Shown only now.")


class WebhookList(BaseModel):
    data: list[WebhookAnswer]
    next_cursor: str | None


class DeliveryAnswer(BaseModel):
    id: str
    message_id: str = Field(description="The `webhook-id` header: the same at every attempt.")
    event: str = Field(examples=["deposit"])
    status: str = Field(examples=["delivered"])
    attempts: int
    created_at: Moment
    ended_at: Moment | None


class AttemptAnswer(BaseModel):
    number: int
    at: Moment
    status_code: int | None = Field(description="Of your answer; null when there was none.")
    problem: str = Field(description="Empty for one that was taken.")
    took_ms: int


class DeliveryDetails(DeliveryAnswer):
    log: list[AttemptAnswer] = Field(description="The newest hundred attempts, newest first.")


class DeliveryList(BaseModel):
    data: list[DeliveryAnswer]
    next_cursor: str | None


_OWN = ("not_authenticated", "permission_missing", "unknown_webhook")
_KEYED = ("in_flight", "idempotency_body_differs")


@router.post(
    "/webhooks",
    status_code=201,
    summary="Register a webhook",
    responses=refusals(
        "malformed_json",
        "invalid_input",
        "not_authenticated",
        "second_factor_required",
        "too_many_webhooks",
        "webhook_url_refused",
        *_KEYED,
    ),
)
async def create_webhook(body: WebhookBody, caller: Person, services: ServicesOf) -> CreatedWebhook:
    """Messages are signed as Standard Webhooks says; `docs/webhooks.md` shows how to check them."""
    await services.people.second_factor.require_step_up(caller)
    made, secret = await services.webhooks.create(
        caller.customer_id, url=body.url, label=body.label, events=body.events
    )
    await _record(services, caller, "webhook_created", made)
    return CreatedWebhook(**_fields(made), secret=secret)


@router.get(
    "/webhooks",
    summary="Your webhooks, newest first",
    responses=refusals("invalid_input", "not_authenticated", "permission_missing"),
)
async def list_webhooks(
    caller: Reader, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> WebhookList:
    found = await services.webhooks.store.listed(
        caller.customer_id, before=read_place(cursor), limit=limit
    )
    last = found[-1] if len(found) == limit else None
    return WebhookList(
        data=[WebhookAnswer(**_fields(each)) for each in found],
        next_cursor=None if last is None else cursor_of((last.created_at, last.id)),
    )


@router.get("/webhooks/{webhook_id}", summary="One webhook", responses=refusals(*_OWN))
async def read_webhook(
    webhook_id: WebhookId, caller: Reader, services: ServicesOf
) -> WebhookAnswer:
    found = await services.webhooks.store.find(caller.customer_id, webhook_id)
    return WebhookAnswer(**_fields(found))


@router.patch(
    "/webhooks/{webhook_id}",
    summary="Change, disable or enable a webhook",
    responses=refusals(
        "malformed_json", "invalid_input", "webhook_url_refused", "second_factor_required", *_OWN
    ),
)
async def change_webhook(
    webhook_id: WebhookId, body: WebhookChange, caller: Person, services: ServicesOf
) -> WebhookAnswer:
    await services.people.second_factor.require_step_up(caller)
    if body.url is not None:
        services.webhooks.check_url(body.url)
    store = services.webhooks.store
    changed = await store.find(caller.customer_id, webhook_id)
    values = body.model_dump(exclude={"is_enabled"}, exclude_none=True)
    if values:
        changed = await store.change(caller.customer_id, webhook_id, **values)
    if body.is_enabled is not None and body.is_enabled != (changed.disabled_at is None):
        switch = store.enable if body.is_enabled else store.disable
        changed = await switch(caller.customer_id, webhook_id)
    await _record(services, caller, "webhook_changed", changed)
    return WebhookAnswer(**_fields(changed))


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=204,
    summary="Remove a webhook",
    responses=refusals(*_OWN),
)
async def remove_webhook(webhook_id: WebhookId, caller: Person, services: ServicesOf) -> Response:
    """What is on its way is not sent any more."""
    removed = await services.webhooks.store.remove(caller.customer_id, webhook_id)
    await _record(services, caller, "webhook_removed", removed)
    return Response(status_code=204)


@router.post(
    "/webhooks/{webhook_id}:rotate-secret",
    summary="Replace the secret of a webhook",
    responses=refusals("second_factor_required", *_OWN, *_KEYED),
)
async def rotate_webhook_secret(
    webhook_id: WebhookId, caller: Person, services: ServicesOf
) -> CreatedWebhook:
    """For a day messages carry two signatures, one of the secret before."""
    await services.people.second_factor.require_step_up(caller)
    changed, secret = await services.webhooks.rotate_secret(caller.customer_id, webhook_id)
    await _record(services, caller, "webhook_secret_rotated", changed)
    return CreatedWebhook(**_fields(changed), secret=secret)


@router.post(
    "/webhooks/{webhook_id}:ping",
    status_code=202,
    summary="Send a message of no meaning, to try a webhook",
    responses=refusals(*_OWN, *_KEYED),
)
async def ping_webhook(
    webhook_id: WebhookId, caller: Person, services: ServicesOf
) -> DeliveryAnswer:
    made = await services.webhooks.store.ping(caller.customer_id, webhook_id)
    return DeliveryAnswer(**_delivery(made))


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    summary="What was sent to a webhook, newest first",
    responses=refusals("invalid_input", *_OWN),
)
async def list_deliveries(
    webhook_id: WebhookId,
    caller: Reader,
    services: ServicesOf,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> DeliveryList:
    """Kept for 30 days."""
    found = await services.webhooks.store.deliveries(
        caller.customer_id, webhook_id, before=read_cursor(cursor), limit=limit
    )
    return DeliveryList(
        data=[DeliveryAnswer(**_delivery(each)) for each in found],
        next_cursor=next_cursor([each.id for each in found], limit),
    )


@router.get(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}",
    summary="A delivery and its log",
    responses=refusals("invalid_input", "unknown_delivery", *_OWN),
)
async def read_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, caller: Reader, services: ServicesOf
) -> DeliveryDetails:
    found, attempts = await services.webhooks.store.delivery(
        caller.customer_id, webhook_id, delivery_id
    )
    return DeliveryDetails(**_delivery(found), log=_log(attempts))


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}:redeliver",
    status_code=202,
    summary="Send a message once more",
    responses=refusals("invalid_input", "unknown_delivery", *_OWN, *_KEYED),
)
async def redeliver(
    webhook_id: WebhookId, delivery_id: DeliveryId, caller: Person, services: ServicesOf
) -> DeliveryAnswer:
    """A new delivery of the same message: its `webhook-id` is the one it had."""
    made = await services.webhooks.store.redeliver(caller.customer_id, webhook_id, delivery_id)
    return DeliveryAnswer(**_delivery(made))


async def _record(services: ServicesOf, caller: Caller, action: str, endpoint: Endpoint) -> None:
    """Without the URL, which may carry a secret of theirs."""
    await services.people.customers.record(caller.action(action, webhook=endpoint.id))


def _fields(endpoint: Endpoint) -> dict[str, Any]:
    same = ("id", "url", "label", "disabled_at", "disabled_reason", "failing_since", "created_at")
    return {
        **{name: getattr(endpoint, name) for name in same},
        "events": list(endpoint.events),
        "is_enabled": endpoint.disabled_at is None,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    same = {name: getattr(delivery, name) for name in Delivery.__dataclass_fields__}
    return {**same, "id": str(delivery.id)}


def _log(attempts: Sequence[Attempt]) -> list[AttemptAnswer]:
    fields = Attempt.__dataclass_fields__
    return [AttemptAnswer(**{name: getattr(each, name) for name in fields}) for each in attempts]
