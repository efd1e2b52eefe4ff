"""Payments in trouble: stuck, refused, short of funds, cancelled; paid once in every case."""

import asyncio

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.screening_messages import Screening
from activities.withdrawals import OfficerWord
from tests.custody.house import BTC, COIN, ETH, ETHER, House, repairs
from workflows.staff import StaffAction
from workflows.withdrawal import WithdrawalWorkflow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def by(officer: str) -> StaffAction:
    return StaffAction(officer=officer, reason="looked at it twice")


async def held(house: House, asset=BTC, units: int = COIN // 100, address: str = ""):
    """A rich customer's request; nobody works on it yet."""
    customer = await house.customer()
    await house.give(customer, asset, 10 * units + ETHER // 100 if asset == ETH else 10 * units)
    if not address:
        address = (
            house.fresh_ethereum_address()
            if asset == ETH
            else await house.miner.wallet.call("getnewaddress")
        )
    return await house.request(customer, asset, units, address)


async def asked(house: House, asset=BTC, units: int = COIN // 100, address: str = ""):
    """A rich customer's request, with its workflow started; answers row and handle."""
    row = await held(house, asset, units, address)
    return row, await house.start(row)


async def test_bitcoin_withdrawals_that_wait_together_leave_in_one_transaction(house: House):
    rows = await asyncio.gather(*(held(house) for _ in range(4)))
    await house.set("UPDATE custody_assets SET withdraw_enabled = false WHERE asset = 'BTC'")
    for row in rows:
        await house.start(row)
    for row in rows:
        await house.until_status(row.id, "approved")
    await house.set("UPDATE custody_assets SET withdraw_enabled = true WHERE asset = 'BTC'")

    for row in rows:
        await house.until_status(row.id, "seen")
    await house.until_mined(rows[0].id)
    done = [await house.until_status(row.id, "done") for row in rows]

    assert len({row.txid for row in done}) == 1
    await house.assert_tied()


async def test_a_quiet_wallets_payment_leaves_at_once_and_the_next_ones_gather(house: House):
    await house.set("UPDATE chain_policies SET batch_window_seconds = 7200 WHERE chain = 'bitcoin'")
    first, _ = await asked(house)
    seen = await house.until_status(first.id, "seen")
    second, desk = await asked(house)

    async def waits() -> bool:
        return (await house.withdrawal(second.id)).reason == "waits for its batch"

    await house.until("the second one waits", waits)
    await desk.execute_update(WithdrawalWorkflow.cancel, by("customer"))
    await house.until_status(second.id, "cancelled")
    await house.set("UPDATE chain_policies SET batch_window_seconds = 0")
    third, _ = await asked(house)
    later = await house.until_status(third.id, "seen")
    await house.until_mined(first.id)
    await house.until_mined(third.id)

    assert seen.txid != later.txid
    for row in (first, third):
        await house.until_status(row.id, "done")
    await house.assert_tied()


async def test_a_stuck_bitcoin_payment_is_replaced_with_a_higher_fee(house: House):
    row, handle = await asked(house)
    await house.until_status(row.id, "seen")

    await handle.execute_update(WithdrawalWorkflow.bump_fee, by("oscar"))
    seen = await house.until_status(row.id, "seen")
    attempts = await house.attempts(seen.payment_id)
    await house.until_mined(row.id)
    done = await house.until_status(row.id, "done")

    assert [attempt.attempt for attempt in attempts] == [1, 2]
    assert attempts[1].fee_units_max * 8 >= attempts[0].fee_units_max * 9
    assert done.txid == attempts[1].txid
    await house.assert_tied()


async def test_a_stuck_ethereum_payment_is_replaced_at_the_same_nonce(house: House):
    await house.outside.node.call("evm_setAutomine", False)
    row, handle = await asked(house, ETH, ETHER // 10)
    await house.until_status(row.id, "seen")
    await handle.execute_update(WithdrawalWorkflow.bump_fee, by("oscar"))
    seen = await house.withdrawal(row.id)
    attempts = await house.attempts(seen.payment_id)
    await house.outside.node.call("evm_setAutomine", True)

    await house.until_mined(row.id)
    await house.until_status(row.id, "done")

    assert len(attempts) == 2
    for field in ("fee_rate", "tip_rate"):
        old, new = (getattr(attempt, field) for attempt in attempts)
        assert new * 8 >= old * 9
    assert await house.outside.node.balance(row.address) == ETHER // 10
    await house.assert_tied()


async def test_large_ones_need_two_different_officers(house: House):
    await house.set(
        "UPDATE custody_assets SET review_units = 1, four_eyes_units = 2 WHERE asset = 'BTC'"
    )
    row, handle = await asked(house)
    await house.until_status(row.id, "review")
    await house.set(
        "UPDATE custody_assets SET review_units = 100000000, four_eyes_units = 1000000000"
        " WHERE asset = 'BTC'"
    )
    first = await handle.execute_update(WithdrawalWorkflow.approve, by("alice"))
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(WithdrawalWorkflow.approve, by("alice"))
    await handle.execute_update(WithdrawalWorkflow.approve, by("amir"))

    done = await house.until_status(row.id, "seen")

    assert first.state == "review"
    assert {approval["officer"] for approval in done.approvals} == {"alice", "amir"}
    await house.until_mined(row.id)
    await house.until_status(row.id, "done")


async def test_a_listed_payee_waits_and_a_rejection_gives_the_funds_back(house: House):
    address = house.fresh_ethereum_address()
    house.desk.verdicts[address] = Screening(is_clear=False, score=100, reason="listed")
    row, handle = await asked(house, ETH, ETHER // 10, address)
    await house.until_status(row.id, "review")

    await handle.execute_update(WithdrawalWorkflow.reject, by("alice"))
    await house.until_status(row.id, "rejected")

    available, held = await house.balance(row.customer_id, ETH)
    assert held == 0
    assert available == ETHER + ETHER // 100
    assert await house.outside.node.balance(address) == 0


async def test_short_of_hot_funds_it_waits_and_can_still_be_cancelled(house: House):
    customer = await house.customer()
    txid = await house.miner.pay(await house.address(customer, "bitcoin"), "60")
    await house.mine("bitcoin", 6)
    await house.until_deposit(txid, "withdrawable")
    payee = await house.miner.wallet.call("getnewaddress")
    row = await house.request(customer, BTC, 50 * COIN, payee)
    handle = await house.start(row)
    await house.until_status(row.id, "review")
    for officer in ("alice", "amir"):
        await handle.execute_update(WithdrawalWorkflow.approve, by(officer))

    async def waits() -> bool:
        return "hot funds" in (await house.withdrawal(row.id)).reason

    await house.until("it waits for hot funds", waits)
    await handle.execute_update(WithdrawalWorkflow.cancel_by_customer)
    await house.until_status(row.id, "cancelled")

    assert await house.balance(customer, BTC) == (60 * COIN, 0)


async def test_a_withdrawal_that_left_is_not_taken_out_of_its_payment(house: House):
    """A workflow that has not heard of the broadcast yet may ask for it: the row decides."""
    row, _ = await asked(house)
    await house.until_status(row.id, "seen")

    word = OfficerWord(withdrawal_id=row.id, officer="oscar", reason="looked at it twice")
    with pytest.raises(ApplicationError) as refused:
        await repairs(house, house.bitcoin).drop_withdrawal(word)

    assert refused.value.type == "wrong_state"
    await house.until_mined(row.id)
    await house.until_status(row.id, "done")
    await house.assert_tied()


async def test_what_may_have_left_is_never_given_back(house: House):
    row, handle = await asked(house)
    await house.until_status(row.id, "seen")

    for update, argument in (
        (WithdrawalWorkflow.cancel, [by("oscar")]),
        (WithdrawalWorkflow.reject, [by("alice")]),
        (WithdrawalWorkflow.cancel_by_customer, []),
    ):
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(update, *argument)

    await house.until_mined(row.id)
    await house.until_status(row.id, "done")
    await house.assert_tied()
