"""Sets custody up, once: the seed of deposit addresses sealed under KMS, and the house's wallets.

Whoever runs this needs the signer's use of KMS and the owner's use of the database; no process of
the exchange has both. Everything can be repeated and nothing that was stored is ever replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from chains.bitcoin import addresses as bitcoin_addresses
from chains.bitcoin.network import Network
from chains.ethereum import addresses as ethereum_addresses
from chains.hd import ExtendedPublicKey
from chains.keys import KmsKey, open_seed, seal_new_seed
from storage import custody_keys
from storage.addresses import Wallet

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

SEED_ID = "deposits-1"
SEED_KEY = "alias/rialto-seed"
HOT_BITCOIN_KEY = "alias/rialto-hot-bitcoin"
HOT_ETHEREUM_KEY = "alias/rialto-hot-ethereum"
OFFLINE_KINDS = ("warm", "cold")


@dataclass(frozen=True, slots=True)
class SealedSeed:
    """What may be shown of a seed: enough to recognise it, nothing to derive from."""

    seed_id: str
    is_new: bool
    ciphertext_sha256: str
    accounts: Mapping[str, str]
    """By chain: the path of its account, and the BIP 32 fingerprint of the account's key."""


async def seal_deposit_seed(engine: AsyncEngine, kms: KMSClient, bitcoin: Network) -> SealedSeed:
    """Make and seal the deposit seed if there is none, and store the xpubs that it makes.

    The seal is opened again before anything is stored, so one that cannot be opened is no seed.
    Raises WrongState, and changes nothing, when a chain has an active xpub of another seed.
    """
    async with engine.begin() as connection:
        await custody_keys.lock_setup(connection)
        stored = await custody_keys.sealed_seed(connection, SEED_ID)
        sealed = stored or await seal_new_seed(kms, SEED_KEY, SEED_ID)
        root = await open_seed(kms, SEED_KEY, SEED_ID, sealed)
        if stored is None:
            await custody_keys.store_seed(connection, SEED_ID, SEED_KEY, sealed)
        accounts = {}
        for chain, path, version in (
            ("bitcoin", bitcoin.account_path, bitcoin.xpub_version),
            ("ethereum", ethereum_addresses.ACCOUNT_PATH, ethereum_addresses.XPUB_VERSION),
        ):
            xpub = root.derive(path).xpub(version)
            await custody_keys.store_xpub(connection, chain, xpub, path, SEED_ID)
            accounts[chain] = f"{path} {ExtendedPublicKey.parse(xpub).fingerprint.hex()}"
    return SealedSeed(SEED_ID, stored is None, hashlib.sha256(sealed).hexdigest(), accounts)


async def open_wallets(
    engine: AsyncEngine, kms: KMSClient, bitcoin: Network, offline: Mapping[str, str]
) -> list[Wallet]:
    """Store the two hot wallets, whose keys are in KMS, then those whose keys are offline.

    `offline` is the address by wallet, such as `cold-bitcoin`. Raises InvalidAddress, and
    WrongState when a wallet is stored with another address.
    """
    bitcoin_key = (await KmsKey.open(kms, HOT_BITCOIN_KEY)).public_key
    ethereum_key = (await KmsKey.open(kms, HOT_ETHEREUM_KEY)).public_key
    opened = [
        Wallet(
            "hot-bitcoin",
            "bitcoin",
            "hot",
            bitcoin_addresses.p2wpkh_address(bitcoin_key, bitcoin),
            bitcoin_addresses.p2wpkh_script(bitcoin_key),
            bitcoin_key,
            HOT_BITCOIN_KEY,
        ),
        Wallet(
            "hot-ethereum",
            "ethereum",
            "hot",
            ethereum_addresses.address_of(ethereum_key),
            None,
            ethereum_key,
            HOT_ETHEREUM_KEY,
        ),
        *(_offline(name, address, bitcoin) for name, address in offline.items()),
    ]
    async with engine.begin() as connection:
        await custody_keys.lock_setup(connection)
        for wallet in opened:
            await custody_keys.store_wallet(connection, wallet)
    return opened


def _offline(name: str, address: str, bitcoin: Network) -> Wallet:
    kind, chain = name.split("-")
    assert kind in OFFLINE_KINDS, name
    if chain == "bitcoin":
        script = bitcoin_addresses.parse_address(address, bitcoin).locking_script
        return Wallet(name, chain, kind, address, script, None, None)
    return Wallet(name, chain, kind, ethereum_addresses.parse_address(address), None, None, None)
