"""Reading raw blocks. The node's JSON is not trusted with money: the block's own bytes are, because
its hash covers the header, the header's Merkle root covers every txid, and a txid every output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from chains.bitcoin.node import BitcoinNode
from chains.bitcoin.transaction import Outpoint
from chains.block import BlockRef, BrokenBlock, Incoming
from chains.node import NodeFault, NodeRefusal
from chains.watch import AddressSet
from domain.ids import TxId

_HEADER_BYTES = 80
_P2WPKH_BYTES = 22
_P2WPKH_PREFIX = b"\x00\x14"


@dataclass(frozen=True, slots=True)
class ParsedTransaction:
    txid_bytes: bytes
    """In hash order; texts show it reversed."""
    spends: tuple[bytes, ...]
    """Outpoints as the 36 bytes of the wire."""
    outputs: tuple[tuple[int, bytes], ...]
    """Satoshi and locking script."""

    @property
    def txid(self) -> TxId:
        return TxId(self.txid_bytes[::-1].hex())


@dataclass(frozen=True, slots=True)
class Block:
    ref: BlockRef
    transactions: Sequence[ParsedTransaction]
    """The first one is the coinbase."""


async def read_ref(node: BitcoinNode, height: int) -> BlockRef | None:
    """The node's block at `height`; None above its tip."""
    block_hash = await node.block_hash(height)
    if block_hash is None:
        return None
    raw = bytes.fromhex(await node.call("getblockheader", block_hash, False))
    return _ref(raw[:_HEADER_BYTES], height, block_hash)


async def read_block(node: BitcoinNode, ref: BlockRef) -> Block:
    """Raises NodeFault when the node does not have it, BrokenBlock when its bytes are not its."""
    try:
        raw = bytes.fromhex(await node.call("getblock", ref.hash, 0))
    except NodeRefusal as refusal:
        raise NodeFault(f"Bitcoin node: {refusal.message}") from refusal
    return parse_block(raw, ref)


def parse_block(raw: bytes, ref: BlockRef) -> Block:
    """Take a block's bytes apart. Raises BrokenBlock unless they hash to `ref`."""
    if _ref(raw[:_HEADER_BYTES], ref.height, ref.hash).parent_hash != ref.parent_hash:
        raise BrokenBlock(f"{ref.hash}: another parent than its header had")
    try:
        transactions, position = _transactions(raw)
    except IndexError:
        raise BrokenBlock(f"{ref.hash}: {len(raw)} bytes end within a transaction") from None
    if position != len(raw) or not transactions:
        raise BrokenBlock(f"{ref.hash}: {len(raw)} bytes, read up to {position}")
    if merkle_root([t.txid_bytes for t in transactions]) != raw[36:68]:
        raise BrokenBlock(f"{ref.hash}: the transactions are not the header's")
    return Block(ref, transactions)


def _transactions(raw: bytes) -> tuple[list[ParsedTransaction], int]:
    """Those of a block, and where the last one ends."""
    count, position = _compact_size(raw, _HEADER_BYTES)
    transactions: list[ParsedTransaction] = []
    for _ in range(count):
        transaction, position = parse_transaction(raw, position)
        transactions.append(transaction)
    return transactions, position


def incoming(block: Block, watched: AddressSet) -> list[Incoming]:
    """All outputs to watched keys, in block order; mining rewards, not yet spendable, left out."""
    return [
        arrival
        for transaction in block.transactions[1:]
        for arrival in _outputs_to(transaction, watched)
    ]


def incoming_of(transaction: ParsedTransaction, watched: AddressSet) -> list[Incoming]:
    """The same for one transaction, of the mempool."""
    return list(_outputs_to(transaction, watched))


def spent_outpoints(block: Block) -> list[tuple[bytes, TxId]]:
    """Every outpoint the block spends (36 wire bytes) with the spending txid."""
    return [(spend, t.txid) for t in block.transactions[1:] for spend in t.spends]


def outpoint(wire: bytes) -> Outpoint:
    return Outpoint(TxId(wire[:32][::-1].hex()), int.from_bytes(wire[32:], "little"))


def wire(point: Outpoint) -> bytes:
    return bytes.fromhex(point.txid)[::-1] + point.vout.to_bytes(4, "little")


def parse_transaction(raw: bytes, position: int = 0) -> tuple[ParsedTransaction, int]:
    """One transaction and where it ends."""
    start = position
    position += 4
    segwit = raw[position] == 0
    body = position + 2 if segwit else position
    spends, position = _inputs(raw, body)
    outputs, position = _outputs(raw, position)
    end_of_body = position
    if segwit:
        position = _skip_witnesses(raw, position, len(spends))
    core = raw[start : start + 4] + raw[body:end_of_body] + raw[position : position + 4]
    return ParsedTransaction(_double_sha256(core), spends, outputs), position + 4


def _inputs(raw: bytes, position: int) -> tuple[tuple[bytes, ...], int]:
    count, position = _compact_size(raw, position)
    spends = []
    for _ in range(count):
        spends.append(raw[position : position + 36])
        length, position = _compact_size(raw, position + 36)
        position += length + 4
    return tuple(spends), position


def _outputs(raw: bytes, position: int) -> tuple[tuple[tuple[int, bytes], ...], int]:
    count, position = _compact_size(raw, position)
    outputs = []
    for _ in range(count):
        satoshi = int.from_bytes(raw[position : position + 8], "little")
        length, position = _compact_size(raw, position + 8)
        outputs.append((satoshi, raw[position : position + length]))
        position += length
    return tuple(outputs), position


def _skip_witnesses(raw: bytes, position: int, input_count: int) -> int:
    for _ in range(input_count):
        items, position = _compact_size(raw, position)
        for _ in range(items):
            length, position = _compact_size(raw, position)
            position += length
    return position


def _outputs_to(transaction: ParsedTransaction, watched: AddressSet) -> Iterator[Incoming]:
    for vout, (satoshi, script) in enumerate(transaction.outputs):
        if (
            len(script) == _P2WPKH_BYTES
            and script[:2] == _P2WPKH_PREFIX
            and satoshi
            and script[2:] in watched
        ):
            yield Incoming(transaction.txid, vout, script[2:], satoshi)


def _compact_size(raw: bytes, position: int) -> tuple[int, int]:
    """A variable-length count and the position after it."""
    first = raw[position]
    if first < 0xFD:
        return first, position + 1
    width = {0xFD: 2, 0xFE: 4, 0xFF: 8}[first]
    end = position + 1 + width
    return int.from_bytes(raw[position + 1 : end], "little"), end


def merkle_root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        if len(hashes) % 2:
            hashes.append(hashes[-1])
        hashes = [_double_sha256(hashes[i] + hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def _double_sha256(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def _ref(header: bytes, height: int, block_hash: str) -> BlockRef:
    if len(header) != _HEADER_BYTES or _double_sha256(header)[::-1].hex() != block_hash:
        raise BrokenBlock(f"{block_hash}: the header does not have this hash")
    return BlockRef(
        height=height,
        hash=block_hash,
        parent_hash=header[4:36][::-1].hex(),
        mined_at=datetime.fromtimestamp(int.from_bytes(header[68:72], "little"), UTC),
    )
