"""`rialto asset`: stop and resume deposits and withdrawals, of one asset or of all."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.table import Table

from cli.deed import AsJson, Yes, confirm, note, run
from cli.running import Running
from cli.terminal import console
from domain.money import format_units
from storage import custody_policy, treasury
from storage.engine import create_engine

app = typer.Typer(name="asset", no_args_is_help=True, help=__doc__)

AssetName = Annotated[str, typer.Argument(help="BTC, ETH, USDT, ...; `all` is the global stop.")]
Deposits = Annotated[bool, typer.Option("--deposits/--no-deposits", help="Credits, too.")]
Withdrawals = Annotated[bool, typer.Option("--withdrawals/--no-withdrawals")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def pause(
    asset: AssetName,
    reason: Annotated[str, typer.Option(help="Shown to customers.")],
    deposits: Deposits = True,
    withdrawals: Withdrawals = True,
    as_json: AsJson = False,
) -> None:
    """Stop an asset at once. Its chain is still scanned; what arrives is credited afterwards."""
    chosen = Chosen(asset, deposits, withdrawals)
    run(_set(chosen, is_on=False, reason=reason, as_json=as_json), as_json=as_json)


@app.command()
def resume(
    asset: AssetName,
    deposits: Deposits = True,
    withdrawals: Withdrawals = True,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let it go on. What waited is paid and credited within a minute."""
    confirm(f"{asset} goes on: what waited is paid and credited", yes=yes)
    chosen = Chosen(asset, deposits, withdrawals)
    run(_set(chosen, is_on=True, reason="", as_json=as_json), as_json=as_json)


@app.command(name="list")
def list_command(as_json: AsJson = False) -> None:
    """What is open, what is stopped and why, and how the hot wallets stand."""
    run(_list(as_json=as_json), as_json=as_json)


@dataclass(frozen=True)
class Chosen:
    """An asset, or `all`, and which ways of it."""

    asset: str
    deposits: bool
    withdrawals: bool


async def _set(chosen: Chosen, *, is_on: bool, reason: str, as_json: bool) -> int:
    engine = create_engine(Running.load(os.environ).database_url, application="rialto-cli")
    deposits, withdrawals = chosen.deposits, chosen.withdrawals
    action = "asset.resume" if is_on else "asset.pause"
    asked = {"deposits": deposits, "withdrawals": withdrawals, "reason": reason}
    await note(engine, action, chosen.asset, **asked)
    async with engine.begin() as connection:
        if chosen.asset.lower() == "all":
            for name, is_meant in (("credits", deposits), ("withdrawals", withdrawals)):
                if is_meant:
                    await custody_policy.set_switch(
                        connection, name, is_on=is_on, reason=reason, officer="command line"
                    )
        else:
            await custody_policy.set_asset_flags(
                connection,
                chosen.asset.upper(),
                deposit_enabled=is_on if deposits else None,
                withdraw_enabled=is_on if withdrawals else None,
                reason=reason,
            )
    await engine.dispose()
    return await _list(as_json=as_json)


async def _list(*, as_json: bool) -> int:
    engine = create_engine(Running.load(os.environ).database_url, application="rialto-cli")
    table = Table("asset", "deposits", "withdrawals", "why", "hot wallet", "low", "high", box=None)
    rows: list[dict[str, object]] = []
    async with engine.connect() as connection:
        stopped = [
            name
            for name in ("withdrawals", "credits", "sweeps")
            if not await custody_policy.is_on(connection, name)
        ]
        for asset in await custody_policy.read_assets(connection):
            hot = await treasury.hot_units(connection, asset.asset)
            amounts = [
                format_units(units, asset.scale)
                for units in (hot, asset.hot_low_units, asset.hot_high_units)
            ]
            rows.append(
                {
                    "asset": asset.asset,
                    "deposits": asset.deposit_enabled,
                    "withdrawals": asset.withdraw_enabled,
                    "reason": asset.pause_reason,
                    **dict(zip(("hot", "low", "high"), amounts, strict=True)),
                }
            )
            table.add_row(
                asset.asset,
                _word(asset.deposit_enabled),
                _word(asset.withdraw_enabled),
                asset.pause_reason,
                *amounts,
            )
    await engine.dispose()
    if as_json:
        print(json.dumps({"assets": rows, "stopped_for_all": stopped}))
        return 0
    console.print(table)
    if stopped:
        console.print(f"[red]stopped for all assets: {', '.join(stopped)}[/]")
    return 0


def _word(is_open: bool) -> str:
    return "[green]open[/]" if is_open else "[red]paused[/]"
