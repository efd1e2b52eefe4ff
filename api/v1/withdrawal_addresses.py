"""The address book, allow-list mode and what else decides whether a withdrawal may be asked for.

Whoever steals a session gains nothing at once: a new address can be used only after the time lock,
and switching the allow-list off takes as long.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from api.dependencies import Person, Reader, ServicesOf
from api.exchange.address_book import Limits
from api.fields import PAYEE, DecimalText, Moment
from api.idempotency import IdempotentRoute
from api.pages import CursorQuery, LimitQuery, next_cursor, read_cursor
from api.v1.documented import refusals
from compliance.tiers import REFERENCE_ASSET, REFERENCE_SCALE
from domain.money import format_units
from storage.address_book import WithdrawalSettings

router = APIRouter(prefix="/v1", tags=["Deposits and withdrawals"], route_class=IdempotentRoute)

AddressId = Annotated[int, Path(ge=1, le=2**63 - 1)]
_CHANGING = (
    "malformed_json",
    "invalid_input",
    "not_authenticated",
    "permission_missing",
    "second_factor_required",
)


class AddressBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    asset: Annotated[str, Field(max_length=20, examples=["BTC"])]
    address: Annotated[str, Field(min_length=1, max_length=120, examples=[PAYEE])]
    memo: Annotated[str, Field(max_length=120)] = ""
    label: Annotated[str, Field(min_length=1, max_length=64, examples=["my hardware wallet"])]


class AddressAnswer(BaseModel):
    id: str
    chain: str = Field(examples=["bitcoin"], description="Good for every asset of this chain.")
    address: str
    memo: str
    label: str
    created_at: Moment
    usable_at: Moment = Field(description="With the allow-list on, it is paid from then on.")


class AddressList(BaseModel):
    data: list[AddressAnswer]
    next_cursor: str | None


class SettingsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    allow_list_only: bool = Field(examples=[True])


class LimitAnswer(BaseModel):
    limit: DecimalText | None = Field(description="Null: no limit.")
    used: DecimalText
    left: DecimalText | None


class LimitsAnswer(BaseModel):
    asset: str = Field(examples=["USD"], description="What amounts of all assets are valued in.")
    kyc_tier: int
    day: LimitAnswer = Field(description="Of the last 24 hours.")
    month: LimitAnswer = Field(description="Of the last 30 days.")


class SettingsAnswer(BaseModel):
    allow_list_only: bool = Field(description="Only addresses of the address book are paid.")
    allow_list_off_at: Moment | None = Field(
        description="Switched off; the allow-list stays in force until then."
    )
    held_until: Moment | None = Field(description="No withdrawal can be asked for before.")
    held_reason: str
    limits: LimitsAnswer


@router.get(
    "/withdrawal-addresses",
    summary="Your address book, newest first",
    responses=refusals("invalid_input", "not_authenticated", "permission_missing"),
)
async def list_addresses(
    caller: Reader, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> AddressList:
    found = await services.address_book.entries(
        caller.customer_id, before=read_cursor(cursor), limit=limit
    )
    return AddressList(
        data=[_address(row) for row in found],
        next_cursor=next_cursor([row.id for row in found], limit),
    )


@router.post(
    "/withdrawal-addresses",
    status_code=201,
    summary="Save an address",
    responses=refusals(
        *_CHANGING,
        "unknown_asset",
        "invalid_address",
        "in_flight",
        "idempotency_body_differs",
    ),
)
async def add_address(body: AddressBody, caller: Person, services: ServicesOf) -> AddressAnswer:
    """Usable after 48 hours. Saved already, it keeps its time and takes the new label."""
    await services.people.second_factor.require_step_up(caller)
    row = await services.address_book.add(
        caller.customer_id,
        asset=body.asset,
        address=body.address,
        memo=body.memo,
        label=body.label,
    )
    await services.people.customers.record(
        caller.action("withdrawal_address_saved", entry=str(row.id), chain=row.chain)
    )
    return _address(row)


@router.delete(
    "/withdrawal-addresses/{address_id}",
    status_code=204,
    summary="Remove an address",
    responses=refusals("not_authenticated", "permission_missing", "unknown_address"),
)
async def remove_address(address_id: AddressId, caller: Person, services: ServicesOf) -> Response:
    """At once. Saved again, it waits again."""
    await services.address_book.remove(caller.customer_id, address_id)
    await services.people.customers.record(
        caller.action("withdrawal_address_removed", entry=str(address_id))
    )
    return Response(status_code=204)


@router.get(
    "/withdrawal-settings",
    summary="Allow-list, holds and limits of your withdrawals",
    responses=refusals("not_authenticated", "permission_missing"),
)
async def read_settings(caller: Reader, services: ServicesOf) -> SettingsAnswer:
    return _settings(*await services.address_book.settings(caller.customer_id))


@router.patch(
    "/withdrawal-settings",
    summary="Switch the allow-list on or off",
    responses=refusals(*_CHANGING),
)
async def change_settings(
    body: SettingsBody, caller: Person, services: ServicesOf
) -> SettingsAnswer:
    """On takes effect at once, off after 48 hours."""
    await services.people.second_factor.require_step_up(caller)
    await services.address_book.set_allow_list(caller.customer_id, is_on=body.allow_list_only)
    await services.people.customers.record(
        caller.action("allow_list_changed", allow_list_only=body.allow_list_only)
    )
    return _settings(*await services.address_book.settings(caller.customer_id))


def _address(row: Row[Any]) -> AddressAnswer:
    return AddressAnswer(
        id=str(row.id),
        chain=row.chain,
        address=row.address,
        memo=row.memo,
        label=row.label,
        created_at=row.created_at,
        usable_at=row.usable_at,
    )


def _settings(settings: WithdrawalSettings, limits: Limits) -> SettingsAnswer:
    return SettingsAnswer(
        allow_list_only=settings.allow_list_only,
        allow_list_off_at=settings.allow_list_off_at,
        held_until=settings.held_until,
        held_reason=settings.held_reason,
        limits=LimitsAnswer(
            asset=REFERENCE_ASSET,
            kyc_tier=int(limits.tier),
            day=_limit(limits.day_units, limits.used.day_units),
            month=_limit(limits.month_units, limits.used.month_units),
        ),
    )


def _limit(limit_units: int | None, used_units: int) -> LimitAnswer:
    def shown(units: int) -> str:
        return format_units(units, REFERENCE_SCALE)

    if limit_units is None:
        return LimitAnswer(limit=None, used=shown(used_units), left=None)
    left_units = max(0, limit_units - used_units)
    return LimitAnswer(limit=shown(limit_units), used=shown(used_units), left=shown(left_units))
