"""What the exchange's own wallets hold by the books, and the house's coins booked into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.money import AssetCode
from ledger import custody
from ledger.account import AccountKind
from storage.ledger import Ledger
from storage.tables_custody import wallets

_HELD = text("SELECT -balance FROM accounts WHERE kind = :kind AND asset = :asset")


_BURNS = text("""
    SELECT p.asset, p.hot_low_units AS low_units,
        coalesce((
            SELECT -balance FROM accounts WHERE kind = 'hot_wallet' AND asset = p.asset
        ), 0) AS hot_units,
        coalesce((
            SELECT sum(units) FROM withdrawals w
            WHERE w.asset = p.asset AND w.kind = 'chain'
                AND w.broadcast_at > now() - interval '1 hour'
        ), 0) AS out_units
    FROM custody_assets p JOIN assets a ON a.code = p.asset
    WHERE a.chain = :chain ORDER BY p.asset
""")


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a hot wallet empties; units of the asset."""

    asset: str
    hot_units: int
    low_units: int
    out_units: int
    """Sent to customers within the last hour; posted or not."""

    @property
    def percent(self) -> int:
        """Of what the wallet held an hour ago, so much left. Rounded down."""
        return 100 * self.out_units // max(1, self.hot_units + self.out_units)

    @property
    def is_low(self) -> bool:
        return self.hot_units < self.low_units


async def burns(connection: AsyncConnection, chain: str) -> list[Burn]:
    rows = await connection.execute(_BURNS, {"chain": chain})
    return [
        Burn(row.asset, int(row.hot_units), int(row.low_units), int(row.out_units)) for row in rows
    ]


async def hot_units(connection: AsyncConnection, asset: str) -> int:
    """Coins of the asset in the hot wallet, by the ledger: only what is final counts."""
    return await _held(connection, AccountKind.HOT_WALLET, asset)


async def warm_units(connection: AsyncConnection, asset: str) -> int:
    """Coins of the asset in the warm wallet, by the ledger."""
    return await _held(connection, AccountKind.WARM_WALLET, asset)


async def has_wallet(connection: AsyncConnection, wallet_id: str) -> bool:
    """Whether there is such a wallet: not every exchange has a warm one."""
    found = await connection.scalar(select(wallets.c.id).where(wallets.c.id == wallet_id))
    return found is not None


async def _held(connection: AsyncConnection, kind: AccountKind, asset: str) -> int:
    return int(await connection.scalar(_HELD, {"kind": kind, "asset": asset}) or 0)


async def register_wallet(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Make a wallet known; known already, it is left as it is."""
    await connection.execute(insert(wallets).values(**values).on_conflict_do_nothing())


async def fund_house(ledger: Ledger, *, txid: str, asset: str, units: int) -> None:
    """Book coins that the house itself sent to its hot wallet; once for each transaction."""
    entry = custody.house_funding(
        f"funding:{txid}:{asset}", AssetCode(asset), units, f"funding {txid}"
    )
    await ledger.post(entry)
