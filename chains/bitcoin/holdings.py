"""Our bitcoin by the node's own set of unspent outputs."""

from __future__ import annotations

from collections.abc import Sequence

from chains.bitcoin.addresses import parse_address
from chains.bitcoin.fees import satoshi
from chains.bitcoin.node import BitcoinNode
from chains.holdings import AddressHoldings, Holdings, MinedFee
from chains.node import NodeFault
from domain.ids import TxId


async def holdings(node: BitcoinNode, addresses: Sequence[str]) -> Holdings:
    """Unspent outputs of these addresses at the tip. Walks the whole set: seconds to minutes."""
    found = await node.call("scantxoutset", "start", [f"addr({each})" for each in addresses])
    if found is None or not found["success"]:
        raise NodeFault("Bitcoin node: the scan of unspent outputs did not finish")
    return Holdings(found["height"], found["bestblock"], {"BTC": satoshi(found["total_amount"])})


async def holdings_by_address(node: BitcoinNode, addresses: Sequence[str]) -> AddressHoldings:
    """The same, told address by address; those that hold nothing are left out."""
    found = await node.call("scantxoutset", "start", [f"addr({each})" for each in addresses])
    if found is None or not found["success"]:
        raise NodeFault("Bitcoin node: the scan of unspent outputs did not finish")
    owners = {parse_address(each, node.network).locking_script.hex(): each for each in addresses}
    units: dict[tuple[str, str], int] = {}
    for unspent in found["unspents"]:
        place = (owners[unspent["scriptPubKey"]], "BTC")
        units[place] = units.get(place, 0) + satoshi(unspent["amount"])
    return AddressHoldings(found["height"], found["bestblock"], units)


async def mined_fee(node: BitcoinNode, txid: TxId) -> MinedFee | None:
    """None unless the transaction is in a block of the best chain."""
    transaction = await node.raw_transaction(txid)
    if transaction is None or not transaction.get("confirmations"):
        return None
    block = await node.call("getblockheader", transaction["blockhash"])
    detailed = await node.call("getrawtransaction", txid, 2, transaction["blockhash"])
    return MinedFee(block["height"], satoshi(detailed["fee"]))
