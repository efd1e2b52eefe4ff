"""Reading Bitcoin for the walk: outputs to our keys, and which of our outputs were spent."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.listening.reader import Arrival, Findings, KnownAssets
from chains.bitcoin import block as blocks
from chains.bitcoin.addresses import p2wpkh_address_of_hash
from chains.bitcoin.node import BitcoinNode
from chains.block import BlockRef, Incoming
from chains.watch import AddressSet
from storage.addresses import house_wallets
from storage.blocks import BlockRow, OwnOutput, orphan_outputs, record_outputs, record_spends

BITCOIN = "bitcoin"
_P2WPKH_PREFIX = b"\x00\x14"


class BitcoinReader:
    chain = BITCOIN

    def __init__(self, node: BitcoinNode) -> None:
        self._node = node

    async def tip(self) -> tuple[int, str]:
        return await self._node.tip()

    async def ref_at(self, height: int) -> BlockRef | None:
        return await blocks.read_ref(self._node, height)

    async def fetch(self, ref: BlockRef) -> blocks.Block:
        return await blocks.read_block(self._node, ref)

    async def examine(
        self, block: blocks.Block, watched: AddressSet, assets: KnownAssets
    ) -> Findings:
        spends = []
        for wire, spender in blocks.spent_outpoints(block):
            point = blocks.outpoint(wire)
            spends.append((point.txid, point.vout, spender))
        return Findings(self.arrivals(blocks.incoming(block, watched), assets), (), spends)

    def arrivals(self, found: Sequence[Incoming], assets: KnownAssets) -> list[Arrival]:
        return [
            Arrival(each, assets.coin, p2wpkh_address_of_hash(each.recipient, self._node.network))
            for each in found
        ]

    def watch_key(self, address: str, script: bytes | None) -> bytes:
        assert script is not None, f"{address} has no locking script"
        assert script.startswith(_P2WPKH_PREFIX), f"{address} is not a P2WPKH address"
        return script[2:]

    async def keep_outputs(
        self, connection: AsyncConnection, findings: Findings, block: BlockRow
    ) -> None:
        """Our outputs become coins to spend; coins that the block spends are marked spent."""
        wallets = {wallet.address: wallet.id for wallet in await house_wallets(connection, BITCOIN)}
        outputs = [
            OwnOutput(
                arrival.incoming.txid,
                arrival.incoming.index,
                arrival.address,
                _P2WPKH_PREFIX + arrival.incoming.recipient,
                arrival.incoming.units,
                wallets.get(arrival.address),
            )
            for arrival in findings.arrivals
        ]
        await record_outputs(connection, outputs, block)
        await record_spends(connection, findings.spends, block)

    async def orphan_outputs(self, connection: AsyncConnection, block_hash: str) -> None:
        await orphan_outputs(connection, block_hash)
