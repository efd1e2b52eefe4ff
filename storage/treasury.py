"""What the exchange's own wallets hold by the books, and the house's coins booked into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.money import AssetCode
from ledger import custody
from storage.ledger import Ledger
from storage.tables_custody import wallets

_HOT = text("""
    SELECT -balance FROM accounts WHERE kind = 'hot_wallet' AND asset = :asset
""")


async def hot_units(connection: AsyncConnection, asset: str) -> int:
    """Coins of the asset in the hot wallet, by the ledger: only what is final counts."""
    return int(await connection.scalar(_HOT, {"asset": asset}) or 0)


async def register_wallet(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Make a wallet known; known already, it is left as it is."""
    await connection.execute(insert(wallets).values(**values).on_conflict_do_nothing())


async def fund_house(ledger: Ledger, *, txid: str, asset: str, units: int) -> None:
    """Book coins that the house itself sent to its hot wallet; once for each transaction."""
    entry = custody.house_funding(
        f"funding:{txid}:{asset}", AssetCode(asset), units, f"funding {txid}"
    )
    await ledger.post(entry)
