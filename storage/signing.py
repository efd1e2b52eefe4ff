"""What the signer reads before it signs, and the one thing it writes.

All is read in the database transaction that holds the attempt's row, from the rows that customers
and officers made; the request names a payment and an attempt, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.payment import AttemptStatus, PaymentKind, PaymentStatus
from domain.withdrawal import WithdrawalKind, WithdrawalStatus
from storage.signing_plan import (
    ApprovedWithdrawal,
    Attempt,
    Fees,
    KeyLocation,
    Limits,
    MadeSignature,
    Plan,
    PlannedInput,
    PlannedOutput,
    PlannedSource,
    Sealed,
    UnknownPayment,
)
from storage.tables_custody import (
    custody_assets,
    deposit_addresses,
    sealed_seeds,
    switches,
    wallets,
    xpubs,
)
from storage.tables_ledger import assets
from storage.tables_payments import (
    nonces,
    payment_attempts,
    payment_sources,
    payments,
    signatures,
    utxo_reservations,
    utxos,
)


async def lock_attempt(connection: AsyncConnection, payment_id: str, attempt: int) -> str | None:
    """Hold the attempt until the database transaction ends; its txid if it is signed already."""
    row = (
        await connection.execute(
            select(payment_attempts.c.txid)
            .where(
                payment_attempts.c.payment_id == payment_id,
                payment_attempts.c.attempt == attempt,
            )
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        raise UnknownPayment(f"there is no attempt {attempt} of payment {payment_id}")
    txid: str | None = row.txid
    return txid


async def read_plan(connection: AsyncConnection, payment_id: str, attempt: int) -> Plan:
    """The payment with everything that allows or forbids it."""
    payment = (
        await connection.execute(
            select(payments, assets.c.contract)
            .join(assets, assets.c.code == payments.c.asset)
            .where(payments.c.id == payment_id)
        )
    ).one()
    attempts = await _attempts(connection, payment_id)
    return Plan(
        payment_id=payment_id,
        chain=payment.chain,
        kind=PaymentKind(payment.kind),
        status=PaymentStatus(payment.status),
        asset=payment.asset,
        contract=payment.contract,
        units=int(payment.units),
        from_address=payment.from_address,
        from_key=await key_of(connection, payment.chain, payment.from_address),
        nonce=payment.nonce,
        nonce_owner=await _nonce_owner(connection, payment),
        outputs=await _outputs(connection, payment),
        inputs=await _inputs(connection, payment),
        attempt=attempts[attempt],
        earlier=[each for number, each in attempts.items() if number < attempt],
        limits=await _limits(connection, payment),
        sources=await _sources(connection, payment),
    )


async def write_signed(
    connection: AsyncConnection,
    payment_id: str,
    attempt: int,
    *,
    raw: bytes,
    txid: str,
    made: Sequence[MadeSignature],
) -> None:
    """Keep the bytes, once. The attempt's row must be held and unsigned."""
    written = await connection.execute(
        update(payment_attempts)
        .where(
            payment_attempts.c.payment_id == payment_id,
            payment_attempts.c.attempt == attempt,
            payment_attempts.c.raw.is_(None),
        )
        .values(raw=raw, txid=txid, status=AttemptStatus.SIGNED, signed_at=text("now()"))
    )
    assert written.rowcount == 1, "signed twice"
    await connection.execute(
        insert(signatures),
        [
            {
                "payment_id": payment_id,
                "attempt": attempt,
                "input": number,
                "digest": each.digest,
                "key_id": each.key_id,
            }
            for number, each in enumerate(made)
        ],
    )


async def read_seed(connection: AsyncConnection, seed_id: str) -> Sealed:
    row = (
        await connection.execute(
            select(sealed_seeds.c.id, sealed_seeds.c.key_id, sealed_seeds.c.ciphertext).where(
                sealed_seeds.c.id == seed_id
            )
        )
    ).one()
    return Sealed(*row)


async def _attempts(connection: AsyncConnection, payment_id: str) -> dict[int, Attempt]:
    rows = await connection.execute(
        select(payment_attempts)
        .where(payment_attempts.c.payment_id == payment_id)
        .order_by(payment_attempts.c.attempt)
    )
    return {
        row.attempt: Attempt(
            number=row.attempt,
            fees=Fees(
                int(row.fee_rate),
                _whole(row.tip_rate),
                row.gas_limit,
                int(row.fee_units_max),
            ),
            input_count=row.input_count,
            change_units=_whole(row.change_units),
            txid=row.txid,
        )
        for row in rows
    }


_OUTPUTS = text("""
    SELECT o.address, o.units, w.id AS withdrawal_id, w.kind, w.chain, w.asset, w.units AS w_units,
        w.address AS w_address, w.status, w.payment_id, w.approved_at, w.approvals_needed,
        w.approvals, w.screening,
        (
            coalesce(s.allow_list_only, FALSE)
            AND (s.allow_list_off_at IS NULL OR s.allow_list_off_at > now())
        ) AS allow_list_only,
        EXISTS (
            SELECT FROM address_book b
            WHERE b.customer_id = w.customer_id AND b.chain = w.chain AND b.address = w.address
                AND b.memo = w.memo AND b.removed_at IS NULL AND b.usable_at <= now()
        ) AS is_on_allow_list,
        EXISTS (
            SELECT FROM listed_addresses t
            WHERE t.category = 'sanctioned' AND lower(t.address) = lower(w.address)
        ) AS is_listed,
        coalesce(c.kyc_tier, 0) AS tier,
        EXISTS (
            SELECT FROM limited_flows f
            WHERE f.flow = 'withdraw' AND f.reference = 'withdrawal/' || w.id
                AND f.given_back_at IS NULL
        ) AS counts_for_limits,
        (
            SELECT coalesce(sum(f.value_units), 0) FROM limited_flows f
            WHERE f.customer_id = w.customer_id AND f.flow = 'withdraw'
                AND f.given_back_at IS NULL AND f.at > now() - interval '24 hours'
        ) AS day_value_units,
        (
            SELECT coalesce(sum(f.value_units), 0) FROM limited_flows f
            WHERE f.customer_id = w.customer_id AND f.flow = 'withdraw'
                AND f.given_back_at IS NULL AND f.at > now() - interval '30 days'
        ) AS month_value_units,
        coalesce(
            (SELECT h.kind FROM wallets h WHERE h.chain = :chain AND h.address = o.address),
            (
                SELECT 'deposit' FROM deposit_addresses d
                WHERE d.chain = :chain AND d.address = o.address
            )
        ) AS house_kind
    FROM payment_outputs o
    LEFT JOIN withdrawals w ON w.id = o.withdrawal_id
    LEFT JOIN withdrawal_settings s ON s.customer_id = w.customer_id
    LEFT JOIN customers c ON c.id = w.customer_id
    WHERE o.payment_id = :payment_id
    ORDER BY o.position
""")


async def _outputs(connection: AsyncConnection, payment: Row[Any]) -> list[PlannedOutput]:
    rows = await connection.execute(_OUTPUTS, {"payment_id": payment.id, "chain": payment.chain})
    return [
        PlannedOutput(
            row.address,
            int(row.units),
            None if row.withdrawal_id is None else _withdrawal(row),
            row.house_kind,
        )
        for row in rows
    ]


def _withdrawal(row: Row[Any]) -> ApprovedWithdrawal:
    return ApprovedWithdrawal(
        id=row.withdrawal_id,
        kind=WithdrawalKind(row.kind),
        chain=row.chain,
        asset=row.asset,
        units=int(row.w_units),
        address=row.w_address,
        status=WithdrawalStatus(row.status),
        payment_id=row.payment_id,
        approved_at=row.approved_at,
        approvals_needed=row.approvals_needed,
        officers=frozenset(each["officer"] for each in row.approvals),
        is_screened_clear=(row.screening or {}).get("is_clear", True) is True,
        is_on_allow_list=row.is_on_allow_list,
        allow_list_only=row.allow_list_only,
        is_listed=row.is_listed,
        tier=row.tier,
        counts_for_limits=row.counts_for_limits,
        day_value_units=int(row.day_value_units),
        month_value_units=int(row.month_value_units),
    )


async def _inputs(connection: AsyncConnection, payment: Row[Any]) -> list[PlannedInput]:
    rows = await connection.execute(
        select(utxos)
        .join(
            utxo_reservations,
            (utxo_reservations.c.txid == utxos.c.txid) & (utxo_reservations.c.vout == utxos.c.vout),
        )
        .where(utxo_reservations.c.payment_id == payment.id)
        .order_by(utxo_reservations.c.position)
    )
    return [
        PlannedInput(
            row.txid,
            row.vout,
            int(row.units),
            row.address,
            row.spent_txid,
            await key_of(connection, payment.chain, row.address),
        )
        for row in rows.all()
    ]


async def _sources(connection: AsyncConnection, payment: Row[Any]) -> list[PlannedSource]:
    rows = await connection.execute(
        select(payment_sources)
        .where(payment_sources.c.payment_id == payment.id)
        .order_by(payment_sources.c.position)
    )
    return [
        PlannedSource(
            row.address,
            int(row.units),
            row.authorization_nonce,
            await key_of(connection, payment.chain, row.address),
        )
        for row in rows.all()
    ]


async def key_of(connection: AsyncConnection, chain: str, address: str) -> KeyLocation | None:
    wallet = (
        await connection.execute(
            select(wallets.c.key_id, wallets.c.public_key).where(
                wallets.c.chain == chain, wallets.c.address == address
            )
        )
    ).one_or_none()
    if wallet is not None:
        return KeyLocation(key_id=wallet.key_id, public_key=wallet.public_key)
    deposit = (
        await connection.execute(
            select(xpubs.c.seed_id, xpubs.c.path, deposit_addresses.c.index)
            .join(xpubs, xpubs.c.id == deposit_addresses.c.xpub_id)
            .where(deposit_addresses.c.chain == chain, deposit_addresses.c.address == address)
        )
    ).one_or_none()
    if deposit is None:
        return None
    return KeyLocation(seed_id=deposit.seed_id, path=f"{deposit.path}/0/{deposit.index}")


async def _nonce_owner(connection: AsyncConnection, payment: Row[Any]) -> str | None:
    if payment.nonce is None:
        return None
    owner: str | None = await connection.scalar(
        select(nonces.c.payment_id).where(
            nonces.c.chain == payment.chain,
            nonces.c.address == payment.from_address,
            nonces.c.nonce == payment.nonce,
        )
    )
    return owner


_HOURLY = text("""
    SELECT coalesce(sum(o.units), 0) FROM payment_outputs o
    JOIN payments p ON p.id = o.payment_id
    WHERE p.asset = :asset AND o.withdrawal_id IS NOT NULL AND p.id <> :payment_id AND EXISTS (
        SELECT FROM payment_attempts a
        WHERE a.payment_id = p.id AND a.signed_at > now() - interval '1 hour'
    )
""")


async def _limits(connection: AsyncConnection, payment: Row[Any]) -> Limits:
    policy = (
        await connection.execute(
            select(custody_assets).where(custody_assets.c.asset == payment.asset)
        )
    ).one()
    cap = await connection.scalar(
        text("SELECT fee_rate_cap FROM chain_policies WHERE chain = :chain"),
        {"chain": payment.chain},
    )
    switch = await connection.scalar(
        select(switches.c.is_on).where(switches.c.name == "withdrawals")
    )
    hourly = await connection.scalar(_HOURLY, {"asset": payment.asset, "payment_id": payment.id})
    return Limits(
        fee_rate_cap=_whole(cap) or 0,
        is_enabled=bool(policy.withdraw_enabled and switch),
        four_eyes_units=int(policy.four_eyes_units),
        hourly_units_max=int(policy.hourly_units_max),
        hourly_units=_whole(hourly) or 0,
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
