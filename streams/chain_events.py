"""What the listener says on the stream `rialto-chain-events`. Amounts are text: JSON numbers lose
digits.

Events repeat after a crash; readers know a repeat by (kind, chain, txid, index, block_hash).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from streams.kinesis import Record


class ChainEventKind(StrEnum):
    BLOCK = "block"
    """A block was scanned; what it pays to us comes before it."""
    BLOCK_ORPHANED = "block_orphaned"
    """A block left the chain, with everything in it."""
    DEPOSIT_SEEN = "deposit_seen"
    """In the mempool: may still be replaced or never mined."""
    DEPOSIT_MINED = "deposit_mined"
    DEPOSIT_ORPHANED = "deposit_orphaned"
    """The deposit stands in no block any more; it may be mined again under the same id."""
    DEPOSIT_REFUSED = "deposit_refused"
    """A token log without the coins: the balance did not move as the log says."""


class ChainEvent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    kind: ChainEventKind
    chain: str
    sequence: int = 0
    """Number in the outbox, ascending per chain; of two events of one thing the higher is true."""
    at_ms: int = 0
    """When the listener learned it; Unix milliseconds."""
    height: int | None = None
    block_hash: str | None = None
    parent_hash: str | None = None
    mined_at: str | None = None
    """ISO 8601, UTC."""
    txid: str | None = None
    index: int | None = None
    asset: str | None = None
    units: str | None = None
    address: str | None = None
    customer_id: int | None = None
    reason: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ChainEvent)


def to_record(event: ChainEvent) -> Record:
    """One key per chain: blocks and their deposits are read in the order they happened."""
    return Record(key=event.chain, data=_encoder.encode(event))


def from_bytes(data: bytes) -> ChainEvent:
    return _decoder.decode(data)


def to_body(event: ChainEvent) -> dict[str, object]:
    """As it is kept in the outbox."""
    body = msgspec.to_builtins(event)
    assert isinstance(body, dict)
    return body


def from_body(body: dict[str, object]) -> ChainEvent:
    return msgspec.convert(body, ChainEvent)
