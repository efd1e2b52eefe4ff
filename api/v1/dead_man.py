"""The dead-man switch: orders are canceled unless it is renewed in time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Reader, ServicesOf, Trader
from api.exchange.dead_man import SECONDS_MAX, SECONDS_MIN
from api.fields import Moment
from api.v1.documented import refusals
from storage.dead_man import DeadMan

router = APIRouter(prefix="/v1", tags=["Orders"])

MARKETS_MAX = 100
MarketName = Annotated[str, Field(max_length=40)]


class SwitchBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[int, Field(ge=SECONDS_MIN, le=SECONDS_MAX, examples=[30])]
    markets: Annotated[
        list[MarketName],
        Field(max_length=MARKETS_MAX, description="Empty: all.", examples=[["BTC-USDT"]]),
    ] = []


class SwitchAnswer(BaseModel):
    is_set: bool
    seconds: int | None = None
    markets: list[str] = []
    fires_at: Moment | None = Field(None, description="Unless it is put again before.")


@router.put(
    "/dead-man-switch",
    summary="Cancel your orders unless you say so again in time",
    responses=refusals(
        "malformed_json", "invalid_input", "not_authenticated", "permission_missing",
        "unknown_market",
    ),
)  # fmt: skip
async def put_dead_man_switch(
    body: SwitchBody, caller: Trader, services: ServicesOf
) -> SwitchAnswer:
    """Durable: it fires even if our process that took it has died. One for each customer."""
    put = await services.dead_man.put(
        caller.customer_id, seconds=body.seconds, markets=body.markets
    )
    return _answer(put)


@router.get(
    "/dead-man-switch",
    summary="Your dead-man switch",
    responses=refusals("not_authenticated", "permission_missing"),
)
async def read_dead_man_switch(caller: Reader, services: ServicesOf) -> SwitchAnswer:
    return _answer(await services.dead_man.find(caller.customer_id))


@router.delete(
    "/dead-man-switch",
    status_code=204,
    summary="Switch it off",
    responses=refusals("not_authenticated", "permission_missing"),
)
async def remove_dead_man_switch(caller: Trader, services: ServicesOf) -> Response:
    await services.dead_man.remove(caller.customer_id)
    return Response(status_code=204)


def _answer(found: DeadMan | None) -> SwitchAnswer:
    if found is None:
        return SwitchAnswer(is_set=False)
    return SwitchAnswer(
        is_set=True, seconds=found.seconds, markets=list(found.markets), fires_at=found.fires_at
    )
