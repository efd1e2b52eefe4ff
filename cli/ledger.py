"""`rialto ledger`: prove the ledger right, explain a balance, show the trial balance."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from cli.deed import AsJson, note, run
from cli.progress import bars
from cli.running import Running
from cli.terminal import console
from domain.ids import CustomerId
from domain.money import format_units
from storage.audit import Finding, audit_ledger
from storage.audit_chain import verify_chain
from storage.catalog import Catalog, read_catalog
from storage.engine import create_engine
from storage.seals import seal, verify_seals
from storage.statement_csv import CSV_COLUMNS, csv_row
from storage.statements import Line, Position, Statement, explain, history, statement
from storage.trial_balance import off_by, trial_balance

app = typer.Typer(name="ledger", no_args_is_help=True, help=__doc__)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Re-derive every balance from zero, check the hash chain and the seals. Exit 1 if off."""
    run(_verify(as_json), as_json=as_json)


@app.command(name="explain")
def explain_command(
    customer: Annotated[int, typer.Argument(help="The customer's number.")],
    asset: Annotated[str, typer.Argument(help="BTC, ETH, USDT, ...")],
    as_csv: Annotated[bool, typer.Option("--csv", help="All lines as CSV on stdout.")] = False,
    after: Annotated[str, typer.Option(help="Where the last page ended.")] = "0-0",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Lines of this page.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Trace every unit of a customer's balance to the entries and causes that made it."""
    if as_csv:
        run(_export(CustomerId(customer), asset), as_json=as_json)
    else:
        page = (Position.parse(after), limit)
        run(_explain(CustomerId(customer), asset, page, as_json=as_json), as_json=as_json)


@app.command(name="statement")
def statement_command(
    customer: Annotated[int, typer.Argument(help="The customer's number.")],
    asset: Annotated[str, typer.Argument(help="BTC, ETH, USDT, ...")],
    since: Annotated[datetime, typer.Option(help="First moment (UTC).")],
    until: Annotated[datetime, typer.Option(help="First moment after it (UTC).")],
    as_csv: Annotated[bool, typer.Option("--csv", help="The lines as CSV on stdout.")] = False,
    as_json: AsJson = False,
) -> None:
    """A customer's period in one asset: opening and closing balances, totals, and every line."""
    period = (_utc(since), _utc(until))
    shape = "csv" if as_csv else "json" if as_json else "table"
    run(_statement(CustomerId(customer), asset, period, shape), as_json=as_json)


@app.command(name="trial-balance")
def trial_balance_command(
    at: Annotated[
        datetime | None, typer.Option(help="A moment (UTC) of the past; default: now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What every kind of account holds, per asset; each asset sums to zero. Exit 1 if not."""
    run(_trial_balance(None if at is None else _utc(at), as_json), as_json=as_json)


@app.command(name="seal")
def seal_command(as_json: AsJson = False) -> None:
    """Seal the heads of all accounts that moved since the last seal, and print the seal's hash."""
    run(_seal(as_json=as_json), as_json=as_json)


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _engine() -> AsyncEngine:
    return create_engine(
        Running.load(os.environ).database_url, application="rialto-cli", statement_timeout_ms=0
    )


async def _verify(as_json: bool) -> int:
    engine = _engine()
    with bars() as watch:
        chain = await verify_chain(engine, watch)
        audited = await audit_ledger(engine, watch)
        findings = [*audited, *chain.findings, *await verify_seals(engine)]
    await engine.dispose()
    if as_json:
        report = {"accounts": chain.accounts, "legs": chain.legs}
        print(json.dumps(report | {"findings": [asdict(finding) for finding in findings]}))
    else:
        _print_findings(findings)
        console.print(f"{chain.legs} legs of {chain.accounts} accounts walked from zero")
    return 1 if findings else 0


def _print_findings(findings: list[Finding]) -> None:
    if not findings:
        console.print("[green]not one unit is off, and no row was changed[/]")
        return
    table = Table("promise", "where", "what is off", box=None)
    for finding in findings:
        table.add_row(finding.check, finding.subject, finding.detail)
    console.print(table)


async def _explain(
    customer_id: CustomerId, asset_code: str, wanted: tuple[Position, int], *, as_json: bool
) -> int:
    engine, (after, limit) = _engine(), wanted
    asset = (await _catalog(engine)).asset(asset_code)
    page = await explain(engine, customer_id, asset.code, after=after, limit=limit)
    await engine.dispose()
    if as_json:
        following = None if page.next is None else str(page.next)
        print(json.dumps({"lines": _rows(page.lines, asset.scale), "next": following}))
        return 0
    _print_lines(page.lines, asset.scale)
    if page.next is not None:
        console.print(f"more: rialto ledger explain {customer_id} {asset.code} --after {page.next}")
    return 0


def _print_lines(lines: Iterable[Line], scale: int) -> None:
    table = Table(
        "time", "what", "cause", "available", "held", "then available", "then held", box=None
    )
    for line in lines:
        table.add_row(
            line.at.isoformat(" ", "seconds"),
            line.purpose,
            line.cause,
            _signed(line.available_change_units, scale),
            _signed(line.held_change_units, scale),
            format_units(line.available_units, scale),
            format_units(line.held_units, scale),
        )
    console.print(table)


async def _statement(
    customer_id: CustomerId, asset_code: str, period: tuple[datetime, datetime], shape: str
) -> int:
    engine = _engine()
    asset = (await _catalog(engine)).asset(asset_code)
    found = await statement(engine, customer_id, asset.code, since=period[0], until=period[1])
    await engine.dispose()
    if shape == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerows([CSV_COLUMNS, *(csv_row(line, asset.scale) for line in found.lines)])
        return 0
    if shape == "json":
        print(json.dumps(_statement_json(found, asset.scale)))
        return 0
    _print_lines(found.lines, asset.scale)
    for what, available, held in (
        ("opening", found.opening_available_units, found.opening_held_units),
        ("closing", found.closing_available_units, found.closing_held_units),
    ):
        shown = (format_units(units, asset.scale) for units in (available, held))
        console.print(f"{what}: {' available, '.join(shown)} held")
    for purpose, units in found.totals.items():
        console.print(f"{purpose}: {_signed(units, asset.scale) or 0}")
    return 0


def _statement_json(found: Statement, scale: int) -> dict[str, object]:
    return {
        "opening": {
            "available": format_units(found.opening_available_units, scale),
            "held": format_units(found.opening_held_units, scale),
        },
        "closing": {
            "available": format_units(found.closing_available_units, scale),
            "held": format_units(found.closing_held_units, scale),
        },
        "totals": {key: format_units(units, scale) for key, units in found.totals.items()},
        "lines": _rows(found.lines, scale),
    }


def _rows(lines: Iterable[Line], scale: int) -> list[dict[str, object]]:
    return [dict(zip(CSV_COLUMNS, csv_row(line, scale), strict=True)) for line in lines]


def _signed(units: int, scale: int) -> str:
    return "" if units == 0 else ("+" if units > 0 else "") + format_units(units, scale)


async def _export(customer_id: CustomerId, asset_code: str) -> int:
    engine = _engine()
    asset = (await _catalog(engine)).asset(asset_code)
    writer = csv.writer(sys.stdout)
    writer.writerow(CSV_COLUMNS)
    async for line in history(engine, customer_id, asset.code):
        writer.writerow(csv_row(line, asset.scale))
    await engine.dispose()
    return 0


async def _trial_balance(moment: datetime | None, as_json: bool) -> int:
    engine = _engine()
    lines = await trial_balance(engine, moment)
    catalog = await _catalog(engine)
    await engine.dispose()
    off = off_by(lines)
    if as_json:
        print(json.dumps({"lines": [asdict(line) for line in lines], "off_by": off}))
        return 1 if off else 0
    table = Table("asset", "kind", "market", "balance", "accounts", box=None)
    for line in lines:
        amount = format_units(line.units, catalog.asset(line.asset).scale)
        table.add_row(line.asset, line.kind, line.market, amount, str(line.accounts))
    console.print(table)
    for asset, units in off.items():
        console.print(f"[red]{asset} is off by {units} units[/]")
    return 1 if off else 0


async def _seal(*, as_json: bool) -> int:
    engine = _engine()
    await note(engine, "ledger.seal", "all")
    sealed = await seal(engine)
    await engine.dispose()
    if as_json:
        print(json.dumps({"seal": None if sealed is None else asdict(sealed)}, default=str))
        return 0
    if sealed is None:
        console.print("nothing moved since the last seal")
    else:
        console.print(f"seal {sealed.number}: {sealed.accounts} accounts, {sealed.hash}")
    return 0


async def _catalog(engine: AsyncEngine) -> Catalog:
    async with engine.connect() as connection:
        return await read_catalog(connection)
