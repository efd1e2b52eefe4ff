"""What a block says, on any chain: its place, and the coins it brought to addresses we watch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.ids import TxId


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block's place in the chain of hashes."""

    height: int
    hash: str
    parent_hash: str
    mined_at: datetime

    def follows(self, previous: BlockRef) -> bool:
        return self.height == previous.height + 1 and self.parent_hash == previous.hash


@dataclass(frozen=True, slots=True)
class Incoming:
    """Coins that arrived at a watched address."""

    txid: TxId
    index: int
    """Together with the txid it names this arrival on every chain of blocks that holds it."""
    recipient: bytes
    """20 bytes: the public key's hash (Bitcoin) or the address (Ethereum)."""
    units: int
    contract: str | None = None
    """Of the token, checksummed; None for the chain's own coin."""


class BrokenBlock(Exception):
    """The node's answer contradicts itself or its own block hash. Never scanned, never skipped."""
