"""The rules custody works by, as rows that staff can change: minima, stops, fees, thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import UnknownAsset
from domain.money import AssetCode
from storage.tables_custody import chain_policies, custody_assets, switches
from storage.tables_ledger import assets


@dataclass(frozen=True, slots=True)
class AssetPolicy:
    asset: AssetCode
    chain: str
    contract: str | None
    scale: int
    deposit_enabled: bool
    withdraw_enabled: bool
    pause_reason: str
    memo_required: bool
    deposit_min_units: int
    withdrawal_min_units: int
    withdrawal_fee_units: int
    review_units: int
    four_eyes_units: int
    hourly_units_max: int
    hot_low_units: int
    hot_target_units: int
    hot_high_units: int
    sweep_min_units: int
    warm_low_units: int
    warm_target_units: int
    warm_high_units: int


@dataclass(frozen=True, slots=True)
class ChainPolicy:
    chain: str
    withdrawal_confirmations: int
    bump_after_seconds: int
    batch_window_seconds: int
    fee_rate_floor: int
    fee_rate_cap: int
    fee_rate_default: int
    sweep_fee_rate_cap: int
    block_seconds: int
    delegate_sweeps: bool
    """Tokens are gathered by delegation where the contract stands (EIP-7702)."""


_ASSET = select(custody_assets, assets.c.chain, assets.c.contract, assets.c.scale).join(
    assets, assets.c.code == custody_assets.c.asset
)


async def read_asset(connection: AsyncConnection, asset: str) -> AssetPolicy:
    """Raises UnknownAsset."""
    row = (await connection.execute(_ASSET.where(custody_assets.c.asset == asset))).one_or_none()
    if row is None:
        raise UnknownAsset(f"there is no asset {asset[:20]!r} in custody")
    return _asset_policy(dict(row._mapping))  # noqa: SLF001 - the public name of a row's mapping


async def read_assets(connection: AsyncConnection) -> list[AssetPolicy]:
    rows = await connection.execute(_ASSET.order_by(custody_assets.c.asset))
    return [_asset_policy(dict(row._mapping)) for row in rows]  # noqa: SLF001


async def read_chain(connection: AsyncConnection, chain: str) -> ChainPolicy:
    row = (
        await connection.execute(select(chain_policies).where(chain_policies.c.chain == chain))
    ).one()
    values = dict(row._mapping)  # noqa: SLF001
    whole: dict[str, Any] = {key: _whole(value) for key, value in values.items()}
    return ChainPolicy(**whole)


async def is_on(connection: AsyncConnection, switch: str) -> bool:
    """False while everything of that kind is stopped: `withdrawals`, `credits`, `sweeps`."""
    answer = await connection.scalar(select(switches.c.is_on).where(switches.c.name == switch))
    return bool(answer)


async def set_switch(
    connection: AsyncConnection, switch: str, *, is_on: bool, reason: str, officer: str
) -> None:
    result = await connection.execute(
        update(switches)
        .where(switches.c.name == switch)
        .values(is_on=is_on, reason=reason, officer=officer, changed_at=func.now())
    )
    if result.rowcount != 1:
        raise UnknownAsset(f"there is no switch {switch!r}")


async def set_asset_flags(
    connection: AsyncConnection,
    asset: str,
    *,
    deposit_enabled: bool | None = None,
    withdraw_enabled: bool | None = None,
    reason: str = "",
) -> None:
    """Pause or resume an asset. Paused deposits are still scanned and shown, only not credited."""
    values: dict[str, object] = {"pause_reason": reason}
    if deposit_enabled is not None:
        values["deposit_enabled"] = deposit_enabled
    if withdraw_enabled is not None:
        values["withdraw_enabled"] = withdraw_enabled
    result = await connection.execute(
        update(custody_assets).where(custody_assets.c.asset == asset).values(**values)
    )
    if result.rowcount != 1:
        raise UnknownAsset(f"there is no asset {asset[:20]!r} in custody")


def _asset_policy(values: dict[str, object]) -> AssetPolicy:
    whole: dict[str, Any] = {key: _whole(value) for key, value in values.items()}
    return AssetPolicy(**whole)


def _whole(value: object) -> object:
    """NUMERIC comes as Decimal; all our numbers are whole."""
    return int(value) if isinstance(value, Decimal) else value
