"""`rialto treasury`: what the keepers of the offline wallets are asked for, and token sweeps."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from chains.ethereum.sweeper import FACTORY, deploy_call, sweeper_address
from cli.deed import AsJson, Yes, confirm, note, run
from cli.running import Running
from cli.terminal import console
from domain.errors import WrongState
from domain.money import format_units
from storage import custody_keys, custody_policy, refills
from storage.engine import create_engine

app = typer.Typer(name="treasury", no_args_is_help=True, help=__doc__)

_COLUMNS = ("request", "asset", "amount", "way", "status", "txid", "asked")

RequestId = Annotated[int, typer.Argument(help="The refill request's number.")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.command()
def requests(as_json: AsJson = False) -> None:
    """What the keepers of warm and cold wallets were asked for, newest first."""

    async def show(connection: AsyncConnection) -> None:
        rows = await _requests(connection)
        if as_json:
            print(json.dumps({"requests": rows}))
            return
        table = Table(*_COLUMNS, box=None)
        for row in rows:
            table.add_row(*(str(row[column]) for column in _COLUMNS))
        console.print(table)

    run(_with_database(show), as_json=as_json)


@app.command()
def unsigned(request_id: RequestId, as_json: AsJson = False) -> None:
    """What to sign offline: a PSBT, or an unsigned Ethereum transaction in hexadecimal."""

    async def show(connection: AsyncConnection) -> None:
        found = [each for each in await refills.listed(connection) if each.id == request_id]
        if not found:
            raise WrongState(f"there is no refill request {request_id}")
        bare = found[0].unsigned
        print(json.dumps({"request": request_id, "unsigned": bare}) if as_json else bare)

    run(_with_database(show), as_json=as_json)


@app.command()
def sent(
    request_id: RequestId,
    txid: Annotated[str, typer.Argument()],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Say which transaction carries a refill, before it is sent.

    It is booked by the next sweep after it is final, if it comes from the asked wallet alone.
    """
    confirm(f"refill {request_id} is carried by {txid}", yes=yes)

    async def write(connection: AsyncConnection) -> None:
        await refills.note_sent(connection, request_id, txid)
        _say(request_id, "the sweep books it once it is final", as_json=as_json)

    deed = ("treasury.sent", {"txid": txid})
    run(_with_database(write, request_id, deed), as_json=as_json)


@app.command()
def cancel(request_id: RequestId, as_json: AsJson = False) -> None:
    """Nobody will send it; the next sweep may ask anew."""

    async def close(connection: AsyncConnection) -> None:
        await refills.cancel(connection, request_id)
        _say(request_id, "it is closed; the next sweep may ask anew", as_json=as_json)

    run(_with_database(close, request_id, ("treasury.cancel", {})), as_json=as_json)


@app.command()
def sweeper(as_json: AsJson = False) -> None:
    """The contract that gathers tokens: where it stands, and the call that puts it there.

    Put it only on a network that knows EIP-7702. Anybody may pay for the call.
    """

    async def show(connection: AsyncConnection) -> None:
        hot = await custody_keys.wallet_address(connection, "hot-ethereum")
        if hot is None:
            raise WrongState("there is no hot wallet yet")
        told = {
            "contract": sweeper_address(hot),
            "send_to": FACTORY,
            "data": f"0x{deploy_call(hot).hex()}",
        }
        if as_json:
            print(json.dumps(told))
            return
        for name, value in told.items():
            print(f"{name.replace('_', ' '):8} {value}")

    run(_with_database(show), as_json=as_json)


def _say(request_id: int, what: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"request": request_id, "done": what}))
    else:
        console.print(what)


async def _with_database(
    work: Callable[[AsyncConnection], Awaitable[None]],
    subject: int = 0,
    deed: tuple[str, dict[str, str]] | None = None,
) -> int:
    """In one database transaction; a deed is noted before it, also if it then fails."""
    engine = create_engine(Running.load(os.environ).database_url, application="rialto-cli")
    try:
        if deed is not None:
            await note(engine, deed[0], f"refill/{subject}", **deed[1])
        async with engine.begin() as connection:
            await work(connection)
    finally:
        await engine.dispose()
    return 0


async def _requests(connection: AsyncConnection) -> list[dict[str, Any]]:
    scales = {each.asset: each.scale for each in await custody_policy.read_assets(connection)}
    return [
        {
            "request": each.id,
            "asset": each.asset,
            "amount": format_units(int(each.units), scales[each.asset]),
            "way": f"{refills.way_of(each).source} to {refills.way_of(each).target}",
            "status": each.status,
            "txid": each.txid or "",
            "asked": f"{each.created_at:%Y-%m-%d %H:%M}",
        }
        for each in await refills.listed(connection)
    ]
