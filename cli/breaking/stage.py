"""The running exchange as scenes need it: what to look at, what to wait for, whom to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities import engine_tie
from activities.chain_tie import ChainTie, TipKeepsMoving
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.node import NodeFault
from cli.demo.customer import NotInTime, eventually
from cli.running import Running
from devstack import whole
from devstack.chain_funds import MINER_WALLET
from devstack.parts import named
from devstack.site import Site
from devstack.stack import Stack
from storage.audit import audit_ledger
from storage.engine import create_engine

Tell = Callable[[str], None]
WAIT_SECONDS: Final = 180.0
_AGAIN_SECONDS: Final = 1.0
"""Between two comparisons of the books: each replays the journal."""


class Stage:
    """Reads the exchange's database and node, and its parts' processes. Local stacks only."""

    def __init__(self, running: Running, tell: Tell) -> None:
        self.running = running
        self.site: Site = running.site
        self.tell = tell
        self.engine: AsyncEngine = create_engine(running.database_url, application="rialto-break")
        self.bitcoin = BitcoinNode.connect(
            running.bitcoin_rpc_url,
            network(running.variables["RIALTO_BITCOIN_NETWORK"]),
            timeout_seconds=30,
        )

    async def close(self) -> None:
        await self.bitcoin.close()
        await self.engine.dispose()

    async def rows(self, query: str, **values: object) -> Any:
        async with self.engine.connect() as connection:
            return (await connection.execute(text(query), values)).all()

    async def row(self, query: str, **values: object) -> Any:
        [row] = await self.rows(query, **values)
        return row

    async def cursor(self) -> Any:
        return await self.row("SELECT * FROM chain_cursors WHERE chain = 'bitcoin'")

    async def caught_up(self) -> bool | None:
        """The listener stands where the node does, and is not halted."""
        cursor = await self.cursor()
        _, tip = await self.bitcoin.tip()
        return True if cursor.hash == tip and cursor.halted_reason is None else None

    async def deposit(self, txid: str) -> Any:
        """The row of the deposit that this transaction made; None before it is seen."""
        found = await self.rows("SELECT * FROM deposits WHERE txid = :txid", txid=txid)
        return found[0] if found else None

    async def taken_back(self) -> set[str]:
        """Deposits of bitcoin that are in no block any more."""
        found = await self.rows(
            "SELECT id FROM deposits WHERE chain = 'bitcoin' AND status IN ('orphaned', 'reversed')"
        )
        return {row.id for row in found}

    async def wait(self, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
        """Raises NotInTime."""
        return await eventually(what, look, WAIT_SECONDS)

    async def mine(self) -> None:
        """One block with all that waits in the mempool."""
        address = await self.bitcoin.wallet(MINER_WALLET).call("getnewaddress")
        await self.bitcoin.call("generatetoaddress", 1, address)

    async def mine_empty(self, count: int) -> None:
        """Blocks without the mempool's transactions."""
        address = await self.bitcoin.wallet(MINER_WALLET).call("getnewaddress")
        for _ in range(count):
            await self.bitcoin.call("generateblock", address, [])

    @contextmanager
    def asleep(self, name: str) -> Iterator[None]:
        """A part stands still meanwhile, as by SIGSTOP; nobody takes it for dead."""
        running = Stack(self.site).running(named(name))
        assert running is not None, f"{name} does not run"
        os.kill(running.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(running.pid, signal.SIGCONT)

    async def start_again(self, name: str, site: Site) -> None:
        """Stop one part and start it as `site` says, until it says that it works."""
        await asyncio.to_thread(whole.start_again, site, named(name))

        async def works() -> bool | None:
            return await asyncio.to_thread(self.healthy_pid, name) is not None or None

        await self.wait(f"{name} works", works)

    def pid(self, name: str) -> int | None:
        running = Stack(self.site).running(named(name))
        return running.pid if running is not None else None

    def healthy_pid(self, name: str) -> int | None:
        """Its process, if it runs and says that it works."""
        return whole.healthy_pid(self.site, named(name))

    async def books(self) -> list[str]:
        """Everything of ledger, holds, engine and chain that is off by a unit."""
        journal = Path(self.running.variables["RIALTO_JOURNAL_DIR"])
        found = [str(each) for each in await audit_ledger(self.engine)]
        found += [str(each) for each in await engine_tie.tie_engine(self.engine, journal)]
        try:
            ties = await ChainTie(self.engine, self.bitcoin, None).ties("bitcoin")
        except (TipKeepsMoving, NodeFault) as fault:
            return [*found, str(fault)]
        off = [each for each in ties if each.difference_units]
        return found + [f"{t.asset}: the chain has {t.difference_units} units more" for t in off]

    async def settled(self) -> list[str]:
        """The same once it is empty; what is left of it when it does not become so in time.

        Trading may go on meanwhile: what is under way differs for a moment.
        """
        found: list[str] = []

        async def clean() -> bool | None:
            found[:] = await self.books()
            if not found:
                return True
            await asyncio.sleep(_AGAIN_SECONDS)
            return None

        try:
            await self.wait("the books tie", clean)
        except NotInTime:
            return found
        return []
