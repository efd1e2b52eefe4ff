"""Verification over HTTP: profile, documents, submission, status, one's own data, leaving."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Header, Request, UploadFile, status
from pydantic import BaseModel, Field

from api.dependencies import Person, Reader, ServicesOf
from api.fields import Moment
from api.idempotency import HEADER, IdempotentRoute
from api.kyc.desk import Verification, next_tier
from api.v1.documented import refusals
from compliance.documents import DOCUMENT_BYTES_MAX
from compliance.profile import Profile
from compliance.tiers import (
    LIMITS,
    REFERENCE_ASSET,
    REFERENCE_SCALE,
    REQUIREMENTS,
    Flow,
    Limit,
    Requirement,
    Tier,
)
from compliance.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER
from domain.money import format_units

router = APIRouter(prefix="/v1/kyc", tags=["Verification"], route_class=IdempotentRoute)

DOCUMENTS_PATH = "/v1/kyc/documents"
UPLOAD_BYTES_MAX = DOCUMENT_BYTES_MAX + 64 * 1024
"""A document, and the form around it."""


class ProfileRequest(BaseModel):
    given_names: str = Field(examples=["Anna Maria"])
    family_name: str = Field(examples=["Eriksson"])
    birth_date: dt.date = Field(examples=["1974-08-12"])
    nationality: str = Field(examples=["SE"], description="ISO 3166-1, two letters.")
    country: str = Field(examples=["SE"], description="Where you live; two letters.")
    address: str = Field(examples=["Storgatan 1, 11122 Stockholm"])


class SubmitRequest(BaseModel):
    tier: int = Field(1, ge=1, le=3, examples=[1])


class DocumentAnswer(BaseModel):
    id: str


class TierLimitAnswer(BaseModel):
    asset: str = Field(examples=[REFERENCE_ASSET])
    day: str | None = Field(description="In 24 hours; null: no limit.", examples=["10000"])
    month: str | None = Field(description="In 30 days; null: no limit.", examples=["100000"])


class TierAnswer(BaseModel):
    tier: int
    requirements: list[Requirement]
    limits: dict[Flow, TierLimitAnswer]


class KycAnswer(BaseModel):
    state: str = Field(examples=["manual_review"])
    message: str = Field(description="The state in plain words.")
    tier: int = Field(description="In force now.")
    requested_tier: int | None
    question: str = Field(description="What we ask of you, when the state is needs_info.")
    reasons: list[str] = Field(description="Codes.", examples=[["document_unreadable"]])
    requirements: list[Requirement] = Field(description="Missing for the next tier.")
    next_tier: int
    limits: dict[Flow, TierLimitAnswer] = Field(description="Of the tier in force.")
    approved_until: Moment | None


@router.get("", summary="Your verification", responses=refusals("not_authenticated"))
async def read_kyc(caller: Reader, services: ServicesOf) -> KycAnswer:
    return answer_of(await services.kyc.status(caller.customer_id))


@router.get("/tiers", summary="What each tier needs and allows", responses=refusals())
async def list_tiers() -> list[TierAnswer]:
    return [
        TierAnswer(tier=int(tier), requirements=list(REQUIREMENTS[tier]), limits=limits_of(tier))
        for tier in Tier
    ]


@router.put(
    "/profile",
    summary="Say who you are",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=refusals("invalid_input", "not_authenticated", "wrong_state"),
)
async def put_profile(body: ProfileRequest, caller: Person, services: ServicesOf) -> None:
    """Kept sealed. It cannot be changed while a case is being looked at."""
    await services.kyc.put_profile(caller.customer_id, Profile(**body.model_dump()))


@router.post(
    "/documents",
    summary="Upload a document",
    status_code=status.HTTP_201_CREATED,
    responses=refusals("invalid_input", "not_authenticated", "wrong_state", "body_too_large"),
)
async def upload_document(
    caller: Person,
    services: ServicesOf,
    kind: Annotated[Requirement, Form()],
    file: Annotated[UploadFile, File()],
    mrz: Annotated[str, Form(description="The lines of the machine-readable zone.")] = "",
) -> DocumentAnswer:
    """JPEG, PNG or PDF, at most 10 MB. It is never served back."""
    content = await file.read(DOCUMENT_BYTES_MAX + 1)
    document_id = await services.kyc.add_document(
        caller.customer_id, kind, file.content_type or "", content, mrz
    )
    return DocumentAnswer(id=document_id)


@router.post(
    "/submit",
    summary="Hand in your application",
    status_code=status.HTTP_202_ACCEPTED,
    responses=refusals("invalid_input", "not_authenticated", "wrong_state"),
)
async def submit_verification(
    body: SubmitRequest, request: Request, caller: Person, services: ServicesOf
) -> KycAnswer:
    key = request.headers.get(HEADER, "")
    return answer_of(await services.kyc.submit(caller.customer_id, Tier(body.tier), key))


@router.get("/export", summary="What we keep about you", responses=refusals("not_authenticated"))
async def export_my_data(caller: Person, services: ServicesOf) -> dict[str, Any]:
    return await services.kyc.export(caller.customer_id)


@router.post(
    "/close",
    summary="Close your account",
    responses=refusals("not_authenticated", "wrong_state"),
)
async def close_account(caller: Person, services: ServicesOf) -> KycAnswer:
    return answer_of(await services.kyc.close(caller.customer_id))


@router.post("/webhook", include_in_schema=False, status_code=status.HTTP_204_NO_CONTENT)
async def webhook(
    request: Request,
    services: ServicesOf,
    timestamp: Annotated[str, Header(alias=TIMESTAMP_HEADER)] = "",
    signature: Annotated[str, Header(alias=SIGNATURE_HEADER)] = "",
) -> None:
    """For the identity vendor: signed, and worth nothing but a look at the vendor's API."""
    await services.kyc_webhook.receive(timestamp, signature, await request.body())


def answer_of(verification: Verification) -> KycAnswer:
    requested = verification.requested_tier
    return KycAnswer(
        state=str(verification.state),
        message=verification.message,
        tier=int(verification.tier),
        requested_tier=None if requested is None else int(requested),
        question=verification.question,
        reasons=list(verification.reasons),
        requirements=list(verification.missing),
        next_tier=int(next_tier(verification.tier)),
        limits=limits_of(verification.tier),
        approved_until=verification.approved_until,
    )


def limits_of(tier: Tier) -> dict[Flow, TierLimitAnswer]:
    return {flow: _limit(limit) for flow, limit in LIMITS[tier].items()}


def _limit(limit: Limit) -> TierLimitAnswer:
    return TierLimitAnswer(
        asset=REFERENCE_ASSET, day=_amount(limit.day_units), month=_amount(limit.month_units)
    )


def _amount(units: int | None) -> str | None:
    return None if units is None else format_units(units, REFERENCE_SCALE)
