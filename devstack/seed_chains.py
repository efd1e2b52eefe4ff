"""Prepares custody on a development stack: keys, xpubs, the test token, funded hot wallets.

Every step looks first and can be repeated. What is funded is booked as the house's own capital, so the
ledger agrees with both chains from the first block on.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account
from eth_account.signers.local import LocalAccount
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from chains.bitcoin import addresses as bitcoin_addresses
from chains.bitcoin.fees import satoshi
from chains.bitcoin.network import Network, network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum import addresses as ethereum_addresses
from chains.ethereum.erc20 import transfer_call
from chains.ethereum.node import EthereumNode, quantity
from chains.keys import KmsKey, open_seed, seal_new_seed
from domain.ids import EntryId, TxId
from domain.money import AssetCode
from ledger.account import AccountKind, house
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage import custody_keys
from storage.addresses import Wallet
from storage.engine import create_engine
from storage.ledger import Ledger
from streams.aws import client

logger = logging.getLogger(__name__)

CONTRACTS = Path(__file__).parent / "contracts" / "contracts.json"
SEED_ID = "deposits-1"
SEED_KEY = "alias/rialto-seed"
HOT_BITCOIN_KEY = "alias/rialto-hot-bitcoin"
HOT_ETHEREUM_KEY = "alias/rialto-hot-ethereum"

HOT_BITCOIN_COINS = 16
HOT_BITCOIN_COIN_SATOSHI = 250_000_000
"""Many coins rather than one, so that payments need not wait for each other's change."""
HOT_ETHER_WEI = 1_000 * 10**18
HOT_DOLLAR_UNITS = 5_000_000 * 10**6

_MINER_WALLET = "miner"
_COLD_WALLET = "cold"
_MINER_RESERVE_SATOSHI = 500 * 10**8
"""Stays with the miner, for customers of demos and tests."""
_DEPLOYER_KEY = "0x" + "52" * 32
"""Nobody's secret: deploys the test token as its first transaction, hence always to one address."""
_DEV_ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
"""Anvil's first account, unlocked on the node, rich in test ether."""
_COLD_ETHEREUM = "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"
"""Anvil's last account stands for the offline wallet."""
_WAIT_SECONDS = 60.0


class SeedSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    bitcoin_rpc_url: str
    ethereum_rpc_url: str
    bitcoin_network: str = "regtest"
    ethereum_chain_id: int = 31337


async def plant_seed(engine: AsyncEngine, bitcoin: Network) -> None:
    """Make and seal the deposit seed if there is none, and store its xpubs."""
    kms = client("kms")
    async with engine.begin() as connection:
        sealed = await custody_keys.sealed_seed(connection, SEED_ID)
        if sealed is None:
            ciphertext = await seal_new_seed(kms, SEED_KEY, SEED_ID)
            await custody_keys.store_seed(connection, SEED_ID, SEED_KEY, ciphertext)
            logger.info("made the deposit seed", extra={"seed": SEED_ID})
        else:
            ciphertext = sealed
        root = await open_seed(kms, SEED_KEY, SEED_ID, ciphertext)
        for chain, path, version in (
            ("bitcoin", bitcoin.account_path, bitcoin.xpub_version),
            ("ethereum", ethereum_addresses.ACCOUNT_PATH, ethereum_addresses.XPUB_VERSION),
        ):
            xpub = root.derive(path).xpub(version)
            await custody_keys.store_xpub(connection, chain, xpub, path, SEED_ID)


async def open_wallets(
    engine: AsyncEngine, bitcoin_node: BitcoinNode, bitcoin: Network
) -> tuple[Wallet, Wallet]:
    """Rows of the hot and cold wallets; returns the two hot ones."""
    kms = client("kms")
    hot_bitcoin = await KmsKey.open(kms, HOT_BITCOIN_KEY)
    hot_ethereum = await KmsKey.open(kms, HOT_ETHEREUM_KEY)
    cold = await _cold_address(bitcoin_node)
    bitcoin_wallet = Wallet(
        "hot-bitcoin",
        "bitcoin",
        "hot",
        bitcoin_addresses.p2wpkh_address(hot_bitcoin.public_key, bitcoin),
        bitcoin_addresses.p2wpkh_script(hot_bitcoin.public_key),
        hot_bitcoin.public_key,
        HOT_BITCOIN_KEY,
    )
    ethereum_wallet = Wallet(
        "hot-ethereum",
        "ethereum",
        "hot",
        ethereum_addresses.address_of(hot_ethereum.public_key),
        None,
        hot_ethereum.public_key,
        HOT_ETHEREUM_KEY,
    )
    cold_script = bitcoin_addresses.parse_address(cold, bitcoin).locking_script
    async with engine.begin() as connection:
        for wallet in (
            bitcoin_wallet,
            ethereum_wallet,
            Wallet("cold-bitcoin", "bitcoin", "cold", cold, cold_script, None, None),
            Wallet("cold-ethereum", "ethereum", "cold", _COLD_ETHEREUM, None, None, None),
        ):
            await custody_keys.store_wallet(connection, wallet)
    return bitcoin_wallet, ethereum_wallet


async def deploy_token(engine: AsyncEngine, node: EthereumNode) -> str:
    """The test dollar at its one address, listed in the catalogue; deployed if it is not there."""
    deployer: LocalAccount = Account.from_key(_DEPLOYER_KEY)
    contract = ethereum_addresses.contract_address(deployer.address, 0)
    if not await node.has_code(contract):
        await node.call("anvil_setBalance", deployer.address, hex(10**20))
        await _deploy(node, deployer)
        logger.info("deployed the test dollar", extra={"contract": contract})
    async with engine.begin() as connection:
        await custody_keys.list_contract(connection, "USDT", contract.lower())
    return contract


async def fund(
    ledger: Ledger,
    bitcoin: BitcoinNode,
    ethereum: EthereumNode,
    hot: tuple[Wallet, Wallet],
    token: str,
) -> None:
    """Give the hot wallets coins of the house, and book exactly those."""
    await _fund_once(
        ledger, "BTC", HOT_BITCOIN_COINS * HOT_BITCOIN_COIN_SATOSHI, _Bitcoins(bitcoin, hot[0])
    )
    await _fund_once(ledger, "ETH", HOT_ETHER_WEI, _Ether(ethereum, hot[1]))
    await _fund_once(ledger, "USDT", HOT_DOLLAR_UNITS, _Dollars(ethereum, hot[1], token))
