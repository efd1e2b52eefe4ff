"""Real nodes for the tests of chains: bitcoind on regtest and anvil, both without a timer."""

from collections.abc import AsyncIterator, Iterator

import pytest

from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from devstack import seed_aws
from devstack.rented import RentedStack
from streams.aws import pointed_at


@pytest.fixture(scope="session")
def seeded(stack: RentedStack) -> None:
    """The session's AWS, with keys and streams."""
    stack.require("roto", "ministack")
    with pointed_at(stack.env):
        seed_aws.seed()


@pytest.fixture(scope="module")
def aws(stack: RentedStack, seeded: None) -> Iterator[None]:
    """The same, for clients that read the environment."""
    with pointed_at(stack.env):
        yield


@pytest.fixture(scope="session")
async def bitcoin(stack: RentedStack) -> AsyncIterator[BitcoinNode]:
    stack.require("bitcoind")
    node = BitcoinNode.connect(stack.env["RIALTO_BITCOIN_RPC_URL"], network("regtest"))
    yield node
    await node.close()


@pytest.fixture(scope="session")
async def ethereum(stack: RentedStack) -> AsyncIterator[EthereumNode]:
    stack.require("anvil")
    node = EthereumNode.connect(stack.env["RIALTO_ETHEREUM_RPC_URL"], 31337)
    yield node
    await node.close()
