"""The signer on Bitcoin: batches from the hot wallet, sweeps of deposits, replacements."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.listening.bitcoin import BitcoinReader
from chains.bitcoin.node import BitcoinNode
from chains.bitcoin.size import transaction_vsize
from chains.ethereum.node import EthereumNode
from chains.node import BroadcastOutcome
from devstack.rented import Database, RentedStack
from domain.ids import TxId
from domain.payment import PaymentKind, SignPayment
from storage import payments as storage_payments
from storage.payments import AttemptPlan, Coin, Payee
from tests.chains.house import Followed, Miner, addresses_for, follow
from tests.workers.custody_house import Custody, open_custody

pytestmark = pytest.mark.stack

RATE = 10_000
SHARE = 10_000_000
COINS = 10
"""More than the payments of these tests reserve."""
P2WPKH_BYTES = 22
RESERVED = """(txid, vout) IN (
    SELECT txid, vout FROM utxo_reservations WHERE payment_id = :p
)"""


@pytest.fixture(scope="module")
async def miner(aws: None, bitcoin: BitcoinNode) -> Miner:
    found = Miner(bitcoin)
    await found.prepare()
    return found


@pytest.fixture(scope="module")
async def custody(
    stack: RentedStack,
    database: Database,
    miner: Miner,
    bitcoin: BitcoinNode,
    ethereum: EthereumNode,
    owner: AsyncEngine,
    worker: AsyncEngine,
) -> AsyncIterator[Custody]:
    async with open_custody(stack, database, owner, bitcoin, ethereum) as found:
        # The hot wallet is that of all tests on this stack: what they left it may be one coin.
        for _ in range(COINS):
            await miner.pay(found.hot_bitcoin, "1")
        await miner.mine()
        await (await follow(worker, BitcoinReader(found.bitcoin))).to_tip()
        yield found


@pytest.fixture
async def listener(custody: Custody, worker: AsyncEngine) -> Followed:
    return await follow(worker, BitcoinReader(custody.bitcoin))


def plan(coins: list[Coin], paid: int, outputs: int, *, fee: int | None = None) -> AttemptPlan:
    """One change output beside `outputs` payees."""
    vsize = transaction_vsize(len(coins), [P2WPKH_BYTES] * (outputs + 1))
    fee = vsize * RATE // 1000 if fee is None else fee
    return AttemptPlan(
        fee_rate=RATE if fee is None else fee * 1000 // vsize,
        fee_units_max=fee,
        reason="test",
        input_count=len(coins),
        change_units=sum(coin.units for coin in coins) - paid - fee,
    )


async def batch(custody: Custody, miner: Miner, numbers: range) -> tuple[SignPayment, list[Payee]]:
    """One payment for the withdrawals of several customers."""
    payment_id = f"p-{numbers[0]}"
    payees = []
    for number in numbers:
        address = await miner.wallet.call("getnewaddress", "", "bech32")
        withdrawal_id = await custody.withdrawal(
            number,
            asset="BTC",
            chain="bitcoin",
            units=SHARE,
            address=address,
            payment_id=payment_id,
        )
        payees.append(Payee(address, SHARE, withdrawal_id))
    coins = await custody.coins("hot-bitcoin", 1)
    paid = SHARE * len(payees)
    request = await custody.pay_bitcoin(payment_id, payees, coins, plan(coins, paid, len(payees)))
    return request, payees


async def test_one_transaction_pays_many_customers_and_the_change_returns(
    custody: Custody, miner: Miner, listener: Followed
):
    request, payees = await batch(custody, miner, range(100, 105))

    signed = await custody.signing.sign_payment(request)

    row = await custody.attempt(request)
    sent = await custody.bitcoin.broadcast(bytes(row.raw), TxId(signed.txid))
    [block_hash] = await miner.mine()
    await listener.to_tip()
    mined = await custody.bitcoin.raw_transaction(TxId(signed.txid))
    assert sent.outcome is BroadcastOutcome.ACCEPTED
    assert mined is not None
    paid = [out["scriptPubKey"]["address"] for out in mined["vout"]]
    assert mined["blockhash"] == block_hash
    assert paid == [*(payee.address for payee in payees), custody.hot_bitcoin]
    assert any(coin.txid == signed.txid for coin in await custody.coins("hot-bitcoin", 50))
    again = await custody.bitcoin.broadcast(bytes(row.raw), TxId(signed.txid))
    assert again.outcome is BroadcastOutcome.KNOWN


async def test_a_replacement_pays_the_same_payees_at_a_higher_fee(custody: Custody, miner: Miner):
    request, payees = await batch(custody, miner, range(110, 112))
    first = await custody.signing.sign_payment(request)
    row = await custody.attempt(request)
    await custody.bitcoin.broadcast(bytes(row.raw), TxId(first.txid))
    async with custody.owner.begin() as connection:
        coins = await storage_payments.inputs(connection, request.payment_id)
        higher = plan(coins, SHARE * 2, 2, fee=int(row.fee_units_max) * 9 // 8 + 200)
        await storage_payments.plan_attempt(connection, request.payment_id, 2, higher)

    second = await custody.signing.sign_payment(SignPayment(request.payment_id, 2))

    raw = bytes((await custody.attempt(SignPayment(request.payment_id, 2))).raw)
    sent = await custody.bitcoin.broadcast(raw, TxId(second.txid))
    await miner.mine()
    mined = await custody.bitcoin.raw_transaction(TxId(second.txid))
    assert sent.outcome is BroadcastOutcome.ACCEPTED
    assert mined is not None
    assert mined["confirmations"] == 1
    paid = [out["scriptPubKey"]["address"] for out in mined["vout"]][:2]
    assert paid == [payee.address for payee in payees]
    late = await custody.bitcoin.broadcast(bytes(row.raw), TxId(first.txid))
    assert late.outcome is BroadcastOutcome.REFUSED  # Its input is spent: it cannot pay twice.


async def test_a_sweep_is_signed_with_the_keys_of_its_addresses(
    custody: Custody, miner: Miner, listener: Followed, worker: AsyncEngine
):
    addresses = await addresses_for(worker, "bitcoin", 3, first=900)
    await miner.pay_many(dict.fromkeys(addresses, "0.2"))
    await miner.mine()
    await listener.to_tip()
    coins = await custody.coins(None, 3)
    total = sum(coin.units for coin in coins)
    vsize = transaction_vsize(3, [P2WPKH_BYTES])
    fee = vsize * RATE // 1000
    request = await custody.pay_bitcoin(
        "sweep-1",
        [Payee(custody.hot_bitcoin, total - fee)],
        coins,
        AttemptPlan(fee_rate=RATE, fee_units_max=fee, reason="sweep", input_count=3),
        PaymentKind.SWEEP,
    )

    signed = await custody.signing.sign_payment(request)

    raw = bytes((await custody.attempt(request)).raw)
    sent = await custody.bitcoin.broadcast(raw, TxId(signed.txid))
    async with custody.owner.connect() as connection:
        keys = await connection.scalars(
            text("SELECT key_id FROM signatures WHERE payment_id = 'sweep-1' ORDER BY input")
        )
    assert sent.outcome is BroadcastOutcome.ACCEPTED
    assert len(coins) == 3
    assert {key.rsplit("/", 1)[0] for key in keys} == {"deposits-1:m/84'/1'/0'/0"}


@pytest.mark.parametrize(
    ("number", "statement", "reason"),
    [
        (120, "UPDATE payment_attempts SET fee_units_max = 1 WHERE payment_id = :p", "another fee"),
        (121, "UPDATE payment_attempts SET change_units = 9 WHERE payment_id = :p", "another fee"),
        (122, "DELETE FROM utxo_reservations WHERE payment_id = :p", "no inputs"),
        (123, f"UPDATE utxos SET spent_txid = 'ff' WHERE {RESERVED}", "is spent by"),
        (124, f"UPDATE utxos SET address = 'elsewhere' WHERE {RESERVED}", "no key of ours"),
        (125, "UPDATE payment_outputs SET units = units + 1 WHERE payment_id = :p", "add up"),
    ],
)
async def test_what_was_not_decided_is_not_signed(
    custody: Custody, miner: Miner, number: int, statement: str, reason: str
):
    request, _ = await batch(custody, miner, range(number, number + 1))
    await custody.change(statement, p=request.payment_id)

    with pytest.raises(ApplicationError, match=reason):
        await custody.signing.sign_payment(request)

    assert (await custody.attempt(request)).raw is None


async def test_a_sweep_may_pay_only_the_hot_wallet(
    custody: Custody, miner: Miner, listener: Followed, worker: AsyncEngine
):
    [address] = await addresses_for(worker, "bitcoin", 1, first=910)
    await miner.pay(address, "0.2")
    await miner.mine()
    await listener.to_tip()
    coins = await custody.coins(None, 1)
    elsewhere = await miner.wallet.call("getnewaddress", "", "bech32")
    request = await custody.pay_bitcoin(
        "sweep-2",
        [Payee(elsewhere, coins[0].units - 2_000)],
        coins,
        AttemptPlan(fee_rate=RATE, fee_units_max=2_000, reason="sweep", input_count=1),
        PaymentKind.SWEEP,
    )

    with pytest.raises(ApplicationError, match="may not pay"):
        await custody.signing.sign_payment(request)
