"""`rialto deposits`: look again at blocks for deposits that were missed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Annotated

import typer

from activities.listening.rescan import Rescan, RescanRefused
from cli.deed import AsJson, note, run
from cli.progress import bars
from cli.running import Running
from cli.terminal import console
from domain.errors import InvalidInput
from workers.chain_readers import ReaderSettings, open_reader

app = typer.Typer(name="deposits", no_args_is_help=True, help=__doc__)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app)


@app.callback()
def deposits() -> None:
    """Look again at blocks for deposits that were missed."""


@app.command()
def rescan(
    chain: Annotated[str, typer.Argument(help="bitcoin or ethereum")],
    first: Annotated[int, typer.Option("--from", min=0, help="First height.")],
    last: Annotated[int, typer.Option("--to", min=0, help="Last height, included.")],
    as_json: AsJson = False,
) -> None:
    """Scan blocks again. Safe at any time, also while the listener runs: nothing is credited twice.

    The deposits found are told to their workflows by the listener.
    """
    run(_rescan(chain, first, last, as_json=as_json), as_json=as_json)


def reader_settings(running: Running) -> ReaderSettings:
    """Database and nodes of the exchange that runs here, or of the one the environment names."""
    variables = running.variables
    return ReaderSettings(
        database_url=running.database_url,
        bitcoin_rpc_url=running.bitcoin_rpc_url,
        bitcoin_network=variables["RIALTO_BITCOIN_NETWORK"],
        ethereum_rpc_url=running.ethereum_rpc_url,
        ethereum_chain_id=int(variables["RIALTO_ETHEREUM_CHAIN_ID"]),
    )


async def _rescan(chain: str, first: int, last: int, *, as_json: bool) -> int:
    settings = reader_settings(Running.load(os.environ))
    async with open_reader(settings, chain) as (engine, reader):
        await note(engine, "deposits.rescan", chain, first=first, last=last)
        with bars() as watch:
            try:
                answer = await Rescan(engine, reader).run(
                    first,
                    last,
                    lambda height: watch(f"{chain} blocks", height - first + 1, last - first + 1),
                )
            except RescanRefused as refusal:
                raise InvalidInput(str(refusal)) from None
    if as_json:
        print(json.dumps(asdict(answer)))
        return 0
    console.print(f"{answer.blocks} blocks scanned, {len(answer.found)} deposits were missing")
    for deposit_id in answer.found:
        console.print(f"  {deposit_id}")
    return 0
