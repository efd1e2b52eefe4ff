"""A deposit that pays too little to be mined is pulled into a block; a replaced one is let go."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from activities.listening.mempool import BitcoinMempool
from activities.listening.watchlist import Watchlist
from tests.custody.house import BTC, COIN, House
from workflows.sweep import SweepInput, SweepWorkflow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


async def stuck_deposit(house: House, amount: str) -> tuple[int, str]:
    """A customer's deposit that waits in the mempool at the lowest fee, screened; and its txid."""
    await house.set("UPDATE chain_policies SET bump_after_seconds = 0 WHERE chain = 'bitcoin'")
    customer = await house.customer()
    address = await house.address(customer, "bitcoin")
    sent = await house.miner.wallet.call("send", {address: amount}, None, "unset", 1)
    await mempool(house).look()

    async def is_screened() -> bool:
        return (await house.deposit_of(sent["txid"])).screening is not None

    await house.until("the deposit is screened", is_screened)
    return customer, str(sent["txid"])


def mempool(house: House) -> BitcoinMempool:
    watched: Watchlist = house.walks["bitcoin"].walk.watchlist
    return BitcoinMempool(house.engine, house.miner.node, watched, forget_after_seconds=0)


async def sweep(house: House, name: str) -> Any:
    assert house.client is not None
    return await house.client.start_workflow(
        SweepWorkflow.run,
        SweepInput(chain="bitcoin", asset="BTC"),
        id=f"sweep/bitcoin/BTC/{name}",
        task_queue="workflows",
    )


async def child_of(house: House, txid: str) -> Any:
    async def found() -> Any:
        entry = await house.miner.node.mempool_entry(txid)
        assert entry is not None
        return entry["spentby"][0] if entry["spentby"] else None

    return await house.until("a child spends it", found)


async def ended(house: House, handle: Any) -> str:
    async def is_done() -> bool:
        await house.mine("bitcoin")
        return (await handle.describe()).close_time is not None

    await house.until("the sweep is done", is_done)
    return str(await handle.result())


async def test_a_child_pays_for_its_parent_and_the_deposit_is_credited(house: House):
    customer, txid = await stuck_deposit(house, "0.5")
    parent = await house.miner.node.mempool_entry(txid)

    handle = await sweep(house, "lift")
    child = await child_of(house, txid)
    family = await house.miner.node.mempool_entry(child)
    await ended(house, handle)
    row = await house.until_deposit(txid, "withdrawable")

    assert parent is not None
    assert rate(parent) < 1_100
    assert rate(family) >= 3 * rate(parent) // 2  # How much more, the node's estimator says.
    assert row.swept_at is not None
    assert await house.balance(customer, BTC) == (COIN // 2, 0)
    await house.assert_tied()


async def test_what_costs_more_than_it_brings_is_left_to_wait(house: House):
    customer, txid = await stuck_deposit(house, "0.0002")  # One per cent pays no child.

    told = await (await sweep(house, "lift-dear")).result()
    entry = await house.miner.node.mempool_entry(txid)
    await house.mine("bitcoin")

    assert "nothing" in told
    assert entry is not None
    assert entry["spentby"] == []
    await house.until_deposit(txid, "credited", "withdrawable")
    assert await house.balance(customer, BTC) == (COIN // 5_000, 0)


async def test_a_child_whose_parent_the_payer_replaced_is_given_up(house: House):
    customer, txid = await stuck_deposit(house, "0.7")
    await sweep(house, "lift-orphan")
    child = await child_of(house, txid)

    await replace(house, txid)
    assert await house.miner.node.mempool_entry(child) is None
    await mempool(house).look()
    await house.until_deposit(txid, "orphaned")
    await house.mine("bitcoin", 2)
    await ended(house, await sweep(house, "after-orphan"))

    async with house.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT status FROM payments WHERE id LIKE :id"), {"id": f"%lift-{txid[:16]}%"}
        )
        assert [row.status for row in rows] == ["dead"]
    assert (await house.deposit_of(txid)).sweep_payment_id is None
    assert await house.balance(customer, BTC) == (0, 0)
    await house.assert_tied()


async def replace(house: House, txid: str) -> None:
    """The payer spends the same coins to itself, for more than parent and child pay together."""
    node, wallet = house.miner.node, house.miner.wallet
    old = await node.call("getrawtransaction", txid, 1)
    spent = [{"txid": each["txid"], "vout": each["vout"]} for each in old["vin"]]
    total = sum((Decimal(each["value"]) for each in old["vout"]), Decimal(0)) - Decimal("0.01")
    own = await wallet.call("getnewaddress")
    raw = await node.call("createrawtransaction", spent, {own: f"{total:.8f}"}, 0, True)
    signed = await wallet.call("signrawtransactionwithwallet", raw)
    await node.call("sendrawtransaction", signed["hex"], 0)


def rate(entry: Any) -> int:
    """Satoshi per kvbyte of a transaction with all it depends on."""
    return int(Decimal(entry["fees"]["ancestor"]) * COIN * 1000 / entry["ancestorsize"])
