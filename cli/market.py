"""`rialto market`: halt a market, and let it trade again."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

import typer

from cli.terminal import console
from domain.market import MarketId
from storage.catalog import read_catalog
from storage.engine import create_engine
from storage.ledger import Ledger
from storage.settlement import Settlements

app = typer.Typer(name="market", no_args_is_help=True, help=__doc__)

Market = Annotated[str, typer.Argument(help="BTC-USDT, ...")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def halt(market: Market) -> None:
    """Have the engine take no order of the market, until `resume`."""
    asyncio.run(_set(market, is_trading=False))


@app.command()
def resume(market: Market) -> None:
    """Let a halted market trade again. First make sure that its settlement has no lag."""
    asyncio.run(_set(market, is_trading=True))


async def _set(name: str, *, is_trading: bool) -> None:
    url = os.environ.get("RIALTO_DATABASE_URL")
    if not url:
        sys.exit('RIALTO_DATABASE_URL is not set. On a local stack: eval "$(rialto env)"')
    engine = create_engine(url, application="rialto-cli")
    async with engine.connect() as connection:
        market = (await read_catalog(connection)).market(MarketId(name))
    ledger = await Ledger.open(engine)
    try:
        settlements = Settlements(ledger, {market.id: market})
        change = settlements.reopen if is_trading else settlements.halt
        done = await change(market.id)
    finally:
        await ledger.close()
        await engine.dispose()
    word = "trades again" if is_trading else "is halted"
    console.print(f"{market.id} {word}" if done else f"{market.id}: it {word} already")
