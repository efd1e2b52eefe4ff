"""Activities of task queue `bitcoin`, and the watch over payments on that chain."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.bitcoin_treasury import BitcoinTreasury
from activities.chain_tie import ChainTie
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from workers.chain_worker import ChainSettings, serve_chain
from workers.process import run


class BitcoinSettings(ChainSettings):
    bitcoin_rpc_url: str
    bitcoin_network: str = "regtest"


async def serve(stop: asyncio.Event) -> None:
    settings = BitcoinSettings()
    node = BitcoinNode.connect(settings.bitcoin_rpc_url, network(settings.bitcoin_network))
    try:

        def tie(engine: AsyncEngine) -> ChainTie:
            return ChainTie(engine, node, None)

        await serve_chain(settings, BitcoinTreasury(node), tie, stop)
    finally:
        await node.close()


def main() -> None:
    run("bitcoin_worker", serve)


if __name__ == "__main__":
    main()
