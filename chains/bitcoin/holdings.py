"""Our bitcoin by the node's own set of unspent outputs."""

from __future__ import annotations

from collections.abc import Sequence

from chains.bitcoin.fees import satoshi
from chains.bitcoin.node import BitcoinNode
from chains.holdings import Holdings, MinedFee
from chains.node import NodeFault
from domain.ids import TxId


async def holdings(node: BitcoinNode, addresses: Sequence[str]) -> Holdings:
    """Unspent outputs of these addresses at the tip. Walks the whole set: seconds to minutes."""
    found = await node.call("scantxoutset", "start", [f"addr({each})" for each in addresses])
    if found is None or not found["success"]:
        raise NodeFault("Bitcoin node: the scan of unspent outputs did not finish")
    return Holdings(found["height"], found["bestblock"], {"BTC": satoshi(found["total_amount"])})


async def mined_fee(node: BitcoinNode, txid: TxId) -> MinedFee | None:
    """None unless the transaction is in a block of the best chain."""
    transaction = await node.raw_transaction(txid)
    if transaction is None or not transaction.get("confirmations"):
        return None
    block = await node.call("getblockheader", transaction["blockhash"])
    detailed = await node.call("getrawtransaction", txid, 2, transaction["blockhash"])
    return MinedFee(block["height"], satoshi(detailed["fee"]))
