"""The walk along a real anvil: ether by any road, honest tokens only, and reorgs."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.listening.ethereum import EthereumReader
from activities.listening.walk import Step
from chains.ethereum.erc20 import transfer_call
from chains.ethereum.node import EthereumNode, quantity
from chains.ethereum.scan import INNER_CALL_INDEX
from devstack.chain_funds import receipt_of
from domain.ids import TxId
from storage.tables_ledger import assets
from tests.chains.house import Followed, Outside, addresses_for, follow, plant

pytestmark = pytest.mark.stack

ETHER = 10**18
DOLLAR = 10**6
OUTSIDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.fixture(scope="module")
async def outside(aws: None, ethereum: EthereumNode, owner: AsyncEngine) -> Outside:
    await plant(owner)
    await ethereum.call("anvil_setBalance", OUTSIDER, hex(10**24))
    return Outside(ethereum)


@pytest.fixture
async def listener(worker: AsyncEngine, outside: Outside) -> Followed:
    return await follow(worker, EthereumReader(outside.node))


async def list_token(owner: AsyncEngine, contract: str) -> None:
    """Allow-list `contract` as USDT."""
    async with owner.begin() as connection:
        await connection.execute(
            update(assets).where(assets.c.code == "USDT").values(contract=contract.lower())
        )


def mint(to: str, units: int) -> bytes:
    return keccak(b"mint(address,uint256)")[:4] + encode(["address", "uint256"], [to, units])


def split(payees: list[str]) -> bytes:
    return keccak(b"split(address[])")[:4] + encode(["address[]"], [payees])


def boom(payee: str) -> bytes:
    return keccak(b"boom(address)")[:4] + encode(["address"], [payee])


async def found(listener: Followed, txid: str) -> list[tuple[int, str, int, int]]:
    """Index, asset, units and customer of a transaction's deposits."""
    return [
        (row.index, row.asset, int(row.units), row.customer_id)
        for row in (await listener.deposits()).values()
        if row.txid == txid
    ]


async def test_plain_ether_is_a_deposit(listener: Followed, outside: Outside, worker: AsyncEngine):
    [address] = await addresses_for(worker, "ethereum", 1, first=200)
    txid = await outside.pay(address, 3 * ETHER)

    await listener.to_tip()

    assert await found(listener, txid) == [(0, "ETH", 3 * ETHER, 200)]


async def test_ether_sent_by_a_contract_is_a_deposit_and_what_reverted_is_not(
    listener: Followed, outside: Outside, worker: AsyncEngine
):
    payees = await addresses_for(worker, "ethereum", 2, first=210)
    splitter = await outside.deploy("Splitter")
    txid = await outside.call(splitter, split(payees), wei=4 * ETHER)

    await listener.to_tip()

    deposits = await found(listener, txid)
    assert [each[1:] for each in deposits] == [
        ("ETH", 2 * ETHER, 210),
        ("ETH", 2 * ETHER, 211),
    ]
    assert all(index >= INNER_CALL_INDEX for index, *_ in deposits)
    assert await outside.node.balance(payees[0]) == 2 * ETHER


async def test_ether_from_a_destroyed_contract_is_a_deposit(
    listener: Followed, outside: Outside, worker: AsyncEngine
):
    [payee] = await addresses_for(worker, "ethereum", 1, first=220)
    splitter = await outside.deploy("Splitter")
    txid = await outside.call(splitter, boom(payee), wei=ETHER)

    await listener.to_tip()

    assert [each[1:] for each in await found(listener, txid)] == [("ETH", ETHER, 220)]


async def test_a_listed_token_without_return_value_is_a_deposit(
    listener: Followed, outside: Outside, owner: AsyncEngine, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "ethereum", 1, first=230)
    token = await outside.deploy("TestDollar")
    await list_token(owner, token)
    await outside.call(token, mint(OUTSIDER, 900 * DOLLAR))
    txid = await outside.call(token, transfer_call(address, 25 * DOLLAR))

    await listener.to_tip()

    assert await found(listener, txid) == [(1, "USDT", 25 * DOLLAR, 230)]


async def test_an_unlisted_token_does_not_exist_for_us(
    listener: Followed, outside: Outside, owner: AsyncEngine, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "ethereum", 1, first=240)
    listed, other = await outside.deploy("TestDollar"), await outside.deploy("TestDollar")
    await list_token(owner, listed)
    txid = await outside.call(other, mint(address, 25 * DOLLAR))

    await listener.to_tip()

    assert await found(listener, txid) == []


@pytest.mark.parametrize("contract", ["FeeToken", "LyingToken"])
async def test_a_token_whose_balance_disagrees_with_its_log_is_refused(
    listener: Followed,
    outside: Outside,
    owner: AsyncEngine,
    worker: AsyncEngine,
    contract: str,
):
    [address] = await addresses_for(worker, "ethereum", 1, first=250)
    token = await outside.deploy(contract)
    await list_token(owner, token)
    await outside.call(token, mint(OUTSIDER, 900 * DOLLAR))
    txid = await outside.call(token, transfer_call(address, 100 * DOLLAR))

    await listener.to_tip()

    assert await found(listener, txid) == []
    [refused] = [e for e in await listener.events("deposit_refused") if e["txid"] == txid]
    assert "the balance changed by" in refused["reason"]


async def test_a_token_that_answers_false_pays_nothing(
    listener: Followed, outside: Outside, owner: AsyncEngine, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "ethereum", 1, first=260)
    token = await outside.deploy("FalseToken")
    await list_token(owner, token)
    txid = await outside.call(token, transfer_call(address, 100 * DOLLAR))  # Owns none.

    await listener.to_tip()

    receipt = await outside.node.receipt(TxId(txid))
    assert quantity(receipt["status"]) == 1  # Who trusts the status alone has credited it now.
    assert await found(listener, txid) == []


def none_of_them(block: dict[str, Any], receipts: list[Any]) -> list[Any]:
    return [block, []]


def of_another_block(block: dict[str, Any], receipts: list[Any]) -> list[Any]:
    return [block, [each | {"blockHash": block["parentHash"]} for each in receipts]]


def without_promised_logs(block: dict[str, Any], receipts: list[Any]) -> list[Any]:
    return [block | {"logsBloom": "0x1"}, receipts]


@pytest.mark.parametrize("lie", [none_of_them, of_another_block, without_promised_logs])
async def test_a_block_whose_receipts_do_not_fit_is_never_scanned(
    lie: Callable[..., list[Any]],
    listener: Followed,
    outside: Outside,
    worker: AsyncEngine,
    monkeypatch: pytest.MonkeyPatch,
):
    """A node behind a common name that lags answers so."""
    [address] = await addresses_for(worker, "ethereum", 1, first=290)
    txid = await outside.pay(address, ETHER)
    honest = outside.node.call_many

    async def lying(calls: list[tuple[str, Any]]) -> list[Any]:
        answers = await honest(calls)
        return lie(*answers) if calls[0][0] == "eth_getBlockByHash" else answers

    with monkeypatch.context() as lies:
        lies.setattr(outside.node, "call_many", lying)
        steps = await listener.to_tip()
        seen = await found(listener, txid)

    assert (steps[-1], seen) == (Step.HALTED, [])
    await listener.to_tip()
    assert [each[1:3] for each in await found(listener, txid)] == [("ETH", ETHER)]


async def test_a_failed_transaction_pays_nothing(
    listener: Followed, outside: Outside, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "ethereum", 1, first=270)
    token = await outside.deploy("TestDollar")
    txid = await outside.node.call(
        "eth_sendTransaction",
        {
            "from": OUTSIDER,
            "to": token,
            "gas": hex(100_000),
            "data": "0x" + transfer_call(address, 5).hex(),
        },
    )
    receipt = await receipt_of(outside.node, TxId(txid))

    await listener.to_tip()

    assert quantity(receipt["status"]) == 0
    assert await found(listener, txid) == []


async def test_a_reorg_takes_the_deposit_back_and_the_same_id_returns(
    listener: Followed, outside: Outside, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "ethereum", 1, first=280)
    raw, txid = await signed_payment(outside.node, address, ETHER)
    await outside.node.call("eth_sendRawTransaction", raw)
    await outside.mine(2)
    await listener.to_tip()
    [before] = [row for row in (await listener.deposits()).values() if row.txid == txid]

    await outside.node.call("anvil_reorg", 3, [])
    await outside.mine(2)
    steps = await listener.to_tip()
    [orphaned] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    await outside.node.call("eth_sendRawTransaction", raw)
    await outside.mine(1)
    await listener.to_tip()

    [again] = [row for row in (await listener.deposits()).values() if row.txid == txid]
    assert steps.count(Step.WENT_BACK) == 3
    assert before.block_hash is not None
    assert orphaned.block_hash is None
    assert again.id == before.id
    assert again.block_hash not in (None, before.block_hash)


async def test_a_rolled_back_node_is_waited_for_until_it_shows_another_chain(
    listener: Followed, outside: Outside
):
    await outside.mine(4)
    await listener.to_tip()

    await outside.node.call("anvil_rollback", 2)
    behind = await listener.to_tip()
    await outside.node.call("evm_increaseTime", 100)
    await outside.mine(3)
    ahead = await listener.to_tip()

    assert behind == [Step.HALTED]
    assert ahead.count(Step.WENT_BACK) == 2
    assert listener.walk.height == (await outside.node.tip())[0]


async def signed_payment(node: EthereumNode, to: str, wei: int) -> tuple[str, str]:
    """Raw bytes, as a reorged transaction has to be sent again, and its txid."""
    from eth_account import Account

    payer = Account.from_key("0x" + "77" * 32)
    await node.call("anvil_setBalance", payer.address, hex(100 * ETHER))
    signed = payer.sign_transaction(
        {
            "type": 2,
            "chainId": 31337,
            "nonce": await node.transaction_count(payer.address),
            "to": to,
            "value": wei,
            "gas": 21_000,
            "maxFeePerGas": 100 * 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
    )
    return signed.raw_transaction.to_0x_hex(), signed.hash.to_0x_hex()
