"""The trial balance: what every kind of account holds of every asset, at any moment of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.money import AssetCode
from ledger.account import AccountKind
from storage.audit import snapshot

# Back from now: what was posted since is taken off again. So it is quick for recent moments, and
# for all others it reads as many transfers as there are after them.
_AT = """
SELECT asset, kind, coalesce(market, '') AS market,
       sum(balance - coalesce(later.change, 0)) AS units,
       count(*) FILTER (WHERE balance <> coalesce(later.change, 0)) AS accounts
FROM accounts LEFT JOIN (
    SELECT account_id, sum(change) AS change FROM (
        SELECT debit_account AS account_id, -units AS change
        FROM transfers WHERE posted_at >= :moment
        UNION ALL
        SELECT credit_account, units FROM transfers WHERE posted_at >= :moment
    ) AS legs GROUP BY account_id
) AS later ON later.account_id = accounts.id
GROUP BY asset, kind, market ORDER BY asset, kind, market
"""

_NOW = """
SELECT asset, kind, coalesce(market, '') AS market, sum(balance) AS units,
       count(*) FILTER (WHERE balance <> 0) AS accounts
FROM accounts GROUP BY asset, kind, market ORDER BY asset, kind, market
"""


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    asset: AssetCode
    kind: AccountKind
    market: str
    """Only fee income is kept by market."""
    units: int
    accounts: int
    """That are not empty."""


async def trial_balance(
    engine: AsyncEngine, moment: datetime | None = None
) -> list[TrialBalanceLine]:
    """All balances just before `moment` (default: now). For each asset they sum to zero."""
    query, values = (_NOW, {}) if moment is None else (_AT, {"moment": moment})
    async with snapshot(engine) as connection:
        rows = (await connection.execute(text(query), values)).all()
    return [
        TrialBalanceLine(
            AssetCode(row.asset), AccountKind(row.kind), row.market, int(row.units), row.accounts
        )
        for row in rows
    ]


def off_by(lines: list[TrialBalanceLine]) -> dict[AssetCode, int]:
    """What each asset's lines fail to sum to zero by; empty when all is well."""
    totals: dict[AssetCode, int] = {}
    for line in lines:
        totals[line.asset] = totals.get(line.asset, 0) + line.units
    return {asset: units for asset, units in totals.items() if units}
