"""Time, health and what each error code means."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from api.asyncapi import asyncapi
from api.dependencies import ServicesOf
from api.errors import ERRORS, UnknownRoute
from api.fields import format_time_us
from api.v1.documented import refusals

router = APIRouter()


class TimeAnswer(BaseModel):
    server_time: str = Field(examples=["2026-11-22T15:04:05.123Z"])
    server_time_ms: int = Field(examples=[1795359845123])


class StatusAnswer(BaseModel):
    status: Literal["ok", "degraded"]
    server_time: str


class PartAnswer(BaseModel):
    healthy: bool
    detail: str


class ReadyAnswer(BaseModel):
    ready: bool
    parts: dict[str, PartAnswer]


class ErrorPage(BaseModel):
    code: str
    status: int
    title: str
    advice: str


@router.get("/v1/time", tags=["Status"], summary="The exchange's clock", responses=refusals())
async def read_time() -> TimeAnswer:
    now_us = time.time_ns() // 1000
    return TimeAnswer(server_time=format_time_us(now_us), server_time_ms=now_us // 1000)


@router.get("/v1/status", tags=["Status"], summary="Whether all parts work", responses=refusals())
async def read_status(services: ServicesOf) -> StatusAnswer:
    parts = await services.readiness.parts()
    works = all(part.healthy for part in parts.values())
    return StatusAnswer(
        status="ok" if works else "degraded", server_time=format_time_us(time.time_ns() // 1000)
    )


@router.get("/v1/errors", tags=["Status"], summary="Every error code", responses=refusals())
async def list_errors() -> list[ErrorPage]:
    return [_page(code) for code in ERRORS]


@router.get(
    "/v1/errors/{code}",
    tags=["Status"],
    summary="What an error code means",
    responses=refusals("unknown_route"),
)
async def explain_error(code: Annotated[str, Path(max_length=64)]) -> ErrorPage:
    if code not in ERRORS:
        raise UnknownRoute(f"there is no error code {code}")
    return _page(code)


@router.get("/v1/asyncapi.json", include_in_schema=False)
async def read_asyncapi() -> dict[str, Any]:
    """What travels over the WebSocket, beside `/v1/openapi.json`."""
    return asyncapi()


@router.get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, bool]:
    """The process runs and answers."""
    return {"healthy": True}


@router.get("/readyz", include_in_schema=False)
async def readyz(services: ServicesOf, response: Response) -> ReadyAnswer:
    """Which parts work; 503 when one does not, so that a balancer looks elsewhere."""
    parts = await services.readiness.parts()
    ready = all(part.healthy for part in parts.values())
    response.status_code = 200 if ready else 503
    return ReadyAnswer(
        ready=ready,
        parts={
            name: PartAnswer(healthy=part.healthy, detail=part.detail)
            for name, part in parts.items()
        },
    )


def _page(code: str) -> ErrorPage:
    kind = ERRORS[code]
    return ErrorPage(code=code, status=int(kind.status), title=kind.title, advice=kind.advice)
