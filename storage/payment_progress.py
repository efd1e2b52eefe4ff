"""How far payments got: offered to a node, seen, mined, posted to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import WithdrawalId
from domain.money import AssetCode
from domain.payment import AttemptStatus, PaymentKind, PaymentStatus
from domain.withdrawal import WithdrawalEvent, WithdrawalStatus
from ledger import custody
from ledger.account import AccountKind, available
from ledger.entry import JournalEntry
from storage import payments as rows
from storage import withdrawals
from storage.ledger import Ledger
from storage.tables_custody import withdrawals as withdrawal_table
from storage.tables_payments import payment_attempts, payments

_CLAIM_DEEP = text("""
    UPDATE payments SET nudged_at = now()
    FROM (
        SELECT p.id FROM payments p
        JOIN chain_cursors c ON c.chain = p.chain
        JOIN chain_policies r ON r.chain = p.chain
        WHERE p.chain = :chain AND p.posted_at IS NULL
            AND c.height - p.height + 1 >= r.withdrawal_confirmations
            AND (p.nudged_at IS NULL OR p.nudged_at < now() - make_interval(secs => :again_after))
        LIMIT :limit FOR UPDATE OF p SKIP LOCKED
    ) AS found
    WHERE payments.id = found.id
    RETURNING payments.id, payments.workflow_id
""")


@dataclass(frozen=True, slots=True)
class Mined:
    """Where a payment's transaction stands, and what it cost."""

    attempt: int
    txid: str
    height: int
    block_hash: str
    fee_units: int
    succeeded: bool = True
    """False: in a block, but the contract refused it; only the fee was paid."""


async def mark_sending(connection: AsyncConnection, payment_id: str, attempt: int) -> None:
    """Committed before the bytes leave: from now on they may be anywhere."""
    await connection.execute(
        update(payment_attempts)
        .where(_is_attempt(payment_id, attempt))
        .values(
            broadcasts=payment_attempts.c.broadcasts + 1,
            first_broadcast_at=func.coalesce(payment_attempts.c.first_broadcast_at, func.now()),
            last_broadcast_at=func.now(),
        )
    )
    await connection.execute(
        update(payments)
        .where(payments.c.id == payment_id, payments.c.status == PaymentStatus.RESERVED)
        .values(status=PaymentStatus.SIGNED)
    )
    txid = await connection.scalar(
        select(payment_attempts.c.txid).where(_is_attempt(payment_id, attempt))
    )
    for row in await rows.payees(connection, payment_id):
        if row.status == WithdrawalStatus.RESERVED:
            await withdrawals.move(
                connection,
                row,
                WithdrawalEvent.BROADCAST,
                {"txid": txid},
                txid=txid,
                broadcast_at=func.now(),
            )
        else:
            await withdrawals.note(connection, row.id, txid=txid)


async def mark_answered(
    connection: AsyncConnection, payment_id: str, attempt: int, *, answer: str, is_out: bool
) -> None:
    """What the node said. Only a yes tells anything: a no from one node proves nothing."""
    await connection.execute(
        update(payment_attempts)
        .where(_is_attempt(payment_id, attempt))
        .values(node_answer=answer[:500])
    )
    if is_out:
        await mark_seen(connection, payment_id, attempt)


async def mark_seen(connection: AsyncConnection, payment_id: str, attempt: int) -> None:
    """A node has the transaction."""
    await connection.execute(
        update(payment_attempts)
        .where(
            _is_attempt(payment_id, attempt),
            payment_attempts.c.status.in_((AttemptStatus.PLANNED, AttemptStatus.SIGNED)),
        )
        .values(status=AttemptStatus.SEEN, seen_at=func.now())
    )
    for row in await rows.payees(connection, payment_id):
        if row.status == WithdrawalStatus.BROADCAST:
            await withdrawals.move(connection, row, WithdrawalEvent.SEEN, {"txid": row.txid})


async def open_attempts(connection: AsyncConnection, chain: str) -> Sequence[Any]:
    """Signed attempts of payments that the ledger has not taken in, newest first in each."""
    found = await connection.execute(
        select(
            payment_attempts.c.payment_id,
            payment_attempts.c.attempt,
            payment_attempts.c.txid,
            payment_attempts.c.status,
            payment_attempts.c.fee_units_max,
            payments.c.block_hash,
        )
        .join(payments, payments.c.id == payment_attempts.c.payment_id)
        .where(
            payments.c.chain == chain,
            payments.c.posted_at.is_(None),
            payments.c.status != PaymentStatus.DEAD,
            payment_attempts.c.txid.is_not(None),
        )
        .order_by(payment_attempts.c.payment_id, payment_attempts.c.attempt.desc())
    )
    return found.all()


async def place(connection: AsyncConnection, payment_id: str, mined: Mined | None) -> None:
    """The payment stands in this block, or (None) in none: what was in one left the chain."""
    values: dict[str, object] = {"txid": None, "height": None, "block_hash": None}
    if mined is not None:
        values = {"txid": mined.txid, "height": mined.height, "block_hash": mined.block_hash}
    await connection.execute(
        update(payments)
        .where(payments.c.id == payment_id, payments.c.posted_at.is_(None))
        .values(nudged_at=None, **values)
    )
    if mined is not None:
        await mark_seen(connection, payment_id, mined.attempt)


async def claim_deep(
    connection: AsyncConnection, chain: str, *, limit: int = 200, again_after_seconds: float = 30.0
) -> list[tuple[str, str]]:
    """Payments deep enough to be posted: (payment id, id of the workflow to tell)."""
    parameters = {"chain": chain, "limit": limit, "again_after": again_after_seconds}
    return [(row.id, row.workflow_id) for row in await connection.execute(_CLAIM_DEEP, parameters)]


async def claim_news(connection: AsyncConnection) -> list[tuple[str, str]]:
    """House payments that nobody drives yet: (payment id, chain)."""
    found = await connection.execute(
        update(payments)
        .where(payments.c.has_news)
        .values(has_news=False)
        .returning(payments.c.id, payments.c.chain)
    )
    return [(row.id, row.chain) for row in found]


async def post_withdrawals(
    connection: AsyncConnection, ledger: Ledger, payment: Row[Any], mined: Mined, fee_asset: str
) -> None:
    """Take a final payment of withdrawals into the ledger: all its payees, its coins, its fee."""
    assert payment.kind == PaymentKind.WITHDRAWAL
    paid_rows = await rows.payees(connection, payment.id)
    units = sum(int(row.units) for row in paid_rows)
    assert units == payment.units, "a payment pays exactly its withdrawals"
    entries = [custody.capture(withdrawals.as_hold(row)) for row in paid_rows]
    entries.append(custody.withdrawals_paid(_paid_out(payment, mined, fee_asset)))
    share = mined.fee_units // len(paid_rows)
    for row in paid_rows:
        await withdrawals.move(
            connection,
            row,
            WithdrawalEvent.POSTED,
            {"txid": mined.txid, "height": mined.height},
            txid=mined.txid,
            network_fee_units=share,
            confirmed_at=func.now(),
            has_news=f"withdrawal/{row.id}" != payment.workflow_id,
        )
    await finish(connection, payment.id, mined)
    await ledger.post_in(connection, entries)


async def post_moved(
    connection: AsyncConnection,
    ledger: Ledger,
    payment: Row[Any],
    mined: Mined,
    fee_asset: str,
    wallets: tuple[AccountKind, AccountKind],
) -> None:
    """Take a final payment between wallets of ours into the ledger."""
    hot_fee_units = await _hot_fee_units(connection, payment, mined)
    entry = custody.moved(
        _paid_out(payment, mined, fee_asset), *wallets, hot_fee_units=hot_fee_units
    )
    await finish(connection, payment.id, mined)
    if entry is not None:
        await ledger.post_in(connection, [entry])


async def post_failed(
    connection: AsyncConnection, ledger: Ledger, payment: Row[Any], mined: Mined, fee_asset: str
) -> None:
    """The chain took the fee and the nonce, and paid nobody: final proof, for staff to act on."""
    nothing_moved = custody.PaidOut(
        payment.id, AssetCode(payment.asset), 0, AssetCode(fee_asset), mined.fee_units
    )
    payer = AccountKind.HOT_WALLET if payment.wallet_id else AccountKind.DEPOSIT_WALLET
    entry = custody.moved(nothing_moved, payer, payer)
    await finish(connection, payment.id, mined, status=PaymentStatus.DEAD)
    await connection.execute(
        update(withdrawal_table)
        .where(withdrawal_table.c.payment_id == payment.id)
        .values(reason="the chain refused the transaction", has_news=True)
    )
    if entry is not None:
        await ledger.post_in(connection, [entry])


async def finish(
    connection: AsyncConnection,
    payment_id: str,
    mined: Mined,
    *,
    status: PaymentStatus = PaymentStatus.CONFIRMED,
) -> None:
    """One attempt is final; all others of the payment can never be mined any more."""
    await connection.execute(
        update(payments)
        .where(payments.c.id == payment_id)
        .values(
            status=status,
            txid=mined.txid,
            height=mined.height,
            block_hash=mined.block_hash,
            fee_units=mined.fee_units,
            posted_at=func.now(),
        )
    )
    for is_mined, word in ((True, AttemptStatus.MINED), (False, AttemptStatus.REPLACED)):
        same = payment_attempts.c.attempt == mined.attempt
        await connection.execute(
            update(payment_attempts)
            .where(payment_attempts.c.payment_id == payment_id, same if is_mined else ~same)
            .values(status=word)
        )


async def pay_internally(
    connection: AsyncConnection, ledger: Ledger, row: Row[Any]
) -> JournalEntry:
    """A locked withdrawal to another customer of ours: a transfer in the ledger, no chain."""
    hold = withdrawals.as_hold(row)
    payee = available(row.payee_customer_id, hold.asset)
    entry = custody.capture(hold, payee)
    await withdrawals.move(
        connection,
        row,
        WithdrawalEvent.POSTED,
        {"internal": True},
        confirmed_at=func.now(),
        reason="",
    )
    await ledger.post_in(connection, [entry])
    return entry


async def _hot_fee_units(connection: AsyncConnection, payment: Row[Any], mined: Mined) -> int:
    """What the hot wallet paid of the fee.

    All of it where the payment is its own; of a sweep that pays with the deposits' coins, what a
    replacement took more than the first attempt: its coins joined for that.
    """
    if payment.wallet_id is not None:
        return mined.fee_units
    if payment.chain != "bitcoin":
        return 0
    first = (await rows.attempts(connection, payment.id))[0]
    return mined.fee_units - int(first.fee_units_max)


def _paid_out(payment: Row[Any], mined: Mined, fee_asset: str) -> custody.PaidOut:
    return custody.PaidOut(
        WithdrawalId(payment.id),
        AssetCode(payment.asset),
        int(payment.units),
        AssetCode(fee_asset),
        mined.fee_units,
    )


def _is_attempt(payment_id: str, attempt: int) -> Any:
    return (payment_attempts.c.payment_id == payment_id) & (payment_attempts.c.attempt == attempt)
