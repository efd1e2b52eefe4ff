"""Reads stream records into facts. What cannot be read is set aside and holds up nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from domain.market import MarketId
from engine.events import NumberedEvent
from projections.chain import Block, Deposit, Output, OutputStatus, Withdrawal
from projections.market import MarketFacts, UnknownEvent, read_event
from streams import chain_events, custody_events, market_events
from streams.chain_events import ChainEvent, ChainEventKind
from streams.custody_events import CustodyEvent, DepositChanged, WithdrawalChanged
from streams.kinesis import MARKET_EVENTS, split_aggregate

LINE_BYTES_MAX = 512 * 1024
"""A market record of 500 events has 100 KB; something larger is not ours."""

VERSION = 1
"""Newest format of events that this code reads; an event without `v` has version 1."""


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record as a stream gave it."""

    stream: str
    shard: str
    sequence_number: str
    key: str
    data: bytes
    arrived_at_ms: int


@dataclass(frozen=True, slots=True)
class Poison:
    """Something in a record that cannot be applied: the smallest part of it, and why."""

    record: StreamRecord
    line: bytes
    reason: str


@dataclass(slots=True)
class ChainFacts:
    blocks: list[Block] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    deposits: list[Deposit] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)


@dataclass(slots=True)
class Facts:
    """What a batch of records says, with repeats inside the batch still in it."""

    markets: dict[MarketId, MarketFacts] = field(default_factory=dict)
    chain: ChainFacts = field(default_factory=ChainFacts)
    poisons: list[Poison] = field(default_factory=list)


class _Header(msgspec.Struct):
    v: int = 1
    kind: str = ""


_header = msgspec.json.Decoder(_Header)


def read(records: list[StreamRecord]) -> Facts:
    facts = Facts()
    for record in records:
        for line in split_aggregate(record.data):
            try:
                _read_line(facts, record, line)
            except (msgspec.MsgspecError, ValueError, TypeError) as error:
                facts.poisons.append(Poison(record, line, f"{type(error).__name__}: {error}"))
    return facts


def _read_line(facts: Facts, record: StreamRecord, line: bytes) -> None:
    if len(line) > LINE_BYTES_MAX:
        raise ValueError(f"{len(line)} bytes are more than an event has ({LINE_BYTES_MAX})")
    header = _header.decode(line)
    if header.v > VERSION:
        raise ValueError(f"version {header.v} is from the future; this code reads {VERSION}")
    if record.stream == MARKET_EVENTS:
        facts.poisons.extend(_read_market(facts, record, line))
    elif header.kind in custody_events.KINDS:
        _read_custody(facts.chain, line)
    else:
        _read_chain(facts.chain, chain_events.from_bytes(line))


def _read_market(facts: Facts, record: StreamRecord, line: bytes) -> Iterator[Poison]:
    """Every event that can be read is; the others are poison one by one."""
    run = market_events.decode(line)
    market = MarketId(run.market)
    known = facts.markets.setdefault(market, MarketFacts())
    for event in run.events:
        try:
            read_event(known, market, run.epoch, event)
        except UnknownEvent as error:
            yield Poison(record, _alone(run, event), str(error))


def _alone(run: market_events.MarketEvents, event: NumberedEvent) -> bytes:
    number = event[0] if event and type(event[0]) is int else 0
    return market_events.encode(
        market_events.MarketEvents(run.market, run.epoch, number, number, [event])
    )


def _read_chain(facts: ChainFacts, event: ChainEvent) -> None:
    match event.kind:
        case ChainEventKind.BLOCK | ChainEventKind.BLOCK_ORPHANED:
            facts.blocks.append(_block(event))
        case ChainEventKind.DEPOSIT_SEEN:
            facts.outputs.append(_output(event, OutputStatus.SEEN))
        case ChainEventKind.DEPOSIT_MINED:
            facts.outputs.append(_output(event, OutputStatus.MINED))
        case ChainEventKind.DEPOSIT_ORPHANED:
            facts.outputs.append(_output(event, OutputStatus.ORPHANED))
        case ChainEventKind.DEPOSIT_REFUSED:
            facts.outputs.append(_output(event, OutputStatus.REFUSED))


def _block(event: ChainEvent) -> Block:
    if event.block_hash is None or event.height is None:
        raise ValueError(f"{event.kind} without a block")
    at_ms = event.at_ms
    if event.mined_at is not None:
        at_ms = int(datetime.fromisoformat(event.mined_at).timestamp() * 1000)
    return Block(
        event.chain,
        event.block_hash,
        event.height,
        event.kind is ChainEventKind.BLOCK,
        event.sequence,
        at_ms,
        event.parent_hash or "",
    )


def _output(event: ChainEvent, status: OutputStatus) -> Output:
    if event.txid is None or event.index is None:
        raise ValueError(f"{event.kind} without an output")
    stands = status in (OutputStatus.MINED, OutputStatus.REFUSED)
    return Output(
        event.chain,
        event.txid,
        event.index,
        status,
        event.sequence,
        event.at_ms,
        event.height if stands else None,
        event.block_hash if stands else None,
        event.asset or "",
        int(event.units or "0"),
        event.address or "",
    )


def _read_custody(facts: ChainFacts, line: bytes) -> None:
    match custody_state(custody_events.from_bytes(line)):
        case Deposit() as deposit:
            facts.deposits.append(deposit)
        case Withdrawal() as withdrawal:
            facts.withdrawals.append(withdrawal)


def custody_state(event: CustodyEvent) -> Deposit | Withdrawal:
    """The state that the event tells."""
    match event:
        case DepositChanged() as e:
            return Deposit(
                e.id,
                e.customer_id,
                e.chain,
                e.txid,
                e.index,
                e.asset,
                int(e.units),
                e.address,
                e.status,
                e.first_seen_at_ms,
                e.changed_at_ms,
                e.version,
                e.height,
                e.block_hash,
            )
        case WithdrawalChanged() as e:
            return Withdrawal(
                e.id,
                e.customer_id,
                e.chain,
                e.asset,
                int(e.units),
                int(e.fee_units),
                e.address,
                e.status,
                e.created_at_ms,
                e.changed_at_ms,
                e.version,
                e.txid,
            )
