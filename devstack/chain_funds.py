"""Test coins for the house: how they reach a hot wallet, asset by asset. Development only."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from chains.bitcoin.fees import satoshi
from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode, quantity
from chains.node import NodeRefusal
from domain.ids import TxId

DEV_ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
"""Anvil's first account: unlocked on the node, rich in test ether."""
MINER_WALLET = "miner"

_COIN_SATOSHI = 250_000_000
"""Many coins rather than one, so that payments need not wait for each other's change."""
_MINER_RESERVE_SATOSHI = 500 * 10**8
"""Stays with the miner, for the customers of demos and tests."""
_MINT = bytes.fromhex("40c10f19")
"""mint(address,uint256), of the test tokens only."""
_BLOCKS_AT_ONCE = 50
_WAIT_SECONDS = 60.0


class Funds(Protocol):
    """One asset on one chain, and the address that gets it."""

    async def balance(self) -> int:
        """Confirmed units at the address; what still waits in a mempool is mined first."""

    async def send(self, units: int) -> None:
        """Send and wait until it is confirmed."""


class Bitcoins:
    def __init__(self, node: BitcoinNode, address: str) -> None:
        self._node = node
        self._miner = node.wallet(MINER_WALLET)
        self._address = address

    async def balance(self) -> int:
        await self._mine(1)
        found = await self._node.call("scantxoutset", "start", [f"addr({self._address})"])
        return satoshi(found["total_amount"])

    async def send(self, units: int) -> None:
        await self._earn(units + _MINER_RESERVE_SATOSHI)
        count = -(-units // _COIN_SATOSHI)
        for part in range(count):
            coin = min(_COIN_SATOSHI, units - part * _COIN_SATOSHI)
            await self._miner.call(
                "sendtoaddress", self._address, f"{coin // 10**8}.{coin % 10**8:08d}"
            )
        await self._mine(1)

    async def _earn(self, satoshi_min: int) -> None:
        """Mine until the miner's wallet can spend enough; rewards mature after 100 blocks."""
        while satoshi(await self._miner.call("getbalance")) < satoshi_min:
            await self._mine(_BLOCKS_AT_ONCE)

    async def _mine(self, count: int) -> None:
        address = await self._miner.call("getnewaddress")
        await self._node.call("generatetoaddress", count, address)


class Ether:
    def __init__(self, node: EthereumNode, address: str) -> None:
        self._node = node
        self._address = address

    async def balance(self) -> int:
        await self._node.call("evm_mine")
        return await self._node.balance(self._address)

    async def send(self, units: int) -> None:
        await send_from_dev_account(self._node, self._address, wei=units)


class Tokens:
    """Of a test token that anybody may mint."""

    def __init__(self, node: EthereumNode, contract: str, address: str) -> None:
        self._node = node
        self._contract = contract
        self._address = address

    async def balance(self) -> int:
        await self._node.call("evm_mine")
        return await self._node.token_balance(self._contract, self._address)

    async def send(self, units: int) -> None:
        data = _MINT + bytes(12) + bytes.fromhex(self._address[2:]) + units.to_bytes(32, "big")
        await send_from_dev_account(self._node, self._contract, data=data)


async def ensure_wallet(node: BitcoinNode, name: str) -> None:
    """Load the node's own wallet `name`, made if it does not exist."""
    if name in await node.call("listwallets"):
        return
    known = [wallet["name"] for wallet in (await node.call("listwalletdir"))["wallets"]]
    await node.call("loadwallet" if name in known else "createwallet", name)


async def send_from_dev_account(
    node: EthereumNode, to: str | None, *, wei: int = 0, data: bytes = b""
) -> str | None:
    """Send and wait for success; returns the contract's address when one was deployed."""
    transaction = {"from": DEV_ACCOUNT, "value": hex(wei), "data": "0x" + data.hex()}
    if to is not None:
        transaction["to"] = to
    txid = TxId(await node.call("eth_sendTransaction", transaction))
    return await mined(node, txid)


async def receipt_of(node: EthereumNode, txid: TxId) -> dict[str, Any]:
    """Wait for it: anvil answers before the block is made, by a moment that grows with load."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while True:
            receipt: dict[str, Any] | None = await node.receipt(txid)
            if receipt is not None:
                return receipt
            await asyncio.sleep(0.02)


async def mined(node: EthereumNode, txid: TxId) -> str | None:
    """Mine until the transaction has its receipt; returns the contract it made, if any."""
    await node.call("evm_mine")
    receipt = await receipt_of(node, txid)
    if quantity(receipt["status"]) != 1:
        raise NodeRefusal(0, f"transaction {txid} failed")
    contract: str | None = receipt["contractAddress"]
    return contract
