"""How well the hot wallets can pay, as customers may know it: a word, never an amount."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class HotWalletState(StrEnum):
    READY = "ready"
    """Withdrawals leave as soon as they are approved."""
    LOW = "low"
    """Large withdrawals may wait for a refill from cold storage."""
    PAUSED = "paused"
    """Withdrawals are switched off; the reason says why."""


@dataclass(frozen=True, slots=True)
class HotWallet:
    asset: str
    chain: str
    state: HotWalletState
    reason: str
    waiting: int
    """Approved withdrawals that have not left yet."""
    expected_seconds: int
    """From approval to the first confirmation, as the chain goes on average."""


_STATES = text("""
    SELECT p.asset, a.chain, p.withdraw_enabled, p.pause_reason, p.hot_low_units, s.is_on, s.reason,
        coalesce((
            SELECT -balance FROM accounts WHERE kind = 'hot_wallet' AND asset = p.asset
        ), 0) AS hot_units,
        (
            SELECT count(*) FROM withdrawals w WHERE w.asset = p.asset AND w.status = 'approved'
        ) AS waiting,
        c.batch_window_seconds + c.block_seconds AS expected_seconds
    FROM custody_assets p
    JOIN assets a ON a.code = p.asset
    JOIN chain_policies c ON c.chain = a.chain
    JOIN switches s ON s.name = 'withdrawals'
    ORDER BY p.asset
""")


async def hot_wallets(connection: AsyncConnection) -> list[HotWallet]:
    found = []
    for row in await connection.execute(_STATES):
        if not (row.withdraw_enabled and row.is_on):
            state = HotWalletState.PAUSED
        elif row.hot_units < row.hot_low_units:
            state = HotWalletState.LOW
        else:
            state = HotWalletState.READY
        reason = row.pause_reason or row.reason if state is HotWalletState.PAUSED else ""
        found.append(
            HotWallet(row.asset, row.chain, state, reason, row.waiting, row.expected_seconds)
        )
    return found
