"""Real nodes, Postgres, KMS and Temporal for custody's tests."""

from collections.abc import AsyncIterator

import pytest

from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from devstack.rented import Database, RentedStack
from tests.chains.conftest import aws, bitcoin, ethereum
from tests.custody.house import House, opened, working

__all__ = ["aws", "bitcoin", "ethereum"]


@pytest.fixture(scope="module")
async def idle_house(
    stack: RentedStack,
    database: Database,
    aws: None,
    bitcoin: BitcoinNode,
    ethereum: EthereumNode,
) -> AsyncIterator[House]:
    """A funded house on both chains; nobody works in it."""
    async with opened(stack, database, bitcoin, ethereum) as house:
        yield house


@pytest.fixture(scope="module")
async def house(stack: RentedStack, idle_house: House) -> AsyncIterator[House]:
    """A funded house whose workers run."""
    stack.require("temporal")
    async with working(idle_house, stack.env["RIALTO_TEMPORAL_ADDRESS"]) as house:
        yield house
