"""Prepares custody on a development stack: keys, xpubs, the test token, funded hot wallets.

Every step looks first and can be repeated. What is funded is booked as the house's own capital, so
the ledger agrees with both chains from the first block on.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.custody_setup import OFFLINE_KINDS, open_wallets, seal_deposit_seed
from chains.bitcoin.network import Network, network
from chains.bitcoin.node import BitcoinNode
from chains.ethereum import addresses as ethereum_addresses
from chains.ethereum import sweeper
from chains.ethereum.node import EthereumNode, quantity
from devstack.chain_funds import (
    MINER_WALLET,
    Bitcoins,
    Ether,
    Funds,
    Tokens,
    ensure_wallet,
    mined,
    send_from_dev_account,
)
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
HOT_SATOSHI = 40 * 10**8
HOT_WEI = 1_000 * 10**18
HOT_DOLLAR_UNITS = 5_000_000 * 10**6

_COLD_ETHEREUM = "0x45dE2eDdbE199F4FE133B728A40e8ed516D1B015"
"""The account of the key 0x5353..., which holds nothing when the chain begins, stands for the
offline one; for Bitcoin a wallet of the development node does.
"""
_WARM_ETHEREUM = Account.from_key("0x" + "54" * 32).address
"""Likewise, for the warm wallets."""
_DEPLOYER_KEY = "0x" + "52" * 32
"""Nobody's secret. It deploys the test token as its first transaction, so always to one address."""
_DEPLOY_GAS = 2_000_000


class SeedSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    bitcoin_rpc_url: str
    ethereum_rpc_url: str
    bitcoin_network: str = "regtest"
    ethereum_chain_id: int = 31337


async def house_wallets(
    engine: AsyncEngine, bitcoin_node: BitcoinNode, bitcoin: Network
) -> tuple[Wallet, Wallet]:
    """Rows of all wallets; returns the two hot ones."""
    offline = {"warm-ethereum": _WARM_ETHEREUM, "cold-ethereum": _COLD_ETHEREUM}
    for kind in OFFLINE_KINDS:
        offline[f"{kind}-bitcoin"] = await _offline_address(engine, bitcoin_node, kind)
    hot_bitcoin, hot_ethereum, *_ = await open_wallets(engine, client("kms"), bitcoin, offline)
    return hot_bitcoin, hot_ethereum


async def deploy_token(engine: AsyncEngine, node: EthereumNode) -> str:
    """The test dollar at its one address, listed in the catalogue; deployed if it is not there."""
    deployer: LocalAccount = Account.from_key(_DEPLOYER_KEY)
    contract = ethereum_addresses.contract_address(deployer.address, 0)
    if not await node.has_code(contract):
        await send_from_dev_account(node, deployer.address, wei=10**18)
        await _deploy(node, deployer)
        logger.info("deployed the test dollar", extra={"contract": contract})
    async with engine.begin() as connection:
        await custody_keys.list_contract(connection, "USDT", contract.lower())
    return contract


async def deploy_sweeper(node: EthereumNode, hot_address: str) -> None:
    """The contract to which deposit addresses delegate, at the address that its code makes."""
    if not await node.has_code(sweeper.sweeper_address(hot_address)):
        data = sweeper.deploy_call(hot_address)
        await send_from_dev_account(node, sweeper.FACTORY, data=data)


async def fund_once(ledger: Ledger, asset: str, units: int, funds: Funds) -> None:
    """Bring the hot wallet to `units`, then book what it has as the house's capital.

    A crash in between repeats: what arrived is not sent again, and the entry is posted once. On an
    old chain under a new database the wallet may have more.
    """
    entry_id = EntryId(f"funding/{asset}/1")
    async with ledger.engine.connect() as connection:
        if await custody_keys.is_posted(connection, entry_id):
            return
    has = await funds.balance()
    if has < units:
        await funds.send(units - has)
    code, booked = AssetCode(asset), max(units, has)
    transfer = Transfer(
        house(AccountKind.HOT_WALLET, code), house(AccountKind.HOUSE_CAPITAL, code), booked
    )
    entry = JournalEntry(entry_id, EntryReason.FUNDING, "development funds", (transfer,))
    await ledger.post(entry)
    logger.info("funded a hot wallet", extra={"asset": asset, "units": str(booked)})


async def seed(settings: SeedSettings) -> None:
    bitcoin = network(settings.bitcoin_network)
    engine = create_engine(settings.database_url, application="seed_chains")
    bitcoin_node = BitcoinNode.connect(settings.bitcoin_rpc_url, bitcoin, timeout_seconds=60)
    ethereum_node = EthereumNode.connect(settings.ethereum_rpc_url, settings.ethereum_chain_id)
    ledger = await Ledger.open(engine)
    try:
        await bitcoin_node.check_identity()
        await ethereum_node.check_identity()
        sealed = await seal_deposit_seed(engine, client("kms"), bitcoin)
        if sealed.is_new:
            logger.info("made the deposit seed", extra={"seed": sealed.seed_id})
        await ensure_wallet(bitcoin_node, MINER_WALLET)
        hot_bitcoin, hot_ethereum = await house_wallets(engine, bitcoin_node, bitcoin)
        token = await deploy_token(engine, ethereum_node)
        await deploy_sweeper(ethereum_node, hot_ethereum.address)
        bitcoins = Bitcoins(bitcoin_node, hot_bitcoin.address)
        await fund_once(ledger, "BTC", HOT_SATOSHI, bitcoins)
        await fund_once(ledger, "ETH", HOT_WEI, Ether(ethereum_node, hot_ethereum.address))
        dollars = Tokens(ethereum_node, token, hot_ethereum.address)
        await fund_once(ledger, "USDT", HOT_DOLLAR_UNITS, dollars)
    finally:
        await ledger.close()
        await bitcoin_node.close()
        await ethereum_node.close()
        await engine.dispose()


def main() -> None:
    asyncio.run(seed(SeedSettings()))


async def _offline_address(engine: AsyncEngine, node: BitcoinNode, name: str) -> str:
    """The address of a wallet that is offline: the stored one, else one of the node's wallet."""
    async with engine.connect() as connection:
        stored = await custody_keys.wallet_address(connection, f"{name}-bitcoin")
    if stored is not None:
        return stored
    await ensure_wallet(node, name)
    address: str = await node.wallet(name).call("getnewaddress", "", "bech32")
    return address


async def _deploy(node: EthereumNode, deployer: LocalAccount) -> None:
    compiled = json.loads(CONTRACTS.read_text(encoding="utf-8"))["TestDollar"]
    price = 2 * quantity(await node.call("eth_gasPrice"))
    signed = deployer.sign_transaction(
        {
            "type": 2,
            "chainId": node.chain_id,
            "nonce": 0,
            "to": b"",
            "value": 0,
            "data": bytes.fromhex(compiled["bytecode"][2:]),
            "gas": _DEPLOY_GAS,
            "maxFeePerGas": price,
            "maxPriorityFeePerGas": 1,
        }
    )
    txid = TxId(signed.hash.to_0x_hex())
    sent = await node.broadcast(bytes(signed.raw_transaction), txid)
    assert sent.is_out, sent
    await mined(node, txid)


if __name__ == "__main__":
    main()
