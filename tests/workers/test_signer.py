"""The signer against real KMS, Postgres, bitcoind and anvil: it signs what was decided, once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from chains.bitcoin.node import BitcoinNode
from chains.ethereum.node import EthereumNode, quantity
from chains.node import BroadcastOutcome
from compliance.lists.known import parse_list
from devstack.rented import Database, RentedStack
from domain.ids import TxId
from domain.payment import SignPayment
from storage.engine import create_engine
from storage.screening import ScreeningStore
from storage.tables_payments import nonces, payment_attempts, payment_outputs, payments, signatures
from tests.workers.custody_house import ETHER, GWEI, Custody, open_custody

pytestmark = pytest.mark.stack

PAYEE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture(scope="module")
async def custody(
    stack: RentedStack,
    database: Database,
    aws: None,
    bitcoin: BitcoinNode,
    ethereum: EthereumNode,
    owner: AsyncEngine,
) -> AsyncIterator[Custody]:
    async with open_custody(stack, database, owner, bitcoin, ethereum) as found:
        yield found


async def a_payment(custody: Custody, number: int, **changes: object) -> SignPayment:
    """A payment of that withdrawal with its nonce and its first attempt."""
    asked = {"asset": "ETH", "chain": "ethereum", "units": ETHER, "address": PAYEE, **changes}
    withdrawal_id = await custody.withdrawal(number, **asked)
    payment_id = f"p-{number}"
    async with custody.owner.begin() as connection:
        nonce = await connection.scalar(
            text(
                "UPDATE wallets SET next_nonce = next_nonce + 1 WHERE id = 'hot-ethereum'"
                " RETURNING next_nonce - 1"
            )
        )
        await connection.execute(
            insert(payments).values(
                id=payment_id,
                chain="ethereum",
                kind="withdrawal",
                from_address=custody.hot_ethereum,
                wallet_id="hot-ethereum",
                nonce=nonce,
                asset=changes.get("asset", "ETH"),
                units=changes.get("units", ETHER),
                workflow_id=f"withdrawal/{withdrawal_id}",
            )
        )
        await connection.execute(
            insert(payment_outputs).values(
                payment_id=payment_id,
                position=0,
                withdrawal_id=withdrawal_id,
                address=changes.get("address", PAYEE),
                units=changes.get("units", ETHER),
            )
        )
        await connection.execute(
            insert(nonces).values(
                chain="ethereum", address=custody.hot_ethereum, nonce=nonce, payment_id=payment_id
            )
        )
    await plan(custody, payment_id, 1)
    return SignPayment(payment_id, 1)


async def plan(
    custody: Custody, payment_id: str, attempt: int, *, fee: int = 100 * GWEI, gas: int = 80_000
) -> None:
    async with custody.owner.begin() as connection:
        await connection.execute(
            insert(payment_attempts).values(
                payment_id=payment_id,
                attempt=attempt,
                fee_rate=fee,
                tip_rate=fee // 100,
                gas_limit=gas,
                fee_units_max=gas * fee,
            )
        )


async def refusal(custody: Custody, request: SignPayment) -> str:
    with pytest.raises(ApplicationError) as refused:
        await custody.signing.sign_payment(request)
    assert refused.value.non_retryable
    assert refused.value.type == "signing_refused"
    return str(refused.value.message)


async def test_what_is_signed_pays_exactly_the_withdrawal(custody: Custody):
    request = await a_payment(custody, 1)
    before = await custody.ethereum.balance(PAYEE)

    signed = await custody.signing.sign_payment(request)

    row = await custody.attempt(request)
    sent = await custody.ethereum.broadcast(bytes(row.raw), TxId(signed.txid))
    assert (row.txid, row.status) == (signed.txid, "signed")
    assert sent.outcome is BroadcastOutcome.ACCEPTED
    await custody.ethereum.call("evm_mine")
    assert await custody.ethereum.balance(PAYEE) == before + ETHER
    again = await custody.ethereum.broadcast(bytes(row.raw), TxId(signed.txid))
    assert again.outcome is BroadcastOutcome.KNOWN


async def test_a_token_withdrawal_pays_the_token(custody: Custody):
    request = await a_payment(custody, 2, asset="USDT", units=250_000_000)

    signed = await custody.signing.sign_payment(request)

    row = await custody.attempt(request)
    await custody.ethereum.broadcast(bytes(row.raw), TxId(signed.txid))
    await custody.ethereum.call("evm_mine")  # The node mines by itself too, a moment later.
    receipt = await custody.ethereum.receipt(TxId(signed.txid))
    assert quantity(receipt["status"]) == 1
    assert len(receipt["logs"]) == 1
    assert int(receipt["logs"][0]["data"], 16) == 250_000_000


async def test_signing_twice_at_once_gives_the_first_bytes(custody: Custody):
    request = await a_payment(custody, 3)

    answers = await asyncio.gather(*(custody.signing.sign_payment(request) for _ in range(5)))

    async with custody.owner.connect() as connection:
        made = await connection.scalar(
            text("SELECT count(*) FROM signatures WHERE payment_id = 'p-3'")
        )
    assert len({answer.txid for answer in answers}) == 1
    assert made == 1


async def test_a_replacement_keeps_nonce_and_payee_and_pays_more(custody: Custody):
    request = await a_payment(custody, 4)
    first = await custody.signing.sign_payment(request)
    await plan(custody, request.payment_id, 2, fee=113 * GWEI)

    second = await custody.signing.sign_payment(SignPayment(request.payment_id, 2))

    row = await custody.attempt(SignPayment(request.payment_id, 2))
    await custody.ethereum.broadcast(bytes(row.raw), TxId(second.txid))
    await custody.ethereum.call("evm_mine")
    mined = await custody.ethereum.transaction(TxId(second.txid))
    assert second.txid != first.txid
    assert mined["to"] == PAYEE.lower()
    old = await custody.attempt(request)
    late = await custody.ethereum.broadcast(bytes(old.raw), TxId(first.txid))
    assert late.outcome is BroadcastOutcome.REFUSED  # The nonce is spent: it cannot pay twice.


async def test_a_weak_replacement_is_refused(custody: Custody):
    request = await a_payment(custody, 5)
    await custody.signing.sign_payment(request)
    await plan(custody, request.payment_id, 2, fee=112 * GWEI)

    assert "12.5 %" in await refusal(custody, SignPayment(request.payment_id, 2))


@pytest.mark.parametrize(
    ("number", "statement", "reason"),
    [
        (20, "UPDATE payment_outputs SET address = :other WHERE payment_id = :p", "another payee"),
        (21, "UPDATE withdrawals SET address = :other WHERE payment_id = :p", "another payee"),
        (22, "UPDATE payment_outputs SET units = units + 1 WHERE payment_id = :p", "add up"),
        (23, "UPDATE withdrawals SET units = units - 1 WHERE payment_id = :p", "amount"),
        (24, "UPDATE withdrawals SET status = 'held' WHERE payment_id = :p", "is held"),
        (25, "UPDATE withdrawals SET status = 'cancelled' WHERE payment_id = :p", "is cancelled"),
        (26, "UPDATE withdrawals SET approved_at = NULL WHERE payment_id = :p", "not approved"),
        (27, "UPDATE withdrawals SET approvals_needed = 1 WHERE payment_id = :p", "1 officers"),
        (28, "UPDATE withdrawals SET payment_id = 'p-1' WHERE payment_id = :p", "another payment"),
        (29, "UPDATE withdrawals SET kind = 'internal' WHERE payment_id = :p", "is reserved"),
        (
            30,
            "UPDATE withdrawals SET screening = '{\"is_clear\": false}' WHERE payment_id = :p",
            "not approved",
        ),
        (
            31,
            "INSERT INTO withdrawal_settings (customer_id, allow_list_only) VALUES (7031, TRUE)",
            "allow-list",
        ),
        (32, "UPDATE customers SET kyc_tier = 0 WHERE id = 7032", "limits of tier 0"),
        (33, "UPDATE limited_flows SET given_back_at = now() WHERE customer_id = 7033", "limits"),
        (34, "UPDATE limited_flows SET value_units = 10^12 WHERE customer_id = 7034", "limits"),
        (35, "UPDATE nonces SET nonce = nonce + 900 WHERE payment_id = :p", "nonce"),
        (36, "UPDATE payments SET status = 'dead' WHERE id = :p", "is dead"),
        (37, "UPDATE payments SET kind = 'sweep' WHERE id = :p", "may not pay"),
        (38, "UPDATE payments SET kind = 'cold' WHERE id = :p", "may not pay"),
        (39, "UPDATE payments SET from_address = :other WHERE id = :p", "nonce"),
        (40, "UPDATE payment_attempts SET fee_rate = 10^13 WHERE payment_id = :p", "policy"),
        (41, "UPDATE payment_attempts SET fee_units_max = 1 WHERE payment_id = :p", "planned fee"),
        (42, "UPDATE payment_attempts SET tip_rate = 10^12 WHERE payment_id = :p", "tip"),
        (43, "UPDATE payment_outputs SET withdrawal_id = NULL WHERE payment_id = :p", "without"),
    ],
)
async def test_what_was_not_decided_is_not_signed(
    custody: Custody, number: int, statement: str, reason: str
):
    request = await a_payment(custody, number)
    other = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
    values = {"p": request.payment_id, "other": other}
    await custody.change(statement, **{k: v for k, v in values.items() if f":{k}" in statement})

    assert reason in await refusal(custody, request)

    row = await custody.attempt(request)
    assert row.raw is None


async def test_above_the_limit_two_different_officers_must_have_approved(custody: Custody):
    request = await a_payment(
        custody, 50, units=200 * ETHER, approvals=[{"officer": "alice"}, {"officer": "alice"}]
    )

    assert "needs 2 officers, 1 approved" in await refusal(custody, request)


async def test_our_own_address_is_never_a_payee(custody: Custody):
    request = await a_payment(custody, 51, address=custody.hot_ethereum)

    assert "is our own" in await refusal(custody, request)


async def test_an_address_that_came_onto_a_list_since_the_approval_is_not_paid(custody: Custody):
    payee = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"
    request = await a_payment(custody, 54, address=payee)
    content = f"address,category\n{payee.upper().replace('X', 'x', 1)},sanctioned\n".encode()
    await ScreeningStore(custody.owner).replace_list(parse_list("addresses-late", [content]))

    assert "pays a listed address" in await refusal(custody, request)


async def test_a_stop_is_waited_for(custody: Custody):
    request = await a_payment(custody, 52)
    await custody.change("UPDATE switches SET is_on = FALSE WHERE name = 'withdrawals'")

    with pytest.raises(Exception, match="are stopped") as paused:
        await custody.signing.sign_payment(request)
    await custody.change("UPDATE switches SET is_on = TRUE WHERE name = 'withdrawals'")
    signed = await custody.signing.sign_payment(request)

    assert not isinstance(paused.value, ApplicationError)  # So Temporal asks again.
    assert signed.txid


async def test_the_hourly_breaker_holds_what_no_officer_saw(custody: Custody):
    request = await a_payment(custody, 53)
    await custody.change(
        "UPDATE custody_assets SET hourly_units_max = four_eyes_units WHERE asset = 'ETH'"
    )
    await custody.change("UPDATE custody_assets SET hourly_units_max = 1 WHERE asset = 'ETH'")

    with pytest.raises(Exception, match="hourly limit"):
        await custody.signing.sign_payment(request)
    await custody.change(
        """UPDATE withdrawals SET approvals = '[{"officer": "alice"}]' WHERE id = 'w-53'""",
    )
    signed = await custody.signing.sign_payment(request)
    await custody.change("UPDATE custody_assets SET hourly_units_max = 10^30 WHERE asset = 'ETH'")

    assert signed.txid


async def test_the_signers_role_can_write_nothing_else(custody: Custody, database: Database):
    engine = create_engine(database.signer)
    for statement in (
        "UPDATE withdrawals SET address = 'x'",
        "UPDATE payment_outputs SET units = 1",
        "UPDATE payment_attempts SET fee_rate = 1",
        "INSERT INTO payments (id) VALUES ('x')",
        "DELETE FROM signatures",
        "UPDATE sealed_seeds SET ciphertext = ''",
        "UPDATE wallets SET address = 'x'",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
    await engine.dispose()


async def test_other_roles_cannot_read_the_sealed_seed(database: Database):
    for url in (database.api, database.worker):
        engine = create_engine(url)
        with pytest.raises(DBAPIError, match="permission denied"):
            async with engine.connect() as connection:
                await connection.execute(text("SELECT ciphertext FROM sealed_seeds"))
        await engine.dispose()


async def test_signatures_equal_signed_inputs(custody: Custody):
    async with custody.owner.connect() as connection:
        signed = await connection.scalar(
            text("SELECT count(*) FROM payment_attempts WHERE raw IS NOT NULL")
        )
        made = (await connection.execute(select(signatures.c.key_id))).scalars().all()

    assert len(made) == signed
    assert set(made) == {"alias/rialto-hot-ethereum"}
