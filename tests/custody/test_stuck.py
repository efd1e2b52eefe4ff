"""Stuck withdrawals: found by what staff search for, pushed on by checked and audited updates."""

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from api.staff.views import VIEWS
from chains.ethereum import signer
from chains.ethereum.fees import TRANSFER_GAS, GasFees
from chains.ethereum.transaction import pay_ether
from compliance.staff import Role
from domain.money import AssetCode
from ledger.account import AccountKind
from ledger.account import house as house_account
from storage import payments, withdrawals
from storage.signing_plan import KeyLocation
from storage.treasury import hot_units
from tests.custody.house import BTC, COIN, ETH, ETHER, House
from tests.custody.test_payments import asked, by
from workflows.staff import StaffAction
from workflows.sweep import SweepInput, SweepWorkflow
from workflows.withdrawal import WithdrawalWorkflow
from workflows.withdrawal_desk import ReplacedBy

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

GWEI = 10**9


async def unmined(house: House) -> tuple[Any, WorkflowHandle[Any, Any]]:
    """A withdrawal of ether that no block takes in; the caller switches mining on again."""
    await house.outside.node.call("evm_setAutomine", False)
    row, handle = await asked(house, ETH, ETHER // 10)
    return await house.until_status(row.id, "seen"), handle


async def mined(house: House) -> None:
    await house.outside.node.call("evm_setAutomine", True)


async def deeds(house: House, withdrawal_id: str) -> list[tuple[str, str, str]]:
    """What officers did, as the audit has it: deed, officer, reason."""
    async with house.engine.connect() as connection:
        found = await withdrawals.timeline(connection, withdrawal_id)
    return [
        (each["event"], each["officer"], each["details"]["reason"])
        for each in found
        if each["officer"]
    ]


async def refused(handle: WorkflowHandle[Any, Any], update: Any, action: StaffAction) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await handle.execute_update(update, action)
    return str(failure.value.cause)


async def test_a_dropped_transaction_is_offered_again_with_the_same_bytes(house: House):
    row, handle = await unmined(house)
    await house.outside.node.call("anvil_dropTransaction", row.txid)
    assert await house.outside.node.transaction(row.txid) is None

    await handle.execute_update(WithdrawalWorkflow.rebroadcast, by("oscar"))

    assert await house.outside.node.transaction(row.txid) is not None
    await mined(house)
    await house.until_mined(row.id)
    done = await house.until_status(row.id, "done")
    [attempt] = await house.attempts(done.payment_id)
    assert (done.txid, attempt.broadcasts) == (row.txid, attempt.broadcasts)
    assert attempt.broadcasts >= 2
    assert await house.outside.node.balance(row.address) == ETHER // 10
    assert ("rebroadcast", "oscar", by("oscar").reason) in await deeds(house, row.id)
    await house.assert_tied()


async def test_wrong_repairs_are_refused_with_a_sentence_and_change_nothing(house: House):
    row, handle = await unmined(house)
    before = await house.balance(row.customer_id, ETH)
    short = StaffAction(officer="oscar", reason="why")
    nobody = StaffAction(reason="looked at it twice")

    sentences = [
        await refused(handle, WithdrawalWorkflow.bump_fee, short),
        await refused(handle, WithdrawalWorkflow.rebroadcast, nobody),
        await refused(handle, WithdrawalWorkflow.cancel, by("oscar")),
        await refused(handle, WithdrawalWorkflow.mark_replaced_by, ReplacedBy(**dict(by("oscar")))),
    ]

    assert "10 characters" in sentences[0]
    assert "sign in" in sentences[1]
    assert "may have left" in sentences[2]
    assert "which transaction" in sentences[3]
    assert await house.balance(row.customer_id, ETH) == before
    assert await deeds(house, row.id) == []
    await mined(house)
    await house.until_mined(row.id)
    await house.until_status(row.id, "done")


async def replaced_by(handle: WorkflowHandle[Any, Any], txid: str) -> str:
    action = ReplacedBy(officer="oscar", reason="seen in an explorer", txid=txid)
    return await refused(handle, WithdrawalWorkflow.mark_replaced_by, action)


async def test_nobody_is_believed_that_a_payment_is_dead(house: House):
    """What rivals gave back on an officer's word left all the same."""
    row, handle = await unmined(house)
    await mined(house)
    unrelated = await house.outside.pay(house.fresh_ethereum_address(), 1)

    own = await replaced_by(handle, row.txid)
    other = await replaced_by(handle, unrelated)
    unknown = await replaced_by(handle, "0x" + "ab" * 32)

    assert "an attempt of the payment itself" in own
    assert "does not conflict" in other
    assert "does not conflict" in unknown
    await house.until_mined(row.id)
    await house.until_status(row.id, "done")
    assert await house.outside.node.balance(row.address) == ETHER // 10


async def test_funds_go_back_only_when_another_transaction_took_the_nonce_for_good(house: House):
    row, handle = await unmined(house)
    payment_nonce, fee_wei = await take_nonce(house, row.payment_id)
    await mined(house)
    await house.mine("ethereum", 1)
    too_early = await replaced_by(handle, payment_nonce)
    await house.mine("ethereum", 8)

    proof = ReplacedBy(officer="oscar", reason="the keys were used elsewhere", txid=payment_nonce)
    await handle.execute_update(WithdrawalWorkflow.mark_replaced_by, proof)
    still_held = await house.balance(row.customer_id, ETH)
    await handle.execute_update(WithdrawalWorkflow.cancel, by("oscar"))
    await house.until_status(row.id, "cancelled")

    assert "confirmations" in too_early
    total = ETHER // 10 + int(row.fee_units)
    assert still_held[1] == total
    assert await house.balance(row.customer_id, ETH) == (still_held[0] + total, 0)
    assert await house.outside.node.balance(row.address) == 0
    # What the foreign transaction cost is the house's, and booked by hand.
    await house._transfer(
        house_account(AccountKind.NETWORK_FEE, AssetCode("ETH")),
        house_account(AccountKind.HOT_WALLET, AssetCode("ETH")),
        fee_wei,
    )
    await house.assert_tied()


async def take_nonce(house: House, payment_id: str) -> tuple[str, int]:
    """Somebody with the hot key uses the payment's nonce for nothing; txid and cost."""
    async with house.engine.connect() as connection:
        payment = (
            await connection.execute(
                text("SELECT from_address, nonce FROM payments WHERE id = :id"), {"id": payment_id}
            )
        ).one()
        key = await house.keys.find(connection, KeyLocation("alias/rialto-hot-ethereum"))
    foreign = pay_ether(
        chain_id=31337,
        nonce=payment.nonce,
        to=payment.from_address,
        wei=0,
        gas_limit=TRANSFER_GAS,
        fees=GasFees(400 * GWEI, 40 * GWEI),
    )
    signed = await signer.sign(foreign, key)
    node = house.outside.node
    assert (await node.broadcast(signed.raw, signed.txid)).is_out
    await node.call("evm_mine")
    receipt = await node.receipt(signed.txid)
    return signed.txid, int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)


async def test_a_cancelled_withdrawals_nonce_is_filled_so_that_later_ones_leave(house: House):
    """A rival left the gap: everything after it was stuck."""
    customer = await house.customer()
    await house.give(customer, ETH, ETHER)
    row = await house.request(customer, ETH, ETHER // 10, house.fresh_ethereum_address())
    # The signer looks at the tier once more, and refuses: nothing is signed.
    await house.set("UPDATE customers SET kyc_tier = 0 WHERE id = :id", id=customer)
    handle = await house.start(row)
    reserved = await house.until_status(row.id, "reserved")

    await handle.execute_update(WithdrawalWorkflow.cancel, by("oscar"))
    await house.until_status(row.id, "cancelled")
    later, _ = await asked(house, ETH, ETHER // 10)
    await house.until_status(later.id, "seen", "done")
    await house.until_mined(later.id)
    await house.until_status(later.id, "done")

    assert await house.balance(customer, ETH) == (ETHER, 0)
    assert await house.outside.node.balance(row.address) == 0
    async with house.engine.connect() as connection:
        filled = await payments.read(connection, reserved.payment_id)
        after = await payments.read(connection, (await house.withdrawal(later.id)).payment_id)
    assert (filled.kind, filled.units, filled.nonce) == ("fill", 0, after.nonce - 1)

    async def is_booked() -> bool:
        await house.mine("ethereum")
        async with house.engine.connect() as connection:
            return (await payments.read(connection, filled.id)).posted_at is not None

    await house.until("the filler's fee is booked", is_booked)
    await house.assert_tied()


async def test_staff_find_what_is_stuck_by_their_saved_view(house: House):
    assert house.client is not None
    row, _ = await unmined(house)
    view = VIEWS[Role.OPERATIONS]["Stuck withdrawals"].replace("`", "")

    async def is_listed() -> bool:
        assert house.client is not None
        found = [each.id async for each in house.client.list_workflows(view)]
        return f"withdrawal/{row.id}" in found

    await house.until("it stands in the view", is_listed)
    await mined(house)
    await house.until_mined(row.id)
    await house.until_status(row.id, "done")

    async def is_gone() -> bool:
        return not await is_listed()

    await house.until("it left the view", is_gone)


async def test_in_a_fee_spike_a_withdrawal_waits_and_never_fails(house: House):
    node = house.outside.node
    await node.call("anvil_setNextBlockBaseFeePerGas", hex(900 * GWEI))  # Our cap is 500.
    await node.call("evm_mine")
    await node.call("anvil_setNextBlockBaseFeePerGas", hex(900 * GWEI))
    row, _ = await asked(house, ETH, ETHER // 10)

    async def waits() -> bool:
        return "fees are above our limit" in (await house.withdrawal(row.id)).reason

    await house.until("it waits for lower fees", waits)
    waiting = await house.withdrawal(row.id)
    await node.call("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    await node.call("evm_mine")
    await house.until_status(row.id, "seen", "done")
    await house.until_mined(row.id)
    await house.until_status(row.id, "done")

    assert (waiting.status, waiting.payment_id) == ("approved", None)
    assert await node.balance(row.address) == ETHER // 10
    await house.assert_tied()


async def patience(house: House, seconds: int) -> None:
    """How long a payment may wait for a block before its fee is raised."""
    await house.set("UPDATE chain_policies SET bump_after_seconds = :s", s=seconds)


async def raised(house: House, payment_id: str) -> Any:
    """Attempts, once there is a second one that a node has."""

    async def found() -> Any:
        attempts = await house.attempts(payment_id)
        return attempts if len(attempts) > 1 and attempts[1].seen_at is not None else None

    attempts = await house.until("the fee was raised by the timer", found)
    await patience(house, 3_600)
    assert {each.reason for each in attempts[1:]} == {"bump"}
    for old, new in pairwise(attempts):
        assert new.fee_units_max * 8 >= old.fee_units_max * 9
    return attempts


async def stuck_sweep(house: House, chain: str, asset: str) -> tuple[Any, str]:
    """A sweep whose payment no block takes in, and the payment's id."""
    assert house.client is not None
    handle = await house.client.start_workflow(
        SweepWorkflow.run,
        SweepInput(chain=chain, asset=asset),
        id=f"sweep/{chain}/{asset}/stuck",
        task_queue="workflows",
    )
    run = f"sweep/{chain}/{asset}/stuck-%"

    async def planned() -> str | None:
        return await scalar(house, "SELECT max(id) FROM payments WHERE id LIKE :run", run=run)

    return handle, await house.until("the sweep is planned", planned)


async def scalar(house: House, statement: str, **values: object) -> Any:
    async with house.engine.connect() as connection:
        return await connection.scalar(text(statement), values)


async def finished(house: House, chain: str, handle: Any) -> None:
    async def is_done() -> bool:
        await house.mine(chain)
        return (await handle.describe()).close_time is not None

    await house.until("the sweep is done", is_done)


async def test_a_withdrawal_that_no_block_takes_pays_more_by_itself(house: House):
    await patience(house, 1)
    row, _ = await asked(house, BTC)
    seen = await house.until_status(row.id, "seen")

    attempts = await raised(house, seen.payment_id)

    await house.until_mined(row.id)
    done = await house.until_status(row.id, "done")
    assert done.txid in {each.txid for each in attempts[1:]}
    await house.assert_tied()


async def test_a_stuck_sweep_of_bitcoins_is_replaced_with_a_coin_of_the_hot_wallet(house: House):
    customer = await house.customer()
    txid = await house.miner.pay(await house.address(customer, "bitcoin"), "2")
    await house.mine("bitcoin", 6)
    await house.until_deposit(txid, "withdrawable")
    await patience(house, 1)

    handle, payment_id = await stuck_sweep(house, "bitcoin", "BTC")
    attempts = await raised(house, payment_id)
    await finished(house, "bitcoin", handle)

    assert attempts[1].input_count > attempts[0].input_count
    assert (await house.deposit_of(txid)).swept_at is not None
    assert await house.balance(customer, BTC) == (2 * COIN, 0)
    async with house.engine.connect() as connection:
        booked = await hot_units(connection, "BTC")
    held = await house.miner.node.call(
        "scantxoutset", "start", [f"addr({await house.hot_address('bitcoin')})"]
    )
    assert booked == int(held["total_amount"] * COIN)  # Who paid which part of the fee is right.
    await house.assert_tied()


async def test_a_stuck_sweep_of_ether_is_replaced_by_what_it_left_for_that(house: House):
    customer = await house.customer()
    txid = await house.outside.pay(await house.address(customer, "ethereum"), 3 * ETHER)
    await house.mine("ethereum", 7)
    await house.until_deposit(txid, "withdrawable")
    await house.outside.node.call("evm_setAutomine", False)
    await patience(house, 1)

    handle, payment_id = await stuck_sweep(house, "ethereum", "ETH")
    attempts = await raised(house, payment_id)
    await house.outside.node.call("evm_setAutomine", True)
    await finished(house, "ethereum", handle)

    assert all(new.tip_rate * 8 >= old.tip_rate * 9 for old, new in pairwise(attempts))
    assert (await house.deposit_of(txid)).swept_at is not None
    assert await house.balance(customer, ETH) == (3 * ETHER, 0)
    await house.assert_tied()
