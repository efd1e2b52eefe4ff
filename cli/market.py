"""`rialto market`: halt a market, let orders only be canceled, and let it trade again."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

from cli.deed import AsJson, Yes, confirm, note, run
from cli.running import Running
from cli.terminal import console
from domain.market import MarketId
from engine import commands
from storage.catalog import read_catalog
from storage.engine import create_engine
from storage.ledger import Ledger
from storage.settlement import Settlements

app = typer.Typer(name="market", no_args_is_help=True, help=__doc__)

Market = Annotated[str, typer.Argument(help="BTC-USDT, ...")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def halt(market: Market, as_json: AsJson = False) -> None:
    """Have the engine take no order and no cancellation of the market, until `resume`."""
    run(_set(market, "halted", as_json=as_json), as_json=as_json)


@app.command(name="cancel-only")
def cancel_only(market: Market, as_json: AsJson = False) -> None:
    """Take no new order; those that rest may be canceled. Until `resume`."""
    run(_set(market, "cancel-only", as_json=as_json), as_json=as_json)


@app.command()
def resume(market: Market, yes: Yes = False, as_json: AsJson = False) -> None:
    """Let a market trade again. First make sure that its settlement has no lag."""
    confirm(f"{market} trades again", yes=yes)
    run(_set(market, "trading", as_json=as_json), as_json=as_json)


async def _set(name: str, state: str, *, as_json: bool) -> int:
    engine = create_engine(Running.load(os.environ).database_url, application="rialto-cli")
    async with engine.connect() as connection:
        market = (await read_catalog(connection)).market(MarketId(name))
    ledger = await Ledger.open(engine)
    try:
        settlements = Settlements(ledger, {market.id: market})
        await note(engine, f"market.{state}", market.id)
        if state == "trading":
            done = await settlements.reopen(market.id)
        else:
            wanted = commands.HALTED if state == "halted" else commands.CANCEL_ONLY
            done = await settlements.restrict(market.id, wanted)
    finally:
        await ledger.close()
        await engine.dispose()
    if as_json:
        print(json.dumps({"market": market.id, "state": state, "changed": done}))
        return 0
    word = "trades again" if state == "trading" else f"is {state}"
    console.print(f"{market.id} {word}" if done else f"{market.id}: it {word} already")
    return 0
