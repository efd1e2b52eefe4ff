"""Real nodes for the tests of chains: bitcoind on regtest and anvil, both without a timer."""

import os
from collections.abc import AsyncIterator

import pytest

from chains.bitcoin.network import network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode
from devstack import seed_aws
from devstack.rented import RentedStack


@pytest.fixture(scope="session")
def aws(stack: RentedStack) -> None:
    """The session's AWS, with keys and streams, for clients that read the environment."""
    stack.require("roto", "ministack")
    os.environ.update({key: value for key, value in stack.env.items() if key.startswith("AWS_")})
    seed_aws.seed()


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
