"""The whole exchange, every process of it, on servers of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from cli.chaos.trial import Exchange
from cli.demo.outside import OutsideBitcoin, OutsideEthereum
from cli.running import Running
from devstack.rented import RentedStack


@pytest.fixture(scope="package")
def breakable() -> Iterator[Exchange]:
    """Started once for all end-to-end tests; the supervisor restarts whatever they kill.

    Its nodes stand behind proxies, which are kind until somebody breaks them.
    """
    exchange = Exchange(seed=1, RIALTO_TRACES="file:HOME/traces")
    try:
        exchange.start()
        yield exchange
    finally:
        exchange.close()


@pytest.fixture(scope="package")
def exchange(breakable: Exchange) -> RentedStack:
    return breakable.stack


@pytest.fixture(scope="package")
def running(exchange: RentedStack) -> Running:
    return Running(exchange.env, exchange.site)


@pytest.fixture
async def api(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=running.api_url, timeout=30) as client:
        yield client


@pytest.fixture
async def bitcoin(running: Running) -> AsyncIterator[OutsideBitcoin]:
    async with httpx.AsyncClient(timeout=30) as node:
        yield OutsideBitcoin(node, running.bitcoin_rpc_url)


@pytest.fixture
async def ethereum(running: Running) -> AsyncIterator[OutsideEthereum]:
    outside = OutsideEthereum(running.ethereum_rpc_url, await running.token_contract("USDT"))
    yield outside
    await outside.close()
