"""What the examples of deposits, withdrawals, fills and the explorer are about, made beforehand."""

from __future__ import annotations

import asyncio
from typing import Any

from api.examples import PARAMETERS
from projections.chain import Block, Deposit, Output, OutputStatus, Withdrawal
from storage import dynamo_chain
from storage.dynamo import Dynamo
from streams import aws
from tests.api.conftest import Exchange, Person
from tests.api.shipper import MARKET

NEEDED_BY = {
    "list_deposits", "read_deposit", "list_withdrawals", "read_withdrawal", "list_fills",
    "explore_block", "explore_blocks", "explore_transaction", "explore_address",
    "explore_deposit", "explore_withdrawal",
}  # fmt: skip
AT_MS = 1_795_353_600_000
BLOCK_HASH, TXID, ADDRESS = (PARAMETERS[name] for name in ("block_hash", "txid", "address"))
HEIGHT, UNITS, FEE_UNITS = 812, 1_000_000, 10_000

_DEPOSIT = """
    INSERT INTO deposits (id, chain, txid, index, asset, units, address, customer_id, height,
        block_hash, status, credit_confirmations, withdrawable_confirmations)
    VALUES ($1, 'bitcoin', $2, $3, 'BTC', $4, $5, $6, $7, $8, 'detected', 1, 2)
"""
_TRADE = """
    INSERT INTO trades (market, id, sequence, price_ticks, lots, taker_side, maker_order_id,
        taker_order_id, maker_id, taker_id, maker_fee_units, taker_fee_units, traded_at)
    VALUES ($1, $2, $2, 5000000, 100, 'buy', 1, 2, 1, $2, 10, 20, now())
"""


async def make_things(exchange: Exchange, person: Person) -> dict[str, Any]:
    """A deposit, a withdrawal and a fill of the person's; returns their ids."""
    deposit_id = f"bitcoin:{TXID}:{person.id}"
    async with exchange.ledger.pool.acquire() as connection:
        await connection.execute(
            _DEPOSIT, deposit_id, TXID, person.id, UNITS, ADDRESS, person.id, HEIGHT, BLOCK_HASH
        )
        await connection.execute(_TRADE, MARKET, person.id)
    wanted = {"asset": "BTC", "amount": "0.01", "address": ADDRESS}
    keyed = {"Idempotency-Key": "an-example"}
    asked = await person.http.post("/v1/withdrawals", json=wanted, headers=keyed)
    assert asked.status_code == 202, asked.text
    withdrawal_id = asked.json()["id"]
    dynamo = Dynamo(aws.client("dynamodb"), exchange.services.settings.table_prefix)
    await asyncio.to_thread(_project, dynamo, person, deposit_id, withdrawal_id)
    return {"deposit_id": deposit_id, "withdrawal_id": withdrawal_id}


def _project(dynamo: Dynamo, person: Person, deposit_id: str, withdrawal_id: str) -> None:
    """A block with the transaction that pays the person, and pays a withdrawal of theirs."""
    block = Block("bitcoin", BLOCK_HASH, HEIGHT, is_canonical=True, version=1, at_ms=AT_MS,
                  parent_hash=BLOCK_HASH[::-1])  # fmt: skip
    output = Output("bitcoin", TXID, 0, OutputStatus.MINED, 1, AT_MS, HEIGHT, BLOCK_HASH, "BTC",
                    UNITS, ADDRESS)  # fmt: skip
    deposit = Deposit(deposit_id, person.id, "bitcoin", TXID, person.id, "BTC", UNITS, ADDRESS,
                      "credited", AT_MS, AT_MS, 1, HEIGHT, BLOCK_HASH)  # fmt: skip
    withdrawal = Withdrawal(withdrawal_id, person.id, "bitcoin", "BTC", UNITS, FEE_UNITS, ADDRESS,
                            "done", AT_MS, AT_MS, 1, TXID)  # fmt: skip
    dynamo_chain.merge_blocks(dynamo, [block])
    dynamo_chain.merge_outputs(dynamo, [output])
    dynamo_chain.put_deposits(dynamo, [deposit])
    dynamo_chain.put_withdrawals(dynamo, [withdrawal])
