"""A ledger with a past: up to millions of entries, every one of them on its accounts' hash chains.

The server makes them itself, ten thousand payments between ten thousand pairs of customers in a
statement. Their hashes are real and their balances right: the guards let them in, and the final
check walks them like all others.
"""

from __future__ import annotations

import os

from bench.scratch import Scratch
from domain.ids import CustomerId

PAIRS = 10_000
_FIRST_CUSTOMER = 10**9
_FIRST_NUMBER = 10**12

# The texts that are hashed: ledger/chain.py.
_PAY = """
WITH pairs AS MATERIALIZED (
    SELECT $1::bigint + row_number() OVER () AS number, clock_timestamp() AS at,
           d.id AS debit, d.sequence + 1 AS debit_sequence, d.balance - 1 AS debit_balance,
           d.head AS debit_head,
           c.id AS credit, c.sequence + 1 AS credit_sequence, c.balance + 1 AS credit_balance,
           c.head AS credit_head
    FROM accounts d JOIN accounts c ON c.customer_id = d.customer_id + $2
    WHERE d.customer_id BETWEEN $3 AND $4 AND d.kind = 'customer_available' AND d.asset = 'USDT'
      AND c.kind = 'customer_available' AND c.asset = 'USDT'
), named AS MATERIALIZED (
    SELECT *, 'past:' || number AS id, sha256(('past:' || number)::bytea) AS body, (
        SELECT max(at) FROM pairs) AS posted_at
    FROM pairs
), digested AS MATERIALIZED (
    SELECT *, sha256(format('[%s,"%s","adjustment","past","%s",null,"%s"]', number, id,
        encode(body, 'hex'), to_char(posted_at AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'))::bytea) AS digest
    FROM named
), entries AS (
    INSERT INTO journal_entries (number, id, reason, cause, body_hash, posted_at)
    SELECT number, id, 'adjustment', 'past', body, posted_at FROM digested
)
INSERT INTO transfers (entry_number, ordinal, asset, units, debit_account, debit_sequence,
    debit_balance, debit_hash, credit_account, credit_sequence, credit_balance, credit_hash,
    posted_at)
SELECT number, 0, 'USDT', 1, debit, debit_sequence, debit_balance,
    sha256(debit_head || digest || format('0|%s|%s|-1|%s|%s|', debit, debit_sequence,
        debit_balance, credit)::bytea),
    credit, credit_sequence, credit_balance,
    sha256(credit_head || digest || format('0|%s|%s|1|%s|%s|', credit, credit_sequence,
        credit_balance, debit)::bytea),
    posted_at
FROM digested
"""


def wanted_entries() -> int:
    """How many entries the ledger shall have before anything is measured."""
    return int(os.environ.get("RIALTO_BENCH_ENTRIES", "0"))


async def fill(scratch: Scratch, entries: int) -> None:
    """Have that many entries in the ledger, at least; rounded up to whole rounds."""
    if not entries:
        return
    first = [CustomerId(_FIRST_CUSTOMER + n) for n in range(PAIRS)]
    second = [CustomerId(customer + PAIRS) for customer in first]
    await scratch.fund([*first, *second], "USDT")
    await scratch.settle_down()  # Without statistics the pairs would be joined the slow way.
    for number in range(0, entries, PAIRS):
        there = number // PAIRS % 2 == 0
        payers, distance = (first, PAIRS) if there else (second, -PAIRS)
        await scratch.ledger.pool.execute(
            _PAY, _FIRST_NUMBER + number, distance, payers[0], payers[-1]
        )
