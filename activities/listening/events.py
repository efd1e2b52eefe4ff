"""How the walk puts what happened into the words of the event stream."""

from __future__ import annotations

from collections.abc import Sequence

from activities.listening.reader import Arrival
from chains.block import BlockRef
from domain.deposit import SeenDeposit
from domain.ids import DepositId
from storage.blocks import Cursor
from streams.chain_events import ChainEvent, ChainEventKind


def seen(kind: ChainEventKind, deposit: SeenDeposit) -> ChainEvent:
    return ChainEvent(
        kind=kind,
        chain=deposit.chain,
        height=deposit.height,
        block_hash=deposit.block_hash,
        txid=deposit.txid,
        index=deposit.index,
        asset=deposit.asset,
        units=str(deposit.units),
        address=deposit.address,
        customer_id=deposit.customer_id,
    )


def refused(chain: str, ref: BlockRef, arrival: Arrival, reason: str) -> ChainEvent:
    return ChainEvent(
        kind=ChainEventKind.DEPOSIT_REFUSED,
        chain=chain,
        height=ref.height,
        block_hash=ref.hash,
        txid=arrival.incoming.txid,
        index=arrival.incoming.index,
        asset=arrival.asset,
        units=str(arrival.incoming.units),
        address=arrival.address,
        reason=reason,
    )


def block(chain: str, ref: BlockRef) -> ChainEvent:
    return ChainEvent(
        kind=ChainEventKind.BLOCK,
        chain=chain,
        height=ref.height,
        block_hash=ref.hash,
        parent_hash=ref.parent_hash,
        mined_at=ref.mined_at.isoformat(),
    )


def orphaned(chain: str, top: Cursor, deposit_ids: Sequence[DepositId]) -> list[ChainEvent]:
    """The deposits of a block that left the chain, then the block itself."""
    events = []
    for deposit_id in deposit_ids:
        _, txid, index = deposit_id.split(":")
        events.append(
            ChainEvent(
                kind=ChainEventKind.DEPOSIT_ORPHANED,
                chain=chain,
                txid=txid,
                index=int(index),
                block_hash=top.hash,
            )
        )
    gone = ChainEvent(
        kind=ChainEventKind.BLOCK_ORPHANED, chain=chain, height=top.height, block_hash=top.hash
    )
    return [*events, gone]
