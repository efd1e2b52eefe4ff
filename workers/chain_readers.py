"""Opens chains' readers for commands that look at blocks by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.bitcoin import BITCOIN, BitcoinReader
from activities.listening.ethereum import ETHEREUM, EthereumReader
from activities.listening.reader import ChainReader
from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from domain.errors import InvalidInput
from storage.engine import create_engine


class ReaderSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    bitcoin_rpc_url: str
    bitcoin_network: str = "regtest"
    ethereum_rpc_url: str
    ethereum_chain_id: int = 31337


@asynccontextmanager
async def open_reader(
    settings: ReaderSettings, chain: str
) -> AsyncIterator[tuple[AsyncEngine, ChainReader]]:
    """Connected to database and node, whose identity was checked."""
    async with AsyncExitStack() as closing:
        engine = create_engine(settings.database_url, application="rescan", statement_timeout_ms=0)
        closing.push_async_callback(engine.dispose)
        yield engine, await _reader(settings, chain, closing)


@asynccontextmanager
async def open_readers(settings: ReaderSettings) -> AsyncIterator[dict[str, ChainReader]]:
    """Both chains' readers by chain, each node's identity checked."""
    async with AsyncExitStack() as closing:
        yield {chain: await _reader(settings, chain, closing) for chain in (BITCOIN, ETHEREUM)}


async def _reader(settings: ReaderSettings, chain: str, closing: AsyncExitStack) -> ChainReader:
    if chain == BITCOIN:
        bitcoin = BitcoinNode.connect(settings.bitcoin_rpc_url, network(settings.bitcoin_network))
        closing.push_async_callback(bitcoin.close)
        await bitcoin.check_identity()
        return BitcoinReader(bitcoin)
    if chain == ETHEREUM:
        ethereum = EthereumNode.connect(settings.ethereum_rpc_url, settings.ethereum_chain_id)
        closing.push_async_callback(ethereum.close)
        await ethereum.check_identity()
        return EthereumReader(ethereum)
    raise InvalidInput(f"there is no chain {chain!r}: bitcoin or ethereum")
