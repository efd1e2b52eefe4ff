"""How deposits and withdrawals stand: on the stream of chain events, beside what the chains said.

Each event is the whole row as its change left it. `version` grows with every change of a row: of
two events of one row the higher is true. Amounts are text.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from streams.kinesis import Record


class DepositChanged(msgspec.Struct, frozen=True, kw_only=True, tag="deposit", tag_field="kind"):
    version: int
    id: str
    customer_id: int
    chain: str
    txid: str
    index: int
    asset: str
    units: str
    address: str
    status: str
    first_seen_at_ms: int
    changed_at_ms: int
    height: int | None = None
    block_hash: str | None = None


class WithdrawalChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag="withdrawal", tag_field="kind"
):
    version: int
    id: str
    customer_id: int
    chain: str
    asset: str
    units: str
    fee_units: str
    address: str
    status: str
    created_at_ms: int
    changed_at_ms: int
    txid: str | None = None


CustodyEvent: TypeAlias = DepositChanged | WithdrawalChanged

KINDS = frozenset({"deposit", "withdrawal"})

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[CustodyEvent] = msgspec.json.Decoder(CustodyEvent)


def to_record(event: CustodyEvent) -> Record:
    """One key per deposit or withdrawal: they spread over the shards, each in its own order."""
    return Record(key=event.id, data=_encoder.encode(event))


def from_bytes(data: bytes) -> CustodyEvent:
    return _decoder.decode(data)


def from_row(version: int, body: dict[str, object]) -> CustodyEvent:
    """The event of one row of the outbox."""
    event: CustodyEvent = msgspec.convert({**body, "version": version}, CustodyEvent)
    return event
