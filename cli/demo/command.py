"""`rialto demo`: plays the story on the running exchange, then checks every unit."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from cli.audit import Audit, run_audit
from cli.demo.outside import OutsideBitcoin, OutsideEthereum
from cli.demo.staff import Staff
from cli.demo.story import Story, Totals
from cli.running import Running
from cli.terminal import console

ORDERS_DEFAULT = 60
NEXT = """
What to try next: break it, and watch it heal
  rialto break matcher   kill -9 of the matching engine
  rialto break reorg     the newest bitcoin blocks give way to others
  rialto break node      a node that shows a thousand times what was paid
More: README.md, `What to try next`
"""


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    *,
    orders: Annotated[int, typer.Option(min=1, max=2000, help="Orders that takers place.")] = (
        ORDERS_DEFAULT
    ),
    seed: Annotated[int, typer.Option(help="The same seed tells the same story.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="The closing table as JSON.")] = False,
) -> None:
    """Customers, deposits, trades, withdrawals; then the check of every unit.

    Exit status 1 if anything is off by one unit.
    """
    status = asyncio.run(_play(orders, seed, as_json=as_json))
    sys.stdout.flush()
    os._exit(status)  # The Temporal client's threads may crash a normal interpreter exit.


async def _play(orders: int, seed: int, *, as_json: bool) -> int:
    running = Running.load(os.environ)
    began = time.monotonic()

    def tell(sentence: str) -> None:
        if not as_json:
            console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {sentence}")

    async with (
        httpx.AsyncClient(base_url=running.api_url, timeout=30) as api,
        httpx.AsyncClient(timeout=30) as node,
    ):
        ethereum = OutsideEthereum(running.ethereum_rpc_url, await running.token_contract("USDT"))
        bitcoin = OutsideBitcoin(node, running.bitcoin_rpc_url)
        story = Story(api, bitcoin, ethereum, Staff(running), tell, seed=seed, orders=orders)
        try:
            totals = await story.play()
        finally:
            await ethereum.close()
    tell("Every unit is counted: ledger, holds, engine and both chains")
    audit = await run_audit(running)
    _show(totals, audit, time.monotonic() - began, as_json=as_json)
    return 0 if audit.is_clean else 1


def _show(totals: Totals, audit: Audit, seconds: float, *, as_json: bool) -> None:
    if as_json:
        body: dict[str, Any] = {**asdict(totals), "seconds": round(seconds, 1)}
        console.print_json(json.dumps({**body, "audit": audit.as_json()}))
        return
    table = Table(title="What happened", show_header=False)
    for name, value in asdict(totals).items():
        table.add_row(name.replace("_", " "), str(value))
    table.add_row("seconds", f"{seconds:.1f}")
    console.print(table)
    audit.show()
    console.print(NEXT, markup=False, soft_wrap=True)
