"""Our ether and tokens by the node's own balances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chains.ethereum.erc20 import balance_of_call
from chains.ethereum.node import EthereumNode, quantity
from chains.holdings import AddressHoldings, Holdings, MinedFee
from chains.node import NodeFault
from domain.ids import TxId

_CALLS_MAX = 500
Call = tuple[str, Sequence[object]]


async def holdings(
    node: EthereumNode, addresses: Sequence[str], contracts: Mapping[str, str], height: int
) -> Holdings:
    """Balances at the block of this height. `contracts`: tokens by asset; ether comes along."""
    found = await holdings_by_address(node, addresses, contracts, height)
    units = dict.fromkeys(("ETH", *contracts), 0)
    for (_, asset), each in found.units.items():
        units[asset] += each
    return Holdings(found.height, found.block_hash, units)


async def holdings_by_address(
    node: EthereumNode, addresses: Sequence[str], contracts: Mapping[str, str], height: int
) -> AddressHoldings:
    """The same, told address by address."""
    header = await node.header(height)
    if header is None:
        raise NodeFault(f"Ethereum node: no block at height {height}")
    block = hex(height)
    calls: dict[tuple[str, str], Call] = {
        (address, "ETH"): ("eth_getBalance", (address, block)) for address in addresses
    }
    for asset, contract in contracts.items():
        for address in addresses:
            asked = {"to": contract, "data": "0x" + balance_of_call(address).hex()}
            calls[address, asset] = ("eth_call", (asked, block))
    units = await _numbers(node, list(calls.values()))
    return AddressHoldings(height, header["hash"], dict(zip(calls, units, strict=True)))


async def mined_fee(node: EthereumNode, txid: TxId) -> MinedFee | None:
    """None unless the transaction is in a block of the best chain."""
    receipt = await node.receipt(txid)
    if receipt is None or receipt["blockNumber"] is None:
        return None
    fee = quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"])
    succeeded = quantity(receipt["status"]) == 1
    return MinedFee(quantity(receipt["blockNumber"]), fee, succeeded)


async def _numbers(node: EthereumNode, calls: Sequence[Call]) -> list[int]:
    numbers: list[int] = []
    for start in range(0, len(calls), _CALLS_MAX):
        answers = await node.call_many(calls[start : start + _CALLS_MAX])
        numbers += [int(answer, 16) for answer in answers]
    return numbers
