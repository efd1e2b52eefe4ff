"""Reading Ethereum for the walk: ether by any road, and tokens whose balance agrees."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.listening.reader import Arrival, Findings, KnownAssets
from chains.block import BlockRef, Incoming
from chains.ethereum import scan
from chains.ethereum.addresses import parse_address
from chains.ethereum.node import EthereumNode
from chains.node import NodeRefusal
from chains.watch import AddressSet
from storage.blocks import BlockRow

ETHEREUM = "ethereum"


class EthereumReader:
    chain = ETHEREUM

    def __init__(self, node: EthereumNode) -> None:
        self._node = node

    async def tip(self) -> tuple[int, str]:
        return await self._node.tip()

    async def ref_at(self, height: int) -> BlockRef | None:
        return await scan.read_ref(self._node, height)

    async def fetch(self, ref: BlockRef) -> scan.Block:
        return await scan.read_block(self._node, ref.hash)

    async def examine(
        self, block: scan.Block, watched: AddressSet, assets: KnownAssets
    ) -> Findings:
        found = scan.incoming(block, watched, frozenset(assets.by_contract))
        lying = await self._lying_tokens(block, found)
        good: list[Arrival] = []
        refused: list[tuple[Arrival, str]] = []
        for each in found:
            arrival = self.arrival(each, assets)
            reason = lying.get((each.contract, arrival.address))
            if reason is None:
                good.append(arrival)
            else:
                refused.append((arrival, reason))
        return Findings(good, refused)

    def arrival(self, found: Incoming, assets: KnownAssets) -> Arrival:
        address = parse_address("0x" + found.recipient.hex())
        return Arrival(found, assets.code(found.contract), address)

    def watch_key(self, address: str, script: bytes | None) -> bytes:
        assert script is None, f"{address} is not a Bitcoin address"
        return bytes.fromhex(address[2:])

    async def keep_outputs(
        self, connection: AsyncConnection, findings: Findings, block: BlockRow
    ) -> None:
        """Accounts have balances, not outputs."""

    async def orphan_outputs(self, connection: AsyncConnection, block_hash: str) -> None:
        """Accounts have balances, not outputs."""

    async def _lying_tokens(
        self, block: scan.Block, found: list[Incoming]
    ) -> dict[tuple[str | None, str], str]:
        """Token arrivals whose balance did not move as the logs say, each with what it did.

        Fee-on-transfer, rebasing and outright lying tokens all show here, whatever their code is.
        """
        lying: dict[tuple[str | None, str], str] = {}
        for contract, recipient in {(each.contract, each.recipient) for each in found}:
            if contract is None:
                continue
            owner = parse_address("0x" + recipient.hex())
            told = scan.token_movements(block, contract, owner)
            moved = await self._balance_change(block, contract, owner)
            if moved is not None and moved != told:
                lying[contract, owner] = f"the balance changed by {moved}, the logs say {told}"
        return lying

    async def _balance_change(self, block: scan.Block, contract: str, owner: str) -> int | None:
        """None when the node no longer has the state of so old a block."""
        after, before = ({"blockHash": h} for h in (block.ref.hash, block.ref.parent_hash))
        try:
            return await self._node.token_balance(
                contract, owner, after
            ) - await self._node.token_balance(contract, owner, before)
        except NodeRefusal as refusal:
            if any(word in refusal.message for word in ("missing trie node", "state")):
                return None
            raise
