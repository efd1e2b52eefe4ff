"""The path without trouble: coins come in, are credited once, and leave once."""

import os
from contextlib import suppress

import pytest
from sqlalchemy import insert, text

from activities.deposits import AdvanceDeposit, DepositActivities
from activities.listening.mempool import BitcoinMempool
from activities.screening_messages import OriginatorCheck, Screening
from storage import deposits
from storage.tables_customers import customers
from streams.notices import NoNotices
from tests.chains.house import addresses_for
from tests.custody.house import BTC, COIN, ETH, ETHER, House

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

SENDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
"""Of all ether that comes from outside."""
PAYEE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
TIMELINE = ["seen", "mined", "credited", "released"]


async def test_bitcoins_are_credited_at_the_first_and_may_leave_at_the_third_confirmation(
    house: House,
):
    alice = await house.customer()
    txid = await house.miner.pay(await house.address(alice, "bitcoin"), "0.5")
    await BitcoinMempool(
        house.engine, house.miner.node, house.walks["bitcoin"].walk.watchlist
    ).look()
    await house.mine("bitcoin")

    await house.until_deposit(txid, "credited")
    credited = await house.balance(alice, BTC)
    await house.mine("bitcoin", 2)
    await house.until_deposit(txid, "withdrawable")

    async with house.engine.connect() as connection:
        row = await house.deposit_of(txid)
        told = [each["event"] for each in await deposits.timeline(connection, row.id)]
    assert told == TIMELINE
    assert credited == (COIN // 2, 0)
    assert await house.balance(alice, BTC) == (COIN // 2, 0)
    await house.assert_tied()


@pytest.mark.skipif(
    not os.environ.get("RIALTO_TEST_ALL"), reason="minutes: only with RIALTO_TEST_ALL"
)
async def test_a_thousand_deposits_of_one_block_are_credited_once_each(house: House):
    """To the end: each by its own workflow, screened, and in the balance of its own customer."""
    first = 2_000_000
    numbers = range(first, first + 1_000)
    async with house.owner.begin() as connection:
        await connection.execute(
            insert(customers),
            [{"id": n, "email": f"{n}@example.test", "kyc_tier": 3} for n in numbers],
        )
    addresses = await addresses_for(house.engine, "bitcoin", len(numbers), first=first)
    for start in range(0, len(addresses), 100):
        some = addresses[start : start + 100]
        await house.miner.pay_many(dict.fromkeys(some, "0.001"))
    await house.mine("bitcoin")

    async def all_credited() -> bool:
        async with house.engine.connect() as connection:
            count = await connection.scalar(
                text(
                    "SELECT count(*) FROM deposits WHERE customer_id >= :f AND status = 'credited'"
                ),
                {"f": first},
            )
        return count == len(numbers)

    for _ in range(3):  # Each has minutes of patience.
        with suppress(AssertionError):
            await house.until("all are credited", all_credited)
            break
    assert await all_credited()
    async with house.engine.connect() as connection:
        blocks = await connection.scalar(
            text("SELECT count(DISTINCT block_hash) FROM deposits WHERE customer_id >= :f"),
            {"f": first},
        )
        balances = await connection.execute(
            text(
                "SELECT count(*) AS n, min(balance) AS low, max(balance) AS high FROM accounts"
                " WHERE customer_id >= :f AND kind = 'customer_available' AND asset = 'BTC'"
            ),
            {"f": first},
        )
        assert tuple(balances.one()) == (1_000, COIN // 1_000, COIN // 1_000)
    assert blocks == 1
    await house.assert_tied()


async def test_bitcoins_leave_once_and_the_books_follow(house: House):
    bob = await house.customer()
    await house.give(bob, BTC, COIN)
    address = await house.miner.wallet.call("getnewaddress")
    row = await house.request(bob, BTC, COIN // 4, address)
    held = await house.balance(bob, BTC)

    await house.until_status(row.id, "seen")
    await house.mine("bitcoin", 2)
    done = await house.until_status(row.id, "done")

    assert held == (COIN - COIN // 4 - int(row.fee_units), COIN // 4 + int(row.fee_units))
    assert await house.balance(bob, BTC) == (COIN - COIN // 4 - int(row.fee_units), 0)
    assert await house.miner.wallet.call("getreceivedbyaddress", address) * COIN == COIN // 4
    [attempt] = await house.attempts(done.payment_id)
    assert done.txid == attempt.txid
    assert done.network_fee_units == attempt.fee_units_max  # What was paid, not what was quoted.
    assert done.network_fee_units != done.fee_units
    await house.assert_tied()


async def test_ether_leaves_once_and_the_books_follow(house: House):
    carol = await house.customer()
    await house.give(carol, ETH, 2 * ETHER)
    before = await house.outside.node.balance(PAYEE)
    row = await house.request(carol, ETH, ETHER, PAYEE)

    await house.until_status(row.id, "seen", "done")
    await house.mine("ethereum", 6)
    await house.until_status(row.id, "done")

    assert await house.outside.node.balance(PAYEE) - before == ETHER
    assert await house.balance(carol, ETH) == (ETHER - int(row.fee_units), 0)
    await house.assert_tied()


async def test_a_listed_sender_found_while_awaited_is_kept_in_the_row_and_officers_decide(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    assert house.client is not None
    awaited = Screening(is_clear=False, awaits_originator=True, reason="the sender is awaited")
    for form in (SENDER, SENDER.lower()):
        monkeypatch.setitem(house.desk.verdicts, form, awaited)
    dora = await house.customer()
    txid = await house.outside.pay(await house.address(dora, "ethereum"), ETHER)
    await house.mine("ethereum")
    row = await house.until_deposit(txid, "held")
    steps = DepositActivities(
        house.engine, house.ledger, house.catalog, NoNotices(), house.ethereum
    )
    hit = OriginatorCheck(has_arrived=True, score=91, reason="entry 41 of pep", for_officers=["Me"])

    found = await steps.advance_deposit(AdvanceDeposit(deposit_id=row.id, originator=hit))
    kept = (await house.deposit_of(txid)).screening
    word = {"officer": "alice", "reason": "another person of that name"}
    await house.client.get_workflow_handle(f"deposit/{row.id}").execute_update("clear", word)
    await steps.advance_deposit(AdvanceDeposit(deposit_id=row.id, originator=hit))
    await house.mine("ethereum", 40)  # More than any amount of ether needs.
    await house.until_deposit(txid, "credited", "withdrawable")

    assert (found.status, found.awaits_originator) == ("held", False)
    assert (found.reason, found.risk_score) == ("entry 41 of pep", 91)
    assert (kept["is_clear"], kept["score"], "for_officers" in kept) == (False, 91, False)
    assert (await house.deposit_of(txid)).screening["is_clear"]
    assert await house.balance(dora, ETH) == (ETHER, 0)
    await house.assert_tied()
