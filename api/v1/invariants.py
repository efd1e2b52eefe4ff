"""Whether the books tie, for everybody to see: the newest comparison of each asset."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.dependencies import ServicesOf
from api.fields import Moment
from api.v1.documented import refusals
from storage.reconciliations import newest

router = APIRouter(prefix="/v1", tags=["Status"])


class InvariantAnswer(BaseModel):
    asset: str = Field(examples=["BTC"])
    holds: bool = Field(description="The chain has what the books say, to the unit.")
    checked_at: Moment


class InvariantList(BaseModel):
    data: list[InvariantAnswer]


@router.get("/status/invariants", summary="Whether the books tie", responses=refusals())
async def read_invariants(services: ServicesOf) -> InvariantList:
    """Empty until the first comparison, which is made on a schedule."""
    async with services.engine.connect() as connection:
        found = await newest(connection)
    return InvariantList(
        data=[
            InvariantAnswer(asset=row.asset, holds=row.difference_units == 0, checked_at=row.at)
            for row in found
        ]
    )
