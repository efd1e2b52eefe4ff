"""What the wallet service can do, without HTTP. It knows xpubs, and no private key."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from api.exchange.checked_address import once_checked
from chains.bitcoin import addresses as bitcoin
from chains.bitcoin.network import Network
from chains.ethereum import addresses as ethereum
from domain.errors import AssetPaused, InvalidAddress
from domain.ids import CustomerId
from domain.money import Asset
from storage import addresses, custody_policy
from storage.addresses import DepositAddress, Derive, Derived
from storage.catalog import Catalog
from storage.hot_wallets import HotWallet, hot_wallets

BITCOIN = "bitcoin"


@dataclass(frozen=True, slots=True)
class AddressCheck:
    """What can be said of an address before anything is sent to it."""

    is_valid: bool
    address: str
    """In its normal form; empty when it is not valid."""
    kind: str
    """p2wpkh, p2tr, ...; `account` on Ethereum."""
    is_ours: bool
    """A payment there stays in the house: a transfer in the ledger, without a network fee."""
    reason: str


class WalletDesk:
    def __init__(
        self,
        engine: AsyncEngine,
        catalog: Catalog,
        network: Network,
        *,
        address_patience_seconds: float,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._network = network
        self._address_patience_seconds = address_patience_seconds

    async def deposit_address(
        self, customer_id: CustomerId, asset: str, *, fresh: bool
    ) -> DepositAddress:
        """The customer's address, or a new one; old ones keep working.

        Raises AssetPaused, or Unavailable while the signer has not checked it.
        """
        listed = self._catalog.asset(asset)
        chain = self._catalog.chains[listed.code]
        async with self._engine.begin() as connection:
            policy = await custody_policy.read_asset(connection, listed.code)
            if not policy.deposit_enabled:
                raise AssetPaused(f"deposits of {listed.code} are paused", asset=listed.code)
            derive = derivation(chain, self._network)
            if fresh:
                found = (await addresses.issue(connection, chain, [customer_id], derive))[0]
            else:
                found = await addresses.current_or_new(connection, chain, customer_id, derive)
        return await once_checked(self._engine, found, self._address_patience_seconds)

    async def check(self, asset: str, address: str) -> AddressCheck:
        listed = self._catalog.asset(asset)
        try:
            normal, kind = self._parse(listed, address)
        except InvalidAddress as refusal:
            return AddressCheck(False, "", "", False, refusal.message)
        async with self._engine.connect() as connection:
            chain = self._catalog.chains[listed.code]
            is_ours = await addresses.is_ours(connection, chain, normal)
        return AddressCheck(True, normal, kind, is_ours, "")

    async def hot_wallets(self) -> list[HotWallet]:
        async with self._engine.connect() as connection:
            return await hot_wallets(connection)

    def _parse(self, asset: Asset, address: str) -> tuple[str, str]:
        if self._catalog.chains[asset.code] == BITCOIN:
            parsed = bitcoin.parse_address(address, self._network)
            return parsed.text, parsed.kind
        return ethereum.parse_address(address), "account"


def derivation(chain: str, network: Network) -> Derive:
    """How an xpub and an index become an address on `chain`."""

    def derive_bitcoin(xpub: str, index: int) -> Derived:
        address = bitcoin.deposit_address(xpub, index, network)
        return Derived(address, bitcoin.parse_address(address, network).locking_script)

    def derive_ethereum(xpub: str, index: int) -> Derived:
        return Derived(ethereum.deposit_address(xpub, index), None)

    return derive_bitcoin if chain == BITCOIN else derive_ethereum
