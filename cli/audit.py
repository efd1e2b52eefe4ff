"""`rialto audit`: is every unit where it should be, right now, on the running exchange?"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from activities import engine_tie
from activities.chain_tie import ChainTie, Tie
from activities.projecting.audit import run as projection_audit
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from cli.progress import bars
from cli.projections import parts_of
from cli.running import Running
from cli.terminal import console
from domain.progress import Watch, unwatched
from projections.listings import Listings
from storage.audit import CHECKS, Finding, audit_ledger
from storage.audit_chain import verify_chain
from storage.catalog import read_catalog

WAIT_SECONDS = 60.0


@dataclass
class Audit:
    """Which promises were checked, and everything that is off."""

    checked: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.findings

    def as_json(self) -> dict[str, object]:
        ties = [{**asdict(tie), "difference_units": str(tie.difference_units)} for tie in self.ties]
        return {
            "clean": self.is_clean,
            "checked": self.checked,
            "findings": [asdict(finding) for finding in self.findings],
            "ties": [{key: str(value) for key, value in tie.items()} for tie in ties],
        }

    def show(self) -> None:
        table = Table(title="Conservation", show_header=False)
        off = {finding.check for finding in self.findings}
        for check in self.checked:
            table.add_row(check, "[red]off[/]" if check in off else "[green]holds[/]")
        console.print(table)
        for tie in self.ties:
            between = tie.uncredited_units - tie.left_units
            console.print(
                f"{tie.asset}: chain {tie.chain_units} = ledger {tie.ledger_units} "
                f"+ in between {between} + difference {tie.difference_units} "
                f"(units, at height {tie.height})"
            )
        for finding in self.findings:
            console.print(f"[red]{finding}[/]")


def register(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    wait_seconds: Annotated[
        float, typer.Option(help="How long projections may stay behind before they are off.")
    ] = WAIT_SECONDS,
) -> None:
    """Check that not one unit is lost, made up or counted twice.

    Conservation, holds against orders and withdrawals, the ledger's hash chain, the ties
    engine = ledger = chains, and projections = sources. Exit status 1 if anything is off by one
    unit, naming it.
    """
    running = Running.load(os.environ)
    with bars() as watch:
        found = asyncio.run(run_audit(running, wait_seconds=wait_seconds, watch=watch))
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        found.show()
    sys.exit(0 if found.is_clean else 1)


async def run_audit(
    running: Running, *, wait_seconds: float = WAIT_SECONDS, watch: Watch = unwatched
) -> Audit:
    engine = create_async_engine(running.database_url)
    result = Audit()
    ties: list[Callable[[Running, AsyncEngine, Audit], Awaitable[None]]] = [_engine, _chains]
    try:
        result.findings += await audit_ledger(engine, watch)
        result.checked += CHECKS
        verification = await verify_chain(engine, watch)
        result.findings += verification.findings
        result.checked.append("hash chain, and every balance derived from zero")
        for done, tie in enumerate(ties):
            watch("ties with engine and chains", done, len(ties))
            await tie(running, engine, result)
        watch("ties with engine and chains", len(ties), len(ties))
        await _projections(running, engine, result, wait_seconds, watch)
    finally:
        await engine.dispose()
    return result


async def _engine(running: Running, engine: AsyncEngine, result: Audit) -> None:
    result.findings += await engine_tie.tie_engine(
        engine, Path(running.variables["RIALTO_JOURNAL_DIR"])
    )
    result.checked.append(engine_tie.CHECK)


async def _chains(running: Running, engine: AsyncEngine, result: Audit) -> None:
    variables = running.variables
    bitcoin = BitcoinNode.connect(
        running.bitcoin_rpc_url, network(variables["RIALTO_BITCOIN_NETWORK"]), timeout_seconds=120
    )
    ethereum = EthereumNode.connect(
        running.ethereum_rpc_url, int(variables["RIALTO_ETHEREUM_CHAIN_ID"])
    )
    try:
        tie = ChainTie(engine, bitcoin, ethereum)
        for chain in ("bitcoin", "ethereum"):
            name = f"ledger = {chain}"
            result.checked.append(name)
            for each in await tie.ties(chain):
                result.ties.append(each)
                if each.difference_units:
                    detail = f"{each.difference_units} units at height {each.height}"
                    result.findings.append(Finding(name, each.asset, detail))
    finally:
        await bitcoin.close()
        await ethereum.close()


async def _projections(
    running: Running, engine: AsyncEngine, result: Audit, wait_seconds: float, watch: Watch
) -> None:
    parts = parts_of(running)
    async with engine.connect() as connection:
        catalog = await read_catalog(connection)
    listings = Listings.of(catalog.assets.values(), catalog.markets.values())
    months = parts.settings.search_trade_months
    outcome = await projection_audit.run(
        lambda: projection_audit.checks(
            engine, parts.stores()[0], listings, search_trade_months=months
        ),
        wait_seconds=wait_seconds,
        watch=watch,
    )
    result.checked += outcome.checked
    result.findings += outcome.findings
