"""The event listener: follows both chains, keeps deposits, tells their workflows and the stream.

`python -m workers.event_listener` runs for ever; `handler` does the same work once, as a Lambda.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Counter, Gauge
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from activities.listening.bitcoin import BitcoinReader
from activities.listening.ethereum import EthereumReader
from activities.listening.mempool import BitcoinMempool, EthereumMempool, Mempool
from activities.listening.outbox import ChainOutbox, StartDeposit
from activities.listening.walk import ChainWalk, Step, WalkPolicy
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from chains.node import NodeFault, NodeRefusal
from domain.money import Amount
from storage.blocks import CursorMoved, cursor, exclusive
from storage.catalog import Catalog, read_catalog
from storage.deposits import DueDeposit
from storage.engine import create_engine
from streams.kinesis import KinesisProducer
from streams.objectives import DEPOSITS
from streams.secret_environment import read_secret_environment
from streams.temporal import connect
from workers.health import Health, serve_health
from workers.process import run
from workflows.start import Subject, start_deposit

logger = logging.getLogger(__name__)

HEIGHT = Gauge("listener_height", "Last block scanned", ["chain"])
NODE_HEIGHT = Gauge("listener_node_height", "The node's newest block", ["chain"])
LAG = Gauge("listener_lag_blocks", "Blocks of the node not yet scanned", ["chain"])
LAG_BLOCKS_MAX = 3
STEPS = Counter("listener_steps", "Steps of the walk by outcome", ["chain", "step"])
FAULTS = Counter("listener_faults", "Rounds cut short by a node, database or stream", ["chain"])

_PASSING = (NodeFault, NodeRefusal, CursorMoved, DBAPIError, RPCError, OSError)
"""What another round may cure: nodes, database and Temporal come and go."""
_STANDBY_SECONDS = 1.0
_QUIET_SECONDS = 10.0
_QUIET_FACTOR = 2
"""After so long without a block the node is asked less often: blocks rarely come at once."""

LAMBDA_RESERVE_SECONDS = 20.0
"""Of a call's time, for the block in hand and for passing on what was found."""


class LambdaContext(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


class ListenerSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    bitcoin_rpc_url: str
    bitcoin_second_rpc_url: str | None = None
    """A second node that must agree before a block counts."""
    bitcoin_network: str = "regtest"
    ethereum_rpc_url: str
    ethereum_second_rpc_url: str | None = None
    ethereum_chain_id: int = 31337
    listener_start_height: int | None = None
    """Where to begin on a chain never followed before; unset: genesis on regtest, else the tip."""
    listener_poll_seconds: float = 0.25
    reorg_alarm_depth: int = 6
    health_port: int | None = None
    metrics_port: int | None = None

    @property
    def start_height(self) -> int | None:
        if self.listener_start_height is not None:
            return self.listener_start_height
        return 0 if self.bitcoin_network == "regtest" else None


@dataclass(frozen=True)
class Listener:
    """All that one chain's loop works with."""

    chain: str
    node: BitcoinNode | EthereumNode
    walk: ChainWalk
    mempool: Mempool
    outbox: ChainOutbox

    async def round(self) -> bool:
        """One step of the walk, then pass on what it wrote. True when more is to do at once."""
        step = await self.walk.step()
        STEPS.labels(self.chain, step).inc()
        HEIGHT.labels(self.chain).set(self.walk.height)
        NODE_HEIGHT.labels(self.chain).set(self.walk.node_height)
        lag = max(0, self.walk.node_height - self.walk.height)
        LAG.labels(self.chain).set(lag)
        DEPOSITS.count(is_good=lag <= LAG_BLOCKS_MAX)
        moved = step in (Step.SCANNED, Step.WENT_BACK)
        if not moved:
            await self.mempool.look()
        if not moved or self.walk.is_near_tip:
            await self.outbox.nudge()
            await self.outbox.publish()
        return moved


@dataclass(frozen=True)
class Wiring:
    """What both listeners are built from."""

    settings: ListenerSettings
    engine: AsyncEngine
    start: StartDeposit
    closing: AsyncExitStack
    """Closes the nodes' connections."""

    @property
    def policy(self) -> WalkPolicy:
        return WalkPolicy(self.settings.start_height, self.settings.reorg_alarm_depth)

    def outbox(self, chain: str) -> ChainOutbox:
        return ChainOutbox(self.engine, chain, KinesisProducer(), self.start)


def bitcoin_listener(wiring: Wiring) -> Listener:
    def connected(url: str) -> BitcoinNode:
        node = BitcoinNode.connect(url, network(wiring.settings.bitcoin_network))
        wiring.closing.push_async_callback(node.close)
        return node

    node = connected(wiring.settings.bitcoin_rpc_url)
    second_url = wiring.settings.bitcoin_second_rpc_url
    second = None if second_url is None else BitcoinReader(connected(second_url))
    walk = ChainWalk(wiring.engine, BitcoinReader(node), wiring.policy, second)
    mempool = BitcoinMempool(wiring.engine, node, walk.watchlist)
    return Listener(walk.chain, node, walk, mempool, wiring.outbox(walk.chain))


def ethereum_listener(wiring: Wiring) -> Listener:
    def connected(url: str) -> EthereumNode:
        node = EthereumNode.connect(url, wiring.settings.ethereum_chain_id)
        wiring.closing.push_async_callback(node.close)
        return node

    node = connected(wiring.settings.ethereum_rpc_url)
    second_url = wiring.settings.ethereum_second_rpc_url
    second = None if second_url is None else EthereumReader(connected(second_url))
    walk = ChainWalk(wiring.engine, EthereumReader(node), wiring.policy, second)
    mempool = EthereumMempool(wiring.engine, node, walk.watchlist)
    return Listener(walk.chain, node, walk, mempool, wiring.outbox(walk.chain))


async def follow(
    listener: Listener,
    engine: AsyncEngine,
    stop: asyncio.Event,
    health: Health,
    poll_seconds: float,
) -> None:
    """Follow one chain until `stop`. Only one process at a time does; others stand by."""
    while not stop.is_set():
        try:
            async with exclusive(engine, listener.chain) as is_ours:
                if is_ours:
                    await listener.node.check_identity()
                    await _rounds(listener, stop, health, poll_seconds)
        except _PASSING as fault:
            FAULTS.labels(listener.chain).inc()
            logger.warning(
                "listener round failed",
                extra={"chain": listener.chain, "fault": f"{type(fault).__name__}: {fault}"[:300]},
            )
            health.unready(listener.chain)
        await _pause(stop, _STANDBY_SECONDS)


async def _rounds(
    listener: Listener, stop: asyncio.Event, health: Health, poll_seconds: float
) -> None:
    clock = asyncio.get_running_loop().time
    moved_at = clock()
    while not stop.is_set():
        moved = await listener.round()
        health.ready(listener.chain)
        if moved:
            moved_at = clock()
        else:
            is_quiet = clock() - moved_at > _QUIET_SECONDS
            await _news(listener, stop, poll_seconds * (_QUIET_FACTOR if is_quiet else 1))


async def _news(listener: Listener, stop: asyncio.Event, seconds: float) -> None:
    """Until the node has a block that the walk did not see, `stop`, or `seconds` passed."""
    stopping = asyncio.ensure_future(stop.wait())
    block = asyncio.ensure_future(
        listener.node.wait_for_height(listener.walk.node_height + 1, seconds)
    )
    try:
        await asyncio.wait({stopping, block}, return_when=asyncio.FIRST_COMPLETED)
        if block.done():
            block.result()
    finally:
        stopping.cancel()
        block.cancel()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def starter(client: Client, catalog: Catalog) -> StartDeposit:
    """Starts deposit workflows on `client`."""

    async def start(deposit: DueDeposit) -> object:
        amount = Amount(catalog.asset(deposit.asset), deposit.units)
        subject = Subject(
            state=deposit.status,
            asset=deposit.asset,
            chain=deposit.chain,
            customer_id=deposit.customer_id,
            amount=str(amount),
        )
        return await start_deposit(client, deposit.id, subject)

    return start


@asynccontextmanager
async def listening(
    settings: ListenerSettings,
) -> AsyncIterator[tuple[AsyncEngine, list[Listener]]]:
    """Everything built and connected, for as long as the block runs."""
    engine = create_engine(settings.database_url, application="event_listener")
    async with AsyncExitStack() as closing:
        closing.push_async_callback(engine.dispose)
        catalog = await _catalog(engine)
        client = await connect(settings)
        wiring = Wiring(settings, engine, starter(client, catalog), closing)
        yield engine, [bitcoin_listener(wiring), ethereum_listener(wiring)]


async def _catalog(engine: AsyncEngine) -> Catalog:
    """The listed assets, once the database is there."""
    while True:
        try:
            async with engine.connect() as connection:
                return await read_catalog(connection)
        except (DBAPIError, OSError):
            await asyncio.sleep(0.5)


async def serve(stop: asyncio.Event) -> None:
    settings = ListenerSettings()
    health = Health("bitcoin", "ethereum")
    async with (
        serve_health(health, port=settings.health_port, metrics_port=settings.metrics_port),
        listening(settings) as (engine, found),
    ):
        pace = settings.listener_poll_seconds
        await asyncio.gather(*(follow(each, engine, stop, health, pace) for each in found))


def handler(event: object, context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Catch up with both chains, as far as there is time; run it on a schedule.

    Returns the heights that are scanned; the next call goes on from there.
    """
    read_secret_environment()
    seconds = context.get_remaining_time_in_millis() / 1000 - LAMBDA_RESERVE_SECONDS
    return asyncio.run(catch_up(ListenerSettings(), seconds=seconds))


async def catch_up(settings: ListenerSettings, seconds: float | None = None) -> dict[str, int]:
    """Walk both chains towards the nodes' tips, for at most so long, and return how far they are.

    A chain that another listener follows is left to it.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    async with listening(settings) as (engine, found):
        await asyncio.gather(*(_catch_up_one(each, engine, deadline) for each in found))
        async with engine.connect() as connection:
            cursors = {each.chain: await cursor(connection, each.chain) for each in found}
    return {chain: each.height for chain, each in cursors.items() if each is not None}


async def _catch_up_one(listener: Listener, engine: AsyncEngine, deadline: float | None) -> None:
    async with exclusive(engine, listener.chain) as is_ours:
        if not is_ours:
            return
        await listener.node.check_identity()
        while await listener.round():
            if deadline is not None and time.monotonic() > deadline:
                logger.info("the rest is for the next call", extra={"chain": listener.chain})
                return


def main() -> None:
    run("event_listener", serve)


if __name__ == "__main__":
    main()
