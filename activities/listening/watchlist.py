"""The addresses in memory, kept in step with the database."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.listening.reader import ChainReader, KnownAssets
from chains.ethereum.addresses import parse_address
from chains.watch import AddressSet
from storage.addresses import contracts, house_wallets, watched_after

_PAGE = 50_000


class Watchlist:
    """All deposit addresses and house wallets of one chain.

    Refreshed after a block was fetched and before it is examined: whoever was shown an address paid
    it later than that, so no payment is ever examined without its address.
    """

    def __init__(self, reader: ChainReader) -> None:
        self._reader = reader
        self._known: dict[int, int] = {}
        self.watched = AddressSet()

    async def refresh(self, connection: AsyncConnection) -> None:
        while True:
            page = await watched_after(connection, self._reader.chain, self._known, limit=_PAGE)
            self.watched.add_all(self._reader.watch_key(row.address, row.script) for row in page)
            for row in page:
                self._known[row.xpub_id] = row.index
            if len(page) < _PAGE:
                return

    async def add_house_wallets(self, connection: AsyncConnection) -> None:
        """Bitcoin: coins of the hot wallet are outputs too, and we must see them come."""
        wallets = await house_wallets(connection, self._reader.chain)
        self.watched.add_all(
            self._reader.watch_key(wallet.address, wallet.script)
            for wallet in wallets
            if wallet.script is not None
        )


async def known_assets(connection: AsyncConnection, chain: str) -> KnownAssets:
    """The catalogue's assets of `chain`; contracts not listed there do not exist for us."""
    listed = await contracts(connection, chain)
    coin = next(asset for asset, contract in listed.items() if contract is None)
    by_contract = {
        parse_address(contract): asset for asset, contract in listed.items() if contract is not None
    }
    return KnownAssets(coin, by_contract)
