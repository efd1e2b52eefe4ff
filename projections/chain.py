"""What the chains said and how deposits and withdrawals stand; the newest state is the true one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.money import Asset
from projections.document import Document, Kind, amount_fields


class OutputStatus(StrEnum):
    SEEN = "seen"
    MINED = "mined"
    ORPHANED = "orphaned"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Block:
    chain: str
    hash: str
    height: int
    is_canonical: bool
    version: int
    at_ms: int
    """When it was mined; if only its orphaning is known yet, when that was learned."""
    parent_hash: str = ""
    """Empty while only its orphaning is known."""


@dataclass(frozen=True, slots=True)
class Output:
    """A part of a chain transaction that pays an address of ours: an output, or a token's log."""

    chain: str
    txid: str
    index: int
    status: OutputStatus
    version: int
    at_ms: int
    """When we first learned of it."""
    height: int | None = None
    block_hash: str | None = None
    asset: str = ""
    """With units and address: empty while only its orphaning is known."""
    units: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Deposit:
    id: str
    customer_id: int
    chain: str
    txid: str
    index: int
    asset: str
    units: int
    address: str
    status: str
    at_ms: int
    changed_at_ms: int
    version: int
    height: int | None = None
    block_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    id: str
    customer_id: int
    chain: str
    asset: str
    units: int
    fee_units: int
    address: str
    status: str
    at_ms: int
    changed_at_ms: int
    version: int
    txid: str | None = None


def merge_blocks(one: Block, other: Block) -> Block:
    """The newer says where the block stands; its parent and time are from whoever knows them."""
    newer, older = (one, other) if one.version >= other.version else (other, one)
    if not newer.parent_hash:
        newer = replace(newer, parent_hash=older.parent_hash, at_ms=older.at_ms)
    return newer


def merge_outputs(one: Output, other: Output) -> Output:
    """The newer says where the output stands; what it pays is from whoever knows it."""
    newer, older = (one, other) if one.version >= other.version else (other, one)
    if not newer.asset:
        newer = replace(newer, asset=older.asset, units=older.units, address=older.address)
    return replace(newer, at_ms=min(one.at_ms, other.at_ms))


def findable(name: str) -> str:
    """As hashes and addresses are searched: Ethereum's in small letters, however they came."""
    return name.lower() if name.startswith("0x") else name


def of_block(block: Block) -> Document:
    status = "canonical" if block.is_canonical else "orphaned"
    return Document(
        Kind.BLOCK,
        f"{block.chain}-{block.hash}",
        block.version,
        block.at_ms,
        f"block {block.chain} {block.height} {status}",
        status=status,
        chain=block.chain,
        height=block.height,
        block_hash=block.hash,
        details={"parent_hash": block.parent_hash},
    )


def of_output(output: Output, asset: Asset) -> Document:
    return Document(
        Kind.TRANSACTION,
        f"{output.chain}-{output.txid}-{output.index}",
        output.version,
        output.at_ms,
        f"transaction {output.chain} {output.asset} {output.status} {output.txid} {output.address}",
        status=output.status,
        chain=output.chain,
        txid=findable(output.txid),
        addresses=(findable(output.address),),
        height=output.height,
        block_hash=output.block_hash,
        details={"index": str(output.index), "address": output.address},
        **amount_fields(output.units, asset),
    )


def of_deposit(deposit: Deposit, asset: Asset) -> Document:
    words = f"deposit {deposit.chain} {deposit.asset} {deposit.status.replace('_', ' ')}"
    return Document(
        Kind.DEPOSIT,
        deposit.id,
        deposit.version,
        deposit.at_ms,
        f"{words} {deposit.txid} {deposit.address}",
        owners=(str(deposit.customer_id),),
        changed_at_ms=deposit.changed_at_ms,
        status=deposit.status,
        chain=deposit.chain,
        txid=findable(deposit.txid),
        addresses=(findable(deposit.address),),
        height=deposit.height,
        block_hash=deposit.block_hash,
        details={"index": str(deposit.index), "address": deposit.address},
        **amount_fields(deposit.units, asset),
    )


def of_withdrawal(withdrawal: Withdrawal, asset: Asset) -> Document:
    words = f"withdrawal {withdrawal.chain} {withdrawal.asset} {withdrawal.status}"
    return Document(
        Kind.WITHDRAWAL,
        withdrawal.id,
        withdrawal.version,
        withdrawal.at_ms,
        f"{words} {withdrawal.txid or ''} {withdrawal.address}",
        owners=(str(withdrawal.customer_id),),
        changed_at_ms=withdrawal.changed_at_ms,
        status=withdrawal.status,
        chain=withdrawal.chain,
        txid=findable(withdrawal.txid) if withdrawal.txid else None,
        addresses=(findable(withdrawal.address),),
        details={
            "fee": amount_fields(withdrawal.fee_units, asset)["amount"],
            "address": withdrawal.address,
        },
        **amount_fields(withdrawal.units, asset),
    )
