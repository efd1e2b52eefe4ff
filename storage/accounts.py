"""Which account has which number. Accounts are opened when first named and never closed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from ledger.account import AccountKind, AccountRef

# Customers' accounts and the exchange's own apart: only an equality finds its way in the index.
_FIND = """
WITH r AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
        AS r (kind, asset, customer_id, market)
)
SELECT a.id, a.kind, a.asset, a.customer_id, a.market FROM r JOIN accounts a
  ON a.customer_id = r.customer_id AND a.asset = r.asset AND a.kind = r.kind
 AND a.market IS NOT DISTINCT FROM r.market
UNION ALL
SELECT a.id, a.kind, a.asset, a.customer_id, a.market FROM r JOIN accounts a
  ON a.customer_id IS NULL AND r.customer_id IS NULL AND a.asset = r.asset AND a.kind = r.kind
 AND a.market IS NOT DISTINCT FROM r.market
"""
_OPEN = """
INSERT INTO accounts (kind, asset, customer_id, market)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
ON CONFLICT DO NOTHING
"""


class AccountDirectory:
    """Numbers of accounts, remembered for the life of the process.

    Works on connections of its own, outside any caller's transaction: an account number must not be
    remembered from a transaction that is rolled back, and an empty account harms nobody.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._ids: dict[AccountRef, int] = {}
        self._refs: dict[int, AccountRef] = {}
        self._opening = asyncio.Lock()

    def ref(self, account_id: int) -> AccountRef:
        return self._refs[account_id]

    def find_ref(self, account_id: int) -> AccountRef | None:
        """None for an account that this process has not used: then no entry of ours names it."""
        return self._refs.get(account_id)

    async def ids(self, refs: Iterable[AccountRef]) -> Mapping[AccountRef, int]:
        """Numbers of all `refs`, opening the accounts that do not exist yet."""
        missing = [ref for ref in refs if ref not in self._ids]
        if missing:
            async with self._opening:
                await self._learn(sorted(set(missing), key=str))
        return self._ids

    async def _learn(self, refs: Sequence[AccountRef]) -> None:
        columns = list(zip(*refs, strict=True))
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_FIND, *columns)
            if len(rows) < len(refs):
                await connection.execute(_OPEN, *columns)
                rows = await connection.fetch(_FIND, *columns)
        assert len(rows) == len(refs)
        for row in rows:
            ref = AccountRef(
                AccountKind(row["kind"]), row["asset"], row["customer_id"], row["market"]
            )
            self._ids[ref] = row["id"]
            self._refs[row["id"]] = ref
