"""May this customer withdraw this, now, to there? Every no is a refusal with its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.tiers import Flow, Tier, Usage, check_limit, reference_value
from domain.errors import (
    AddressNotAllowed,
    AssetPaused,
    InsufficientAvailable,
    InvalidAddress,
    InvalidAmount,
    NotAllowed,
    WithdrawalsHeld,
)
from domain.ids import CustomerId
from domain.money import format_units
from domain.withdrawal import WithdrawalStatus
from storage import custody_policy
from storage.custody_policy import AssetPolicy
from storage.tables_compliance import limited_flows, reference_prices
from storage.tables_custody import (
    address_book,
    deposit_addresses,
    wallets,
    withdrawal_settings,
    withdrawals,
)
from storage.tables_customers import customers
from storage.tables_ledger import assets

if TYPE_CHECKING:
    from storage.withdrawals import WithdrawalRequest

_NOT_FINAL = text("""
    SELECT credited.asset, credited.units AS not_final,
        coalesce((
            SELECT sum(balance) FROM accounts
            WHERE accounts.customer_id = :customer_id AND accounts.asset = credited.asset
        ), 0) - coalesce((
            SELECT sum(units + fee_units) FROM withdrawals
            WHERE withdrawals.customer_id = :customer_id AND withdrawals.asset = credited.asset
                AND status NOT IN ('done', 'cancelled', 'rejected')
        ), 0) AS staying
    FROM (
        SELECT asset, sum(credited_units) AS units FROM deposits
        WHERE customer_id = :customer_id AND credited_units > 0
            AND (status = 'credited' OR height IS NULL)
        GROUP BY asset
    ) AS credited
""")


async def check(
    connection: AsyncConnection, policy: AssetPolicy, wanted: WithdrawalRequest
) -> CustomerId | None:
    """Refuse what can be refused before money is touched; answers the customer of ours it pays."""
    await _check_open(connection, policy)
    _check_amount(policy, wanted)
    await _check_customer(connection, wanted.customer_id)
    await _check_address_book(connection, policy.chain, wanted)
    return await own_payee(connection, policy.chain, wanted.address, wanted.customer_id)


async def check_final(connection: AsyncConnection, customer_id: CustomerId) -> None:
    """Coins whose block may still be replaced must stay with us, also when they were traded away.

    Called when the hold is placed: the customer's accounts are locked, so nothing moves meanwhile.
    """
    for row in await connection.execute(_NOT_FINAL, {"customer_id": customer_id}):
        if row.staying < row.not_final:
            scale = await connection.scalar(
                select(assets.c.scale).where(assets.c.code == row.asset)
            )
            amount = format_units(int(row.not_final), int(scale or 0))
            raise InsufficientAvailable(
                f"deposits of {amount} {row.asset} wait for confirmations before they may leave",
                asset=row.asset,
                not_final=amount,
            )


async def take_limits(connection: AsyncConnection, row: Row[Any]) -> None:
    """Count the withdrawal against its customer's limits of 24 hours and 30 days."""
    price, scale = (
        await connection.execute(
            select(reference_prices.c.price_units, assets.c.scale)
            .join(assets, assets.c.code == reference_prices.c.asset)
            .where(reference_prices.c.asset == row.asset)
        )
    ).one()
    value_units = reference_value(int(row.units), scale, int(price))
    tier = Tier(await _locked_tier(connection, row.customer_id))
    check_limit(tier, Flow.WITHDRAW, await _used(connection, row.customer_id), value_units)
    await connection.execute(
        insert(limited_flows).values(
            customer_id=row.customer_id,
            flow=Flow.WITHDRAW,
            reference=f"withdrawal/{row.id}",
            value_units=value_units,
        )
    )


async def usage(connection: AsyncConnection, customer_id: CustomerId) -> tuple[Tier, Usage]:
    """The customer's tier, and what was withdrawn under its limits so far."""
    tier = await connection.scalar(
        select(customers.c.kyc_tier).where(customers.c.id == customer_id)
    )
    return Tier(int(tier or 0)), await _used(connection, customer_id)


async def _check_open(connection: AsyncConnection, policy: AssetPolicy) -> None:
    if not policy.withdraw_enabled:
        reason = policy.pause_reason or "maintenance"
        raise AssetPaused(f"withdrawals of {policy.asset} are paused: {reason}", asset=policy.asset)
    if not await custody_policy.is_on(connection, "withdrawals"):
        raise AssetPaused("all withdrawals are paused", asset=policy.asset)


def _check_amount(policy: AssetPolicy, wanted: WithdrawalRequest) -> None:
    if wanted.units < policy.withdrawal_min_units:
        minimum = format_units(policy.withdrawal_min_units, policy.scale)
        raise InvalidAmount(f"the smallest withdrawal is {minimum} {policy.asset}", minimum=minimum)
    if policy.memo_required and not wanted.memo:
        raise InvalidAddress(f"{policy.asset} needs a memo (destination tag) beside the address")


async def _check_customer(connection: AsyncConnection, customer_id: CustomerId) -> None:
    row = (
        await connection.execute(
            select(
                customers.c.status,
                withdrawal_settings.c.held_until,
                withdrawal_settings.c.held_reason,
            )
            .join(
                withdrawal_settings,
                withdrawal_settings.c.customer_id == customers.c.id,
                isouter=True,
            )
            .where(customers.c.id == customer_id)
        )
    ).one()
    if row.status != "active":
        raise NotAllowed(f"the account is {row.status}")
    if row.held_until is not None and row.held_until > datetime.now(UTC):
        raise WithdrawalsHeld(
            f"withdrawals are held until {row.held_until:%Y-%m-%d %H:%M} UTC: {row.held_reason}",
            until=row.held_until.isoformat(),
        )


async def _check_address_book(
    connection: AsyncConnection, chain: str, wanted: WithdrawalRequest
) -> None:
    settings = (
        await connection.execute(
            select(
                withdrawal_settings.c.allow_list_only, withdrawal_settings.c.allow_list_off_at
            ).where(withdrawal_settings.c.customer_id == wanted.customer_id)
        )
    ).one_or_none()
    now = datetime.now(UTC)
    if settings is None or not settings.allow_list_only:
        return
    if settings.allow_list_off_at is not None and settings.allow_list_off_at <= now:
        return
    usable_at = await connection.scalar(
        select(address_book.c.usable_at).where(
            address_book.c.customer_id == wanted.customer_id,
            address_book.c.chain == chain,
            address_book.c.address == wanted.address,
            address_book.c.memo == wanted.memo,
            address_book.c.removed_at.is_(None),
        )
    )
    if usable_at is None:
        raise AddressNotAllowed("this address is not in your address book")
    if usable_at > now:
        raise AddressNotAllowed(
            f"this address can be used from {usable_at:%Y-%m-%d %H:%M} UTC on",
            usable_at=usable_at.isoformat(),
        )


async def own_payee(
    connection: AsyncConnection, chain: str, address: str, asker: CustomerId
) -> CustomerId | None:
    """The customer of ours who is paid there: then it is a transfer in the ledger.

    Raises InvalidAddress for the asker's own address and for the exchange's.
    """
    owner = await connection.scalar(
        select(deposit_addresses.c.customer_id).where(
            deposit_addresses.c.chain == chain, deposit_addresses.c.address == address
        )
    )
    if owner == asker:
        raise InvalidAddress("this is your own deposit address here")
    if owner is not None:
        return CustomerId(owner)
    if await connection.scalar(
        select(wallets.c.id).where(wallets.c.chain == chain, wallets.c.address == address)
    ):
        raise InvalidAddress("this address belongs to the exchange")
    return None


async def _locked_tier(connection: AsyncConnection, customer_id: int) -> int:
    """The tier; two requests of one customer are weighed one after the other."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"withdrawal limits {customer_id}"},
    )
    tier = await connection.scalar(
        select(customers.c.kyc_tier).where(customers.c.id == customer_id)
    )
    return int(tier or 0)


async def _used(connection: AsyncConnection, customer_id: int) -> Usage:
    def since(interval: str) -> Any:
        within = limited_flows.c.at > func.now() - text(f"interval '{interval}'")
        return func.coalesce(func.sum(limited_flows.c.value_units).filter(within), 0)

    row = (
        await connection.execute(
            select(since("24 hours"), since("30 days")).where(
                limited_flows.c.customer_id == customer_id,
                limited_flows.c.flow == Flow.WITHDRAW,
                limited_flows.c.given_back_at.is_(None),
                limited_flows.c.at > func.now() - text("interval '30 days'"),
            )
        )
    ).one()
    return Usage(int(row[0]), int(row[1]))


async def give_back_limits(connection: AsyncConnection, withdrawal_id: str) -> None:
    """What was not paid does not count."""
    await connection.execute(
        update(limited_flows)
        .where(
            limited_flows.c.flow == Flow.WITHDRAW,
            limited_flows.c.reference == f"withdrawal/{withdrawal_id}",
            limited_flows.c.given_back_at.is_(None),
        )
        .values(given_back_at=func.now())
    )


async def hourly_units(connection: AsyncConnection, asset: str) -> int:
    """What all customers asked to withdraw of the asset within the last hour."""
    total = await connection.scalar(
        select(func.sum(withdrawals.c.units)).where(
            withdrawals.c.asset == asset,
            withdrawals.c.status.not_in(("cancelled", "rejected")),
            withdrawals.c.created_at > func.now() - text("interval '1 hour'"),
        )
    )
    return int(total or 0)


async def customer_hourly_count(connection: AsyncConnection, customer_id: int) -> int:
    """How many withdrawals the customer asked for within the last hour, cancelled ones, too."""
    count = await connection.scalar(
        select(func.count()).where(
            withdrawals.c.customer_id == customer_id,
            withdrawals.c.created_at > func.now() - text("interval '1 hour'"),
        )
    )
    return int(count or 0)


async def paid_before(connection: AsyncConnection, row: Row[Any]) -> bool:
    """Whether the customer was paid to this address before."""
    found = await connection.scalar(
        select(withdrawals.c.id)
        .where(
            withdrawals.c.customer_id == row.customer_id,
            withdrawals.c.address == row.address,
            withdrawals.c.status == WithdrawalStatus.DONE,
        )
        .limit(1)
    )
    return found is not None
