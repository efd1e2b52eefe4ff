"""Conservation: what must be true of money at every moment, checked on one consistent snapshot.

Each check is one query that returns what is off; an empty answer is the proof. Runs beside traffic.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.progress import Watch, unwatched


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is off. `check` names the promise, `subject` the account, hold, order, ..."""

    check: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.check}: {self.subject}: {self.detail}"


async def audit_ledger(engine: AsyncEngine, watch: Watch = unwatched) -> list[Finding]:
    """Every finding of every check; empty means that not one unit is off.

    The hash chain is a longer walk of its own: storage.audit_chain.
    """
    findings: list[Finding] = []
    async with snapshot(engine) as connection:
        for done, (check, query) in enumerate(CHECKS.items()):
            watch("promises of conservation", done, len(CHECKS))
            rows = await connection.execute(text(query))
            findings += [Finding(check, str(row[0]), str(row[1])) for row in rows]
    watch("promises of conservation", len(CHECKS), len(CHECKS))
    return findings


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that sees one moment, however long the reading takes."""
    async with engine.connect() as connection:
        await connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        yield connection
        await connection.rollback()


_LEGS = """
    SELECT debit_account AS account_id, -units AS change, debit_sequence AS sequence FROM transfers
    UNION ALL SELECT credit_account, units, credit_sequence FROM transfers
"""

# What an open order needs: a sell its open size; a buy its open size at its worst price, or what is
# left of its budget. The two legs of a pair stand under one hold, which covers the dearer one; once
# one of them has traded, the other is about to end and needs nothing.
_NEEDS = """
    SELECT hold_order_id, CASE WHEN bool_or(filled_lots > 0)
        THEN max(units) FILTER (WHERE filled_lots > 0) ELSE max(units) END AS units
    FROM (
        SELECT o.hold_order_id, o.filled_lots, CASE
            WHEN o.closed_at IS NOT NULL THEN 0
            WHEN o.side = 'sell' THEN (o.lots - o.filled_lots) * m.lot_units
            WHEN o.budget > 0 THEN o.budget * unit - o.filled_quote_units
            ELSE (o.lots - o.filled_lots) * o.price_ticks::numeric * unit
        END AS units
        FROM orders o JOIN markets m ON m.id = o.market JOIN assets base ON base.code = m.base,
        LATERAL (SELECT m.tick_units * m.lot_units / (10::numeric ^ base.scale) AS unit) AS step
    ) AS each_order GROUP BY hold_order_id
"""

# ruff: noqa: S608 - Only the constants of this file are put into its queries.
CHECKS: Mapping[str, str] = {
    "assets sum to zero": """
        SELECT asset, 'all accounts sum to ' || sum(balance) FROM accounts
        GROUP BY asset HAVING sum(balance) <> 0
    """,
    "no balance is below zero": """
        SELECT id, kind || ' ' || asset || ' has ' || balance FROM accounts
        WHERE balance < 0
          AND kind NOT IN ('deposit_wallet', 'hot_wallet', 'cold_wallet', 'network_fee',
                           'warm_wallet')
    """,
    "balances are the sum of their transfers": f"""
        SELECT id, format('%s %s of customer %s has %s, its %s transfers make %s (number %s)',
                          kind, asset, customer_id, balance, legs, derived, accounts.sequence)
        FROM accounts LEFT JOIN (
            SELECT account_id, sum(change) AS change, count(*) AS legs, max(sequence) AS last
            FROM ({_LEGS}) AS all_legs GROUP BY account_id
        ) AS summed ON summed.account_id = accounts.id,
        LATERAL (SELECT coalesce(change, 0) AS derived, coalesce(legs, 0) AS count,
                        coalesce(last, 0) AS newest) AS d
        WHERE balance <> derived OR accounts.sequence <> count OR accounts.sequence <> newest
    """,
    "transfers are between existing accounts": """
        SELECT entry_number || '/' || ordinal, 'an account or its entry is missing' FROM transfers t
        WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = debit_account AND a.asset = t.asset)
           OR NOT EXISTS (SELECT FROM accounts a WHERE a.id = credit_account AND a.asset = t.asset)
           OR NOT EXISTS (SELECT FROM journal_entries WHERE number = entry_number)
    """,
    "held money is the sum of open holds": """
        SELECT accounts.id, format('customer %s holds %s %s, holds make %s',
                                   customer_id, balance, asset, coalesce(units, 0))
        FROM accounts LEFT JOIN (
            SELECT account_id, sum(remaining) AS units FROM holds GROUP BY account_id
        ) AS held ON held.account_id = accounts.id
        WHERE kind = 'customer_held' AND balance <> coalesce(units, 0)
    """,
    "order holds are what open orders need": f"""
        SELECT 'order:' || needs.hold_order_id,
               format('%s remain, %s are needed', coalesce(remaining, 0), needs.units)
        FROM ({_NEEDS}) AS needs LEFT JOIN holds ON holds.id = 'order:' || needs.hold_order_id
        WHERE coalesce(remaining, 0) <> needs.units
    """,
    "withdrawal holds are what open withdrawals need": """
        SELECT 'withdrawal:' || w.id,
               format('%s remain of %s; it is %s',
                      coalesce(h.remaining, 0), w.units + w.fee_units, status)
        FROM withdrawals w LEFT JOIN holds h ON h.id = 'withdrawal:' || w.id
        WHERE coalesce(h.remaining, 0) <> CASE
            WHEN status IN ('done', 'cancelled', 'rejected') THEN 0 ELSE w.units + w.fee_units END
    """,
    # By their keys: compared as texts, every hold was looked for among all orders.
    "open holds belong to something": """
        SELECT holds.id, remaining || ' are held for nothing' FROM holds
        WHERE remaining > 0
          AND CASE
              WHEN id ~ '^order:[0-9]{1,18}$' THEN NOT EXISTS (
                  SELECT FROM orders WHERE orders.id = substr(holds.id, 7)::bigint)
              WHEN id LIKE 'withdrawal:%' THEN NOT EXISTS (
                  SELECT FROM withdrawals w WHERE w.id = substr(holds.id, 12))
              ELSE id LIKE 'order:%' END
    """,
    "settled trades are in the ledger": """
        SELECT market || ' ' || trades.id, 'has no journal entry' FROM trades
        WHERE NOT EXISTS (
            SELECT FROM journal_entries e WHERE e.id = 'trade:' || market || ':' || trades.id)
    """,
    "trades in the ledger are settled": """
        SELECT e.id, 'has no trade' FROM journal_entries e
        WHERE e.reason = 'trade' AND NOT EXISTS (
            SELECT FROM trades WHERE 'trade:' || market || ':' || trades.id = e.id)
    """,
    "trades are numbered without gaps": """
        SELECT market, format('%s trades, the newest is %s', count(*), max(id)) FROM trades
        GROUP BY market HAVING count(*) <> max(id)
    """,
    "orders filled what their trades say": """
        SELECT o.id, format('filled %s lots, trades make %s', o.filled_lots, coalesce(t.lots, 0))
        FROM orders o LEFT JOIN (
            SELECT order_id, sum(lots) AS lots FROM (
                SELECT maker_order_id AS order_id, lots FROM trades
                UNION ALL SELECT taker_order_id, lots FROM trades
            ) AS sides GROUP BY order_id
        ) AS t ON t.order_id = o.id
        WHERE o.filled_lots <> coalesce(t.lots, 0)
    """,
}
"""Each promise, with the query of what breaks it: subject and detail."""
