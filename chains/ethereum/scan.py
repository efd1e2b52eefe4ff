"""Reading a block for coins that came to us: plain transfers, transfers by contracts, token logs.

How ether reaches an address: as a transaction's own value, or inside one, by a contract. The second
kind leaves no log, so transactions that ran code are traced (one `debug_traceBlockByHash` a block).
The answers are checked against each other; a block that contradicts itself is not scanned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chains.block import BlockRef, BrokenBlock, Incoming
from chains.ethereum.erc20 import TokenTransfer, read_transfer_log
from chains.ethereum.fees import TRANSFER_GAS
from chains.ethereum.node import EthereumNode, quantity
from chains.node import NodeFault
from chains.watch import AddressSet
from domain.ids import TxId

INNER_CALL_INDEX = 1_000_000
"""Index of a deposit inside its transaction: 0 its own value; n its n-th log, from 1; and this plus
n its n-th inner call that moves value. None of them changes when the transaction is mined
elsewhere.
"""

_VALUE_CALLS = frozenset({"CALL", "CREATE", "CREATE2", "SELFDESTRUCT"})
"""Delegate and static calls repeat or forbid a value; these move it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block with its receipts; traces only where code ran."""

    ref: BlockRef
    transactions: Sequence[Mapping[str, Any]]
    receipts: Sequence[Mapping[str, Any]]
    traces: Sequence[Mapping[str, Any]] = field(default=())


async def read_ref(node: EthereumNode, height: int) -> BlockRef | None:
    """The node's block at `height`; None above its tip."""
    header = await node.header(height)
    return None if header is None else _ref(header)


async def read_block(node: EthereumNode, block_hash: str) -> Block:
    """Raises NodeFault when the node does not have the block, BrokenBlock when answers disagree."""
    block, receipts = await node.call_many(
        [("eth_getBlockByHash", [block_hash, True]), ("eth_getBlockReceipts", [block_hash])]
    )
    if block is None or receipts is None:
        raise NodeFault(f"Ethereum node: no block {block_hash}")
    _check(block, receipts, block_hash)
    ran_code = any(quantity(receipt["gasUsed"]) > TRANSFER_GAS for receipt in receipts)
    traces = await _traces(node, block_hash, len(receipts)) if ran_code else ()
    return Block(_ref(block), block["transactions"], receipts, traces)


def incoming(block: Block, watched: AddressSet, contracts: frozenset[str]) -> list[Incoming]:
    """All arrivals at watched addresses, in block order."""
    found: list[Incoming] = []
    for position, receipt in enumerate(block.receipts):
        if quantity(receipt["status"]) != 1:
            continue
        transaction = block.transactions[position]
        found += _own_value(transaction, watched)
        if block.traces and quantity(receipt["gasUsed"]) > TRANSFER_GAS:
            found += _inner_values(transaction, block.traces[position]["result"], watched)
        found += _token_logs(receipt, watched, contracts)
    return found


def announced(transaction: Mapping[str, Any], watched: AddressSet) -> list[Incoming]:
    """What a transaction that is in no block yet would pay by itself, if it does not fail."""
    return list(_own_value(transaction, watched))


def token_movements(block: Block, contract: str, address: str) -> int:
    """By the logs: what `address` gained (or lost) of a token in this block."""
    units = 0
    for transfer in _transfers(block):
        if transfer.contract == contract:
            units += transfer.units * (transfer.recipient == address)
            units -= transfer.units * (transfer.sender == address)
    return units


def _own_value(transaction: Mapping[str, Any], watched: AddressSet) -> Iterator[Incoming]:
    wei, to = quantity(transaction["value"]), transaction.get("to")
    if wei and to and (recipient := bytes.fromhex(to[2:])) in watched:
        yield Incoming(TxId(transaction["hash"]), 0, recipient, wei)


def _inner_values(
    transaction: Mapping[str, Any], trace: Mapping[str, Any], watched: AddressSet
) -> Iterator[Incoming]:
    for ordinal, call in enumerate(_value_calls(trace)):
        recipient = bytes.fromhex(call["to"][2:])
        if recipient in watched:
            index = INNER_CALL_INDEX + ordinal
            yield Incoming(TxId(transaction["hash"]), index, recipient, quantity(call["value"]))


def _value_calls(trace: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Inner calls that moved value, depth first; what was reverted moved nothing."""
    if trace.get("error"):
        return
    for call in trace.get("calls", ()):
        moves = call["type"] in _VALUE_CALLS and quantity(call.get("value") or 0) > 0
        if moves and not call.get("error") and call.get("to"):
            yield call
        yield from _value_calls(call)


def _token_logs(
    receipt: Mapping[str, Any], watched: AddressSet, contracts: frozenset[str]
) -> Iterator[Incoming]:
    for ordinal, log in enumerate(receipt["logs"], start=1):
        transfer = read_transfer_log(log)
        if transfer is None or transfer.contract not in contracts or not transfer.units:
            continue
        recipient = bytes.fromhex(transfer.recipient[2:])
        if recipient in watched:
            txid = TxId(receipt["transactionHash"])
            yield Incoming(txid, ordinal, recipient, transfer.units, transfer.contract)


def _transfers(block: Block) -> Iterator[TokenTransfer]:
    for receipt in block.receipts:
        for log in receipt["logs"]:
            if transfer := read_transfer_log(log):
                yield transfer


async def _traces(node: EthereumNode, block_hash: str, count: int) -> Sequence[Mapping[str, Any]]:
    traces = await node.call("debug_traceBlockByHash", block_hash, {"tracer": "callTracer"})
    if len(traces) != count or any("result" not in trace for trace in traces):
        raise BrokenBlock(f"{block_hash}: {len(traces)} traces for {count} transactions")
    return traces  # type: ignore[no-any-return]  # Decoded JSON.


def _check(block: Mapping[str, Any], receipts: Sequence[Mapping[str, Any]], wanted: str) -> None:
    """Receipts must be exactly this block's: a lagging backend behind one name mixes them up."""
    transactions = block["transactions"]
    if block["hash"] != wanted or len(transactions) != len(receipts):
        raise BrokenBlock(f"{wanted}: {len(receipts)} receipts for {len(transactions)}")
    bloom = 0
    for transaction, receipt in zip(transactions, receipts, strict=True):
        if (receipt["transactionHash"], receipt["blockHash"]) != (transaction["hash"], wanted):
            raise BrokenBlock(f"{wanted}: receipt of another block or transaction")
        bloom |= int(receipt["logsBloom"], 16)
    if bloom != int(block["logsBloom"], 16):
        raise BrokenBlock(f"{wanted}: the header promises other logs than the receipts hold")


def _ref(block: Mapping[str, Any]) -> BlockRef:
    return BlockRef(
        height=quantity(block["number"]),
        hash=block["hash"],
        parent_hash=block["parentHash"],
        mined_at=datetime.fromtimestamp(quantity(block["timestamp"]), UTC),
    )
