"""Activities of task queue `ethereum`, and the watch over payments on that chain."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.chain_tie import ChainTie
from activities.ethereum_treasury import EthereumTreasury
from chains.ethereum.node import EthereumNode
from workers.chain_worker import ChainSettings, serve_chain
from workers.process import run


class EthereumSettings(ChainSettings):
    ethereum_rpc_url: str
    ethereum_chain_id: int = 31337


async def serve(stop: asyncio.Event) -> None:
    settings = EthereumSettings()
    node = EthereumNode.connect(settings.ethereum_rpc_url, settings.ethereum_chain_id)
    try:

        def tie(engine: AsyncEngine) -> ChainTie:
            return ChainTie(engine, None, node)

        await serve_chain(settings, EthereumTreasury(node), tie, stop)
    finally:
        await node.close()


def main() -> None:
    run("ethereum_worker", serve)


if __name__ == "__main__":
    main()
