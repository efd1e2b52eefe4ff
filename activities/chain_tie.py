"""Ties the books to the chains: ledger, what is in between, and what a node says, to the unit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from chains.bitcoin import holdings as bitcoin_holdings
from chains.bitcoin.node import BitcoinNode
from chains.ethereum import holdings as ethereum_holdings
from chains.ethereum.node import EthereumNode
from chains.holdings import AddressHoldings, Holdings, MinedFee
from domain.ids import TxId
from storage.audit import snapshot
from storage.custody_books import CustodyBooks, OpenPayment, read_books
from storage.reserves import Block

_COIN = {"bitcoin": "BTC", "ethereum": "ETH"}
_TRIES = 40
_AGAIN_SECONDS = 0.25


class TipKeepsMoving(Exception):
    """The listener and the node never stood at the same block while we looked. Try again later."""


class MovedOn(Exception):
    """The node is past the block that was asked for, and cannot look back at it."""


@dataclass(frozen=True, slots=True)
class Tie:
    """One asset at one block, in units."""

    asset: str
    height: int
    ledger_units: int
    uncredited_units: int
    """In blocks, not yet credited."""
    left_units: int
    """Mined payments and network fees that the ledger has not taken in yet."""
    chain_units: int

    @property
    def difference_units(self) -> int:
        """Zero when every unit is accounted for; above zero: the chain has more than we know of."""
        return self.chain_units - (self.ledger_units + self.uncredited_units - self.left_units)


class ChainTie:
    """Reads only. May run at any moment, however often, beside traffic."""

    def __init__(
        self,
        engine: AsyncEngine,
        bitcoin: BitcoinNode | None,
        ethereum: EthereumNode | None,
    ) -> None:
        """A process that knows one chain's node only asks for that chain's ties."""
        self._engine = engine
        self._bitcoin = bitcoin
        self._ethereum = ethereum

    async def ties(self, chain: str) -> list[Tie]:
        """One tie per asset of the chain. Raises TipKeepsMoving, NodeFault."""
        for _ in range(_TRIES):
            async with snapshot(self._engine) as connection:
                books = await read_books(connection, chain)
            if books is None:
                return []
            held = await self._holdings(books)
            if held.block_hash == books.block_hash:
                return await self._compare(books, held)
            await asyncio.sleep(_AGAIN_SECONDS)  # A block came in between.
        raise TipKeepsMoving(f"{chain}: no moment at which listener and node agree on the tip")

    async def _holdings(self, books: CustodyBooks) -> Holdings:
        if books.chain == "bitcoin":
            assert self._bitcoin is not None
            return await bitcoin_holdings.holdings(self._bitcoin, books.addresses)
        assert self._ethereum is not None
        contracts = {each.asset: each.contract for each in books.assets if each.contract}
        return await ethereum_holdings.holdings(
            self._ethereum, books.addresses, contracts, books.height
        )

    async def by_address(self, chain: str, at: Block | None = None) -> AddressHoldings:
        """What each address of ours holds: at the block `at`, or where listener and node agree.

        Raises TipKeepsMoving, NodeFault; MovedOn when the node has no such block (any more).
        """
        for _ in range(_TRIES):
            async with snapshot(self._engine) as connection:
                books = await read_books(connection, chain)
            if books is None:
                raise TipKeepsMoving(f"{chain}: the listener has taken in no block yet")
            height = books.height if at is None else at.height
            if at is not None and not await self._is_on_chain(chain, at):
                raise MovedOn(f"{chain}: block {at.height} is not {at.hash}")
            held = await self._each_holding(books, height)
            if held.block_hash == (books.block_hash if at is None else at.hash):
                return held
            if at is not None:
                raise MovedOn(f"{chain}: block {at.height} is not {at.hash}")
            await asyncio.sleep(_AGAIN_SECONDS)  # A block came in between.
        raise TipKeepsMoving(f"{chain}: no moment at which listener and node agree on the tip")

    async def _is_on_chain(self, chain: str, block: Block) -> bool:
        if chain == "bitcoin":
            assert self._bitcoin is not None
            return await self._bitcoin.block_hash(block.height) == block.hash
        assert self._ethereum is not None
        header = await self._ethereum.header(block.height)
        return header is not None and header["hash"] == block.hash

    async def _each_holding(self, books: CustodyBooks, height: int) -> AddressHoldings:
        if books.chain == "bitcoin":
            assert self._bitcoin is not None
            return await bitcoin_holdings.holdings_by_address(self._bitcoin, books.addresses)
        assert self._ethereum is not None
        contracts = {each.asset: each.contract for each in books.assets if each.contract}
        return await ethereum_holdings.holdings_by_address(
            self._ethereum, books.addresses, contracts, height
        )

    async def _compare(self, books: CustodyBooks, held: Holdings) -> list[Tie]:
        left: dict[str, int] = dict.fromkeys((each.asset for each in books.assets), 0)
        for payment in books.payments:
            mined = await self._mined(books, payment)
            if mined is None:
                continue
            if payment.leaves_us and mined.succeeded:
                left[payment.asset] += payment.units
            left[_COIN[books.chain]] += mined.fee_units
        return [
            Tie(
                asset=each.asset,
                height=books.height,
                ledger_units=each.ledger_units,
                uncredited_units=each.uncredited_units,
                left_units=left[each.asset],
                chain_units=held.units[each.asset],
            )
            for each in books.assets
        ]

    async def _mined(self, books: CustodyBooks, payment: OpenPayment) -> MinedFee | None:
        """The one attempt that is in a block up to the books' height, if any is."""
        found = [await self._mined_fee(books.chain, TxId(txid)) for txid in payment.txids]
        return _first(each for each in found if each is not None and each.height <= books.height)

    async def _mined_fee(self, chain: str, txid: TxId) -> MinedFee | None:
        if chain == "bitcoin":
            assert self._bitcoin is not None
            return await bitcoin_holdings.mined_fee(self._bitcoin, txid)
        assert self._ethereum is not None
        return await ethereum_holdings.mined_fee(self._ethereum, txid)


def _first(found: Iterable[MinedFee]) -> MinedFee | None:
    return next(iter(found), None)
