"""`rialto treasury`: what the keepers of the offline wallets are asked for, and token sweeps."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from chains.ethereum.sweeper import FACTORY, deploy_call, sweeper_address
from cli.running import Running
from cli.terminal import console
from domain.errors import ExchangeError
from domain.money import format_units
from storage import custody_keys, custody_policy, refills
from storage.engine import create_engine

app = typer.Typer(name="treasury", no_args_is_help=True, help=__doc__)

RequestId = Annotated[int, typer.Argument(help="The refill request's number.")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def requests() -> None:
    """What the keepers of warm and cold wallets were asked for, newest first."""
    _run(_show)


@app.command()
def unsigned(request_id: RequestId) -> None:
    """What to sign offline: a PSBT, or an unsigned Ethereum transaction in hexadecimal."""

    async def show(connection: AsyncConnection) -> None:
        for each in await refills.listed(connection):
            if each.id == request_id:
                print(each.unsigned)

    _run(show)


@app.command()
def sent(request_id: RequestId, txid: Annotated[str, typer.Argument()]) -> None:
    """Say which transaction carries a refill, before it is sent.

    It is booked by the next sweep after it is final, if it comes from the asked wallet alone.
    """

    async def note(connection: AsyncConnection) -> None:
        await refills.note_sent(connection, request_id, txid)

    _run(note)
    console.print("the sweep books it once it is final")


@app.command()
def cancel(request_id: RequestId) -> None:
    """Nobody will send it; the next sweep may ask anew."""

    async def close(connection: AsyncConnection) -> None:
        await refills.cancel(connection, request_id)

    _run(close)


@app.command()
def sweeper() -> None:
    """The contract that gathers tokens: where it stands, and the call that puts it there.

    Put it only on a network that knows EIP-7702. Anybody may pay for the call.
    """

    async def show(connection: AsyncConnection) -> None:
        hot = await custody_keys.wallet_address(connection, "hot-ethereum")
        if hot is None:
            console.print("there is no hot wallet yet")
            return
        print(f"contract {sweeper_address(hot)}\nsend to  {FACTORY}")
        print(f"data     0x{deploy_call(hot).hex()}")

    _run(show)


def _run(work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
    try:
        asyncio.run(_with_database(work))
    except ExchangeError as refusal:
        console.print(f"[red]{refusal}[/]")
        raise typer.Exit(1) from None


async def _with_database(work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
    engine = create_engine(Running.load(os.environ).database_url, application="rialto-cli")
    try:
        async with engine.begin() as connection:
            await work(connection)
    finally:
        await engine.dispose()


async def _show(connection: AsyncConnection) -> None:
    scales = {each.asset: each.scale for each in await custody_policy.read_assets(connection)}
    table = Table("request", "asset", "amount", "way", "status", "txid", "asked", box=None)
    for each in await refills.listed(connection):
        amount = format_units(int(each.units), scales[each.asset])
        asked = f"{each.created_at:%Y-%m-%d %H:%M}"
        way = refills.way_of(each)
        table.add_row(
            str(each.id),
            each.asset,
            amount,
            f"{way.source} to {way.target}",
            each.status,
            each.txid or "",
            asked,
        )
    console.print(table)
