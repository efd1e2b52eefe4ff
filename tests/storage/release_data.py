"""Data as a release leaves it: a few customers' whole story, written by the release's own code.

`python -m tests.storage.release_data > tests/storage/releases/{revision}.sql`, run once when the
release is made, on the code of that release. The file is never changed afterwards.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID

from devstack.postgres import Installation, admin_url
from devstack.rented import RentedStack
from domain.ids import EntryId, HoldId, WithdrawalId
from domain.market import Side
from engine import events
from ledger.entry import EntryReason, JournalEntry, PlaceHold, withdrawal_hold
from storage.migrate import migrate
from storage.reversals import reverse
from storage.seals import seal
from tests.storage.world import BTC, World, limit, opened, pay

CUSTOMERS = """
INSERT INTO customers (email, status, kyc_tier) VALUES
    ('alice@example.org', 'active', 2), ('bob@example.org', 'frozen', 0);
INSERT INTO kyc_cases (customer_id, state, tier, requested_tier, changed_at)
    SELECT id, CASE kyc_tier WHEN 2 THEN 'approved' ELSE 'submitted' END, kyc_tier, 2, now()
    FROM customers;
INSERT INTO customer_actions (customer_id, action, actor)
    SELECT id, 'registered', 'customer:' || id FROM customers;
INSERT INTO audit_log (actor, action, subject) VALUES ('staff:olga', 'froze', 'customer:2');
INSERT INTO fee_rates (customer_id, maker_fee_ppm, taker_fee_ppm) VALUES (1001, 0, 500);
"""

DEPOSIT = """
INSERT INTO deposits (id, chain, txid, index, asset, units, address, customer_id, status, height,
    block_hash, credit_confirmations, withdrawable_confirmations, credited_units, credited_at)
SELECT 'bitcoin:' || repeat('ab', 32) || ':0', 'bitcoin', repeat('ab', 32), 0, 'BTC', 100000000,
    'bcrt1qexample', id, 'withdrawable', 101, repeat('00', 32), 1, 3, 100000000, now()
FROM customers WHERE email = 'alice@example.org'
"""

WITHDRAWAL = """
INSERT INTO withdrawals (id, customer_id, idempotency_key, fingerprint, asset, chain, units,
    fee_units, address, status)
VALUES ($1, $2, 'first', repeat('0', 64), 'BTC', 'bitcoin', 700000, 10000, 'bcrt1qexample',
    'review')
"""


async def fill(world: World) -> None:
    """Deposits, a refusal, a reversal, open and resolved holds, orders, a trade, a seal."""
    async with world.as_owner() as owner:
        await owner.execute(CUSTOMERS)
        await owner.execute(DEPOSIT)
    alice, bob = await world.customer(BTC=10**8, USDT=10**9), await world.customer(USDT=10**9)
    await world.ledger.post(pay(alice, bob, 500, name="a mistake"))
    await reverse(world.ledger, EntryId("a mistake"), "staff:olga undid it")
    refused = pay(bob, alice, 10**12, name="too much")
    assert isinstance(
        (await asyncio.gather(world.ledger.post(refused), return_exceptions=True))[0], Exception
    )
    maker = await world.resting(alice, Side.SELL, 1000, 50)
    taker = await world.resting(bob, Side.BUY, 1000, 100)
    await world.place(limit(bob, Side.BUY, 900, 10, client_order_id="mine"))
    await world.settle(
        (events.RESTED, maker, alice, 0, 1000, 50), await world.filled(maker, taker, 1000, 50)
    )
    assert await seal(world.engine)
    await _withdraw(world, alice)
    lent = PlaceHold(HoldId("hold:lent"), bob, BTC, 1000, datetime(2030, 1, 1, tzinfo=UTC))
    await world.ledger.post(JournalEntry(EntryId("lent"), EntryReason.HOLD, "test", (), (lent,)))


async def _withdraw(world: World, customer: int) -> None:
    withdrawal = WithdrawalId(str(UUID(int=7)))
    hold = PlaceHold(withdrawal_hold(withdrawal), customer, BTC, 710_000)
    await world.ledger.post(
        JournalEntry(EntryId(f"{withdrawal}:held"), EntryReason.HOLD, "withdrawal", (), (hold,))
    )
    async with world.as_owner() as owner:
        await owner.execute(WITHDRAWAL, withdrawal, customer)


def dump(stack: RentedStack, name: str) -> str:
    program = Installation.of(stack.site).binaries / "bin/pg_dump"
    options = ("--data-only", "--column-inserts", "--exclude-table=alembic_version")
    done = subprocess.run(
        (program, *options, admin_url(stack.site, name)), check=True, capture_output=True, text=True
    )
    lines = (line for line in done.stdout.splitlines() if not line.startswith(("--", "\\", "SET")))
    return "\n".join(line for line in lines if line) + "\n"


async def main() -> None:
    stack = RentedStack()
    try:
        database = stack.new_database(migrate)
        async with opened(database) as world:
            await fill(world)
            await world.assert_conserved()
        sys.stdout.write(dump(stack, database.name))
    finally:
        stack.close()


if __name__ == "__main__":
    asyncio.run(main())
