"""Sweeps move what is final and nothing else; a broken tie stops withdrawals until cleared."""

from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import text

from activities import bitcoin_treasury
from chains.ethereum.addresses import parse_address
from chains.ethereum.node import quantity
from chains.ethereum.sweeper import delegation_of, sweep_all_call, sweeper_address
from chains.node import NodeRefusal
from domain.ids import TxId
from domain.payment import FREE_COINS_ENOUGH
from ledger.account import AccountKind
from ledger.account import house as house_account
from storage import payments, reconciliations
from storage.custody_policy import read_asset
from storage.treasury import burns
from tests.custody.house import BTC, COIN, DOLLAR, ETHER, USDT, House
from workflows import search_attributes as attributes
from workflows.reconciliation import (
    BreakWorkflow,
    ReconciliationInput,
    ReconciliationWorkflow,
)
from workflows.staff import StaffAction
from workflows.sweep import SweepInput, SweepWorkflow
from workflows.withdrawal import WithdrawalWorkflow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


async def swept(house: House, chain: str, asset: str, name: str) -> str:
    """Run a sweep, mining all the while."""
    assert house.client is not None
    handle = await house.client.start_workflow(
        SweepWorkflow.run,
        SweepInput(chain=chain, asset=asset),
        id=f"sweep/{chain}/{asset}/{name}",
        task_queue="workflows",
    )

    async def is_done() -> str | None:
        await house.mine(chain)
        described = await handle.describe()
        return described.status.name if described.close_time else None

    assert await house.until("the sweep is done", is_done) == "COMPLETED"
    return await handle.result()


async def gift(house: House, satoshi: int) -> None:
    """Coins that came to the hot wallet, booked by hand as the house's."""
    hot = house_account(AccountKind.HOT_WALLET, BTC)
    await house._transfer(hot, house_account(AccountKind.HOUSE_CAPITAL, BTC), satoshi)


async def test_final_bitcoin_deposits_are_swept_into_the_hot_wallet(house: House):
    customer = await house.customer()
    txid = await house.miner.pay(await house.address(customer, "bitcoin"), "2")
    await house.mine("bitcoin", 6)
    await house.until_deposit(txid, "withdrawable")

    await swept(house, "bitcoin", "BTC", "one")

    row = await house.deposit_of(txid)
    assert row.swept_at is not None
    assert await house.balance(customer, BTC) == (2 * COIN, 0)
    await house.assert_tied()


async def test_final_ether_is_swept_and_the_books_follow_to_the_last_wei(house: House):
    customer = await house.customer()
    txid = await house.outside.pay(await house.address(customer, "ethereum"), 3 * ETHER)
    await house.mine("ethereum", 7)
    await house.until_deposit(txid, "withdrawable")

    await swept(house, "ethereum", "ETH", "one")

    assert (await house.deposit_of(txid)).swept_at is not None
    await house.assert_tied()


async def free_coins(house: House) -> list[payments.Coin]:
    """What the hot wallet can spend now."""
    tip = await house.miner.node.call("getblockcount")
    async with house.engine.connect() as connection:
        return await payments.spendable(connection, "hot-bitcoin", confirmed_below=tip)


async def kinds(house: House, sweep: str) -> list[str]:
    async with house.engine.connect() as connection:
        pattern = f"sweep/bitcoin/BTC/{sweep}-%"
        found = await connection.scalars(
            text("SELECT kind FROM payments WHERE id LIKE :pattern"), {"pattern": pattern}
        )
        return list(found)


async def test_the_hot_wallets_coins_are_joined_when_many_and_split_when_few(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    hot = await house.hot_address("bitcoin")
    for _ in range(5):
        await house.miner.pay(hot, "0.01")
    await house.mine("bitcoin")
    await gift(house, 5 * COIN // 100)
    before = await free_coins(house)
    with monkeypatch.context() as few:
        few.setattr(bitcoin_treasury, "_HOT_COINS_MAX", 4)
        await swept(house, "bitcoin", "BTC", "joined")
    joined = await free_coins(house)
    await swept(house, "bitcoin", "BTC", "split")
    split = await free_coins(house)
    await swept(house, "bitcoin", "BTC", "enough")

    assert len(before) > 4
    assert len(joined) == 1
    assert len(split) == FREE_COINS_ENOUGH
    assert (
        min(coin.units for coin in split) * 2 * FREE_COINS_ENOUGH >= joined[0].units - COIN // 100
    )
    assert await kinds(house, "joined") == await kinds(house, "split") == ["consolidation"]
    assert await kinds(house, "enough") == []
    await house.assert_tied()


async def test_a_hot_wallet_that_empties_fast_is_an_alarm(house: House):
    assert house.client is not None
    customer = await house.customer()
    txid = await house.miner.pay(await house.address(customer, "bitcoin"), "20")
    await house.mine("bitcoin", 6)
    await house.until_deposit(txid, "withdrawable")
    calm = await swept(house, "bitcoin", "BTC", "calm")
    payee = await house.miner.wallet.call("getnewaddress")
    row = await house.request(customer, BTC, 19 * COIN, payee)
    handle = await house.start(row)
    await house.until_status(row.id, "review")
    for officer in ("alice", "amir"):
        word = StaffAction(officer=officer, reason="a customer of old")
        await handle.execute_update(WithdrawalWorkflow.approve, word)
    await house.until_status(row.id, "seen")
    await house.until_mined(row.id)
    await house.until_status(row.id, "done")

    burning = await swept(house, "bitcoin", "BTC", "burning")

    async with house.engine.connect() as connection:
        [burn] = [each for each in await burns(connection, "bitcoin") if each.asset == "BTC"]
    assert burn.percent == 100 * burn.out_units // (burn.hot_units + burn.out_units) >= 25
    assert "left within an hour" not in calm
    assert f"**{burn.percent} % of it left within an hour.**" in burning
    found = house.client.get_workflow_handle("sweep/bitcoin/BTC/burning")
    shown = (await found.describe()).typed_search_attributes
    assert shown[attributes.NEEDS_HUMAN] is True
    await house.assert_tied()


async def test_coins_that_no_book_knows_stop_withdrawals_until_staff_clear_it(house: House):
    assert house.client is not None
    run = ReconciliationInput(chains=["bitcoin"], second_look_seconds=1)
    clean = await house.client.execute_workflow(
        ReconciliationWorkflow.run, run, id="reconciliation/clean", task_queue="workflows"
    )
    await house.miner.pay(await house.hot_address("bitcoin"), "0.25")
    await house.mine("bitcoin")

    found = await house.client.execute_workflow(
        ReconciliationWorkflow.run, run, id="reconciliation/broken", task_queue="workflows"
    )

    async def is_enabled() -> bool:
        async with house.engine.connect() as connection:
            return (await read_asset(connection, "BTC")).withdraw_enabled

    async def is_stopped() -> bool:
        return not await is_enabled()

    await house.until("withdrawals are stopped", is_stopped)
    action = StaffAction(officer="oscar", reason="a gift of the house, booked by hand")
    handle = house.client.get_workflow_handle("break/BTC")
    await handle.execute_update(BreakWorkflow.clear, action)
    await house.until("withdrawals go on", is_enabled)
    assert "broken" not in clean
    assert "difference 0.25" in found
    await gift(house, COIN // 4)
    await house.assert_tied()


GAS_FUNDED = 50_457
"""Of one address by gas funding: ADR 0007."""


async def token(house: House) -> str:
    async with house.engine.connect() as connection:
        contract = (await read_asset(connection, "USDT")).contract
    assert contract is not None
    return str(to_checksum_address(contract))


async def paid(house: House, address: str, units: int) -> str:
    """Tokens came to the address; the deposit's transaction."""
    mint = bytes.fromhex("40c10f19") + bytes(12) + bytes.fromhex(address[2:]) + units.to_bytes(32)
    return await house.outside.call(await token(house), mint)


async def final(house: House, txids: list[str]) -> None:
    await house.mine("ethereum", 7)
    for txid in txids:
        await house.until_deposit(txid, "withdrawable")


async def payments_of(house: House, run: str) -> list[Any]:
    async with house.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT * FROM payments WHERE id LIKE :run ORDER BY created_at"),
            {"run": f"sweep/ethereum/USDT/{run}-%"},
        )
        return list(found.all())


async def test_tokens_of_many_addresses_leave_in_one_transaction_and_cost_less(house: House):
    node = house.outside.node
    customers = [await house.customer() for _ in range(4)]
    addresses = [await house.address(each, "ethereum") for each in customers]
    await final(house, [await paid(house, each, 100 * DOLLAR) for each in addresses])

    await swept(house, "ethereum", "USDT", "first")
    [first] = await payments_of(house, "first")
    second_deposits = [await paid(house, each, 60 * DOLLAR) for each in addresses]
    await final(house, second_deposits)
    await swept(house, "ethereum", "USDT", "second")
    [second] = await payments_of(house, "second")

    gas = []
    for payment, kind in ((first, 4), (second, 2)):
        mined = await node.transaction(TxId(payment.txid))
        receipt = await node.receipt(TxId(payment.txid))
        assert (payment.kind, quantity(mined["type"])) == ("batch_sweep", kind)
        assert payment.fee_units == quantity(receipt["gasUsed"]) * quantity(
            receipt["effectiveGasPrice"]
        )
        gas.append(quantity(receipt["gasUsed"]) // len(addresses))
    assert gas[1] < gas[0] < GAS_FUNDED
    contract = sweeper_address(await house.hot_address("ethereum"))
    for address, customer in zip(addresses, customers, strict=True):
        assert delegation_of(await node.code(address)) == contract
        assert await node.balance(address) == 0  # It never needed ether.
        assert await node.token_balance(await token(house), address) == 0
        assert await house.balance(customer, USDT) == (160 * DOLLAR, 0)
    assert (await house.deposit_of(second_deposits[0])).swept_at is not None
    async with house.engine.connect() as connection:
        assert await reconciliations.signature_faults(connection, "ethereum") == []
    await house.assert_tied()


async def test_nobody_else_moves_the_tokens_of_a_delegated_address(house: House):
    node, hot = house.outside.node, await house.hot_address("ethereum")
    customer = await house.customer()
    address = await house.address(customer, "ethereum")
    await final(house, [await paid(house, address, 100 * DOLLAR)])
    await swept(house, "ethereum", "USDT", "delegated")
    await paid(house, address, 100 * DOLLAR)
    call = sweep_all_call(await token(house), [address], [100 * DOLLAR])
    stranger = parse_address(house.fresh_ethereum_address())
    contract = sweeper_address(hot)

    async def is_refused(sender: str, to: str, data: bytes) -> bool:
        try:
            await node.estimate_gas({"from": sender, "to": to, "data": "0x" + data.hex()})
        except NodeRefusal as refusal:
            return "caller" in refusal.message
        return False

    direct = keccak(text="sweep(address,uint256)")[:4] + bytes(12)
    direct += bytes.fromhex((await token(house))[2:]) + (1).to_bytes(32)
    assert await is_refused(stranger, contract, call)
    assert await is_refused(stranger, address, call)
    for sender in (stranger, hot):
        assert await is_refused(sender, address, direct)
    assert not await is_refused(hot, contract, call)
    payer = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    ether = {"from": payer, "to": address, "value": hex(ETHER)}
    assert await node.estimate_gas(ether) > 21_000  # It takes ether still, for a little more gas.


async def test_an_address_that_takes_ether_does_not_delegate(house: House):
    """Payers who send exactly 21,000 gas could not pay it any more."""
    customer = await house.customer()
    address = await house.address(customer, "ethereum")
    ether = await house.outside.pay(address, ETHER // 2)
    await final(house, [ether, await paid(house, address, 70 * DOLLAR)])

    await swept(house, "ethereum", "USDT", "with-ether")

    made = await payments_of(house, "with-ether")
    [sweep] = [each for each in made if each.from_address == address]
    assert sweep.kind == "sweep"  # It has ether: no gas is sent.
    assert await house.outside.node.code(address) == "0x"
    await house.assert_tied()


async def test_without_delegation_a_tokens_sweep_waits_until_its_gas_is_final(house: House):
    """A rival slept five minutes instead, and swept with gas that had not come."""
    await house.set("UPDATE chain_policies SET delegate_sweeps = FALSE WHERE chain = 'ethereum'")
    customer = await house.customer()
    address = await house.address(customer, "ethereum")
    txid = await paid(house, address, 500 * DOLLAR)
    await final(house, [txid])

    await swept(house, "ethereum", "USDT", "gas")
    await house.set("UPDATE chain_policies SET delegate_sweeps = TRUE WHERE chain = 'ethereum'")

    gas, sweep = await payments_of(house, "gas")
    assert (gas.kind, sweep.kind) == ("gas", "sweep")
    assert gas.posted_at < sweep.created_at
    assert (await house.deposit_of(txid)).swept_at is not None
    assert await house.balance(customer, USDT) == (500 * DOLLAR, 0)
    await house.assert_tied()
