"""What the walk needs from a chain, and what a block's examination finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from chains.block import BlockRef, Incoming
from chains.watch import AddressSet
from storage.blocks import BlockRow


@dataclass(frozen=True, slots=True)
class Arrival:
    """Coins at one of our addresses, in the words of the exchange."""

    incoming: Incoming
    asset: str
    address: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What one block means for us."""

    arrivals: Sequence[Arrival] = ()
    refused: Sequence[tuple[Arrival, str]] = ()
    """Arrivals that must not be credited, each with the reason."""
    spends: Sequence[tuple[str, int, str]] = field(default=())
    """Bitcoin: outpoints (txid, vout) the block spends, ours or not, and by which txid."""


@dataclass(frozen=True, slots=True)
class KnownAssets:
    """What the chain's coin and its allow-listed contracts are called."""

    coin: str
    by_contract: dict[str, str]
    """Checksummed contract address to asset code."""

    def code(self, contract: str | None) -> str:
        return self.coin if contract is None else self.by_contract[contract]


class ChainReader(Protocol):
    """One chain, through one node. Raises NodeFault or BrokenBlock when it does not answer."""

    @property
    def chain(self) -> str: ...

    async def tip(self) -> tuple[int, str]: ...

    async def ref_at(self, height: int) -> BlockRef | None:
        """The node's block at `height`; None above its tip."""

    async def fetch(self, ref: BlockRef) -> Any:
        """All that examining the block needs from the node, read by its hash."""

    async def examine(self, block: Any, watched: AddressSet, assets: KnownAssets) -> Findings: ...

    def watch_key(self, address: str, script: bytes | None) -> bytes:
        """The 20 bytes under which a deposit address is watched."""

    async def keep_outputs(
        self, connection: AsyncConnection, findings: Findings, block: BlockRow
    ) -> None:
        """Write what the findings mean for coins we can spend."""

    async def orphan_outputs(self, connection: AsyncConnection, block_hash: str) -> None: ...


def block_row(chain: str, ref: BlockRef) -> BlockRow:
    return BlockRow(chain, ref.height, ref.hash, ref.parent_hash, ref.mined_at)
