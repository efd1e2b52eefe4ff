"""Our ether and tokens by the node's own balances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chains.ethereum.erc20 import balance_of_call
from chains.ethereum.node import EthereumNode, quantity
from chains.holdings import Holdings, MinedFee
from chains.node import NodeFault
from domain.ids import TxId

_CALLS_MAX = 500
Call = tuple[str, Sequence[object]]


async def holdings(
    node: EthereumNode, addresses: Sequence[str], contracts: Mapping[str, str], height: int
) -> Holdings:
    """Balances at the block of this height. `contracts`: tokens by asset; ether comes along."""
    header = await node.header(height)
    if header is None:
        raise NodeFault(f"Ethereum node: no block at height {height}")
    block = hex(height)
    calls: dict[str, list[Call]] = {
        "ETH": [("eth_getBalance", (address, block)) for address in addresses]
    }
    for asset, contract in contracts.items():
        calls[asset] = [
            (
                "eth_call",
                ({"to": contract, "data": "0x" + balance_of_call(address).hex()}, block),
            )
            for address in addresses
        ]
    units = {asset: await _sum(node, each) for asset, each in calls.items()}
    return Holdings(height, header["hash"], units)


async def mined_fee(node: EthereumNode, txid: TxId) -> MinedFee | None:
    """None unless the transaction is in a block of the best chain."""
    receipt = await node.receipt(txid)
    if receipt is None or receipt["blockNumber"] is None:
        return None
    fee = quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"])
    succeeded = quantity(receipt["status"]) == 1
    return MinedFee(quantity(receipt["blockNumber"]), fee, succeeded)


async def _sum(node: EthereumNode, calls: Sequence[Call]) -> int:
    total = 0
    for start in range(0, len(calls), _CALLS_MAX):
        answers = await node.call_many(calls[start : start + _CALLS_MAX])
        total += sum(int(answer, 16) for answer in answers)
    return total
