"""Where a balance comes from: every line since the first, and statements of a period."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncEngine

from api.dependencies import Reader, ServicesOf
from api.fields import DecimalText, Moment
from api.pages import LimitQuery
from api.v1.documented import refusals
from domain.errors import InvalidInput
from domain.ids import CustomerId
from domain.money import Asset, format_units
from storage.statement_csv import CSV_COLUMNS, csv_row
from storage.statements import Line, Position, Statement, explain, statement

router = APIRouter(prefix="/v1", tags=["Balances"])

CSV_TYPE = "text/csv"
_REFUSALS = refusals("invalid_input", "not_authenticated", "unknown_asset")
_AS_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {CSV_TYPE: {}}, "description": "As asked for by `format`."}
}

Format = Annotated[Literal["json", "csv"], Query(description="`csv`: every line, as a file.")]
FromStart = Annotated[
    str | None, Query(max_length=40, description="`next_cursor` of the page before; opaque.")
]


class BalanceLine(BaseModel):
    """One movement of your money, and what it left behind."""

    time: Moment
    purpose: str = Field(examples=["deposit", "hold", "trade_paid", "fee", "withdrawal"])
    cause: str = Field(
        examples=["trade BTC-USDT 17"],
        description="What in the world caused it: a deposit's transaction, an order, a trade, ...",
    )
    entry: str = Field(description="The journal entry. Its lines happened together.")
    hold: str | None
    other: str = Field(description="The kind of account on the other side.")
    available_change: DecimalText
    held_change: DecimalText
    available: DecimalText = Field(description="After this line.")
    held: DecimalText
    proof: str = Field(description="SHA-256 that chains this line to all lines before it.")


class BalanceExplanation(BaseModel):
    data: list[BalanceLine]
    next_cursor: str | None


class BalanceStatement(BaseModel):
    """Opening balances, every line of the period, closing balances."""

    asset: str
    since: Moment
    until: Moment
    opening_available: DecimalText
    opening_held: DecimalText
    closing_available: DecimalText
    closing_held: DecimalText
    totals: dict[str, DecimalText] = Field(
        description="Change of available and held together, by purpose."
    )
    lines: list[BalanceLine]


@router.get(
    "/balances/{asset}/explain",
    summary="Where a balance comes from",
    responses=_REFUSALS | _AS_CSV,
    response_model=BalanceExplanation,
)
async def explain_balance(
    asset: str,
    caller: Reader,
    services: ServicesOf,
    limit: LimitQuery = 100,
    cursor: FromStart = None,
    format: Format = "json",  # noqa: A002 - the query's name
) -> BalanceExplanation | Response:
    """Every movement since the first, oldest first. The lines add up from zero to the balance."""
    listed = services.catalog.asset(asset)
    after = Position() if cursor is None else Position.parse(cursor)
    if format == "csv":
        lines = _all_lines(services.engine, caller.customer_id, listed, after)
        return StreamingResponse(_csv(lines, listed), headers=_file(f"{listed.code}.csv"))
    page = await explain(services.engine, caller.customer_id, listed.code, after=after, limit=limit)
    return BalanceExplanation(
        data=_lines(page.lines, listed),
        next_cursor=None if page.next is None else str(page.next),
    )


@router.get(
    "/balances/{asset}/statement",
    summary="A statement of a period",
    responses=_REFUSALS | _AS_CSV,
    response_model=BalanceStatement,
)
async def read_statement(
    asset: str,
    caller: Reader,
    services: ServicesOf,
    since: Annotated[datetime, Query(examples=["2026-11-01T00:00:00Z"])],
    until: Annotated[datetime, Query(description="Not included.")],
    format: Format = "json",  # noqa: A002 - the query's name
) -> BalanceStatement | Response:
    """From `since` up to `until`. Refused with more than 10,000 lines: take a shorter period."""
    listed = services.catalog.asset(asset)
    start, end = _moment(since), _moment(until)
    if start >= end:
        raise InvalidInput("since must be before until")
    found = await statement(
        services.engine, caller.customer_id, listed.code, since=start, until=end
    )
    if format == "csv":
        name = f"{listed.code}-{start:%Y%m%d}-{end:%Y%m%d}.csv"
        return Response(
            _csv_text([CSV_COLUMNS, *(csv_row(line, listed.scale) for line in found.lines)]),
            headers=_file(name),
        )
    return _statement(found, listed)


def _moment(at: datetime) -> datetime:
    """Without a zone it is UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _file(name: str) -> dict[str, str]:
    return {
        "content-type": f"{CSV_TYPE}; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}"',
    }


async def _all_lines(
    engine: AsyncEngine, customer_id: CustomerId, asset: Asset, after: Position
) -> AsyncIterator[tuple[Line, ...]]:
    """Page by page, each on a snapshot of its own, so that a slow reader holds none.

    What was read does not change any more, so the pages fit together.
    """
    position: Position | None = after
    while position is not None:
        page = await explain(engine, customer_id, asset.code, after=position)
        yield page.lines
        position = page.next


async def _csv(pages: AsyncIterator[tuple[Line, ...]], asset: Asset) -> AsyncIterator[str]:
    yield _csv_text([CSV_COLUMNS])
    async for lines in pages:
        yield _csv_text([csv_row(line, asset.scale) for line in lines])


def _csv_text(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _lines(lines: Iterable[Line], asset: Asset) -> list[BalanceLine]:
    def amount(units: int) -> str:
        return format_units(units, asset.scale)

    return [
        BalanceLine(
            time=line.at,
            purpose=line.purpose,
            cause=line.cause,
            entry=line.entry_id,
            hold=line.hold_id,
            other=line.other,
            available_change=amount(line.available_change_units),
            held_change=amount(line.held_change_units),
            available=amount(line.available_units),
            held=amount(line.held_units),
            proof=line.proof,
        )
        for line in lines
    ]


def _statement(found: Statement, asset: Asset) -> BalanceStatement:
    def amount(units: int) -> str:
        return format_units(units, asset.scale)

    return BalanceStatement(
        asset=asset.code,
        since=found.since,
        until=found.until,
        opening_available=amount(found.opening_available_units),
        opening_held=amount(found.opening_held_units),
        closing_available=amount(found.closing_available_units),
        closing_held=amount(found.closing_held_units),
        totals={purpose: amount(units) for purpose, units in found.totals.items()},
        lines=_lines(found.lines, asset),
    )
