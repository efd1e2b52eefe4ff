"""Settling a run of engine events in one database transaction: exactly once, and in order.

The market's cursor row says which sequence is next. It is locked first and moved last, so a
run that was settled is recognised whole or in part, one that is early waits, and nothing is
ever skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from domain.errors import ExchangeError
from domain.ids import CustomerId
from domain.market import Market, MarketId
from engine import commands
from engine.events import NumberedEvent
from ledger.settlement import Poisoned, Run, Settlement, SettlementBatch
from ledger.turn import Cursor, NotItsTurn, StaleEpoch, check_order, is_settled
from storage.ids import IdBlocks
from storage.ledger import Ledger
from storage.pool import DriverConnection
from storage.settlement_events import order_ids_of, tell
from storage.settlement_rows import add_volumes, load_orders, write_orders, write_trades

__all__ = ["NotItsTurn", "Settled", "Settlements", "StaleEpoch"]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a run did. All zero for a run that had been settled before."""

    market: MarketId
    next_sequence: int
    trades: int = 0
    entries: int = 0
    customers: tuple[CustomerId, ...] = ()
    """Whose balances changed."""
    replayed: bool = False


class Settlements:
    """Settles runs on the process's Ledger."""

    def __init__(self, ledger: Ledger, markets: Mapping[MarketId, Market]) -> None:
        self._ledger = ledger
        self._markets = markets
        self._command_ids = IdBlocks("command_ids")

    async def next_sequence(self, market: MarketId) -> int:
        return int(await self._ledger.pool.fetchval(_CURSOR, market))

    async def halt(self, market: MarketId) -> bool:
        """Mark the market and queue the engine's command to halt it, in one database transaction.

        True for the first who finds it not halted for its settlement's sake; the others do nothing.
        """
        return await self._set_state(_HALT, market, commands.HALTED)

    async def reopen(self, market: MarketId) -> bool:
        """Let a market trade again that was halted for its settlement's sake, and no other."""
        return await self._set_state(_REOPEN, market, commands.TRADING)

    async def restrict(self, market: MarketId, state: int) -> bool:
        """By order of people: commands.HALTED or CANCEL_ONLY, whatever it was before, until
        `reopen`. False for a market that is not listed.
        """
        assert state in {commands.HALTED, commands.CANCEL_ONLY}
        return await self._set_state(_RESTRICT, market, state)

    async def _set_state(self, query: str, market: MarketId, state: int) -> bool:
        [command_id] = await self._command_ids.take(self._ledger.pool, 1)
        command = commands.set_state(command_id=command_id, state=state)
        done = await self._ledger.pool.fetchval(query, market, command_id, list(command))
        return done is not None

    async def settle(self, batch: SettlementBatch) -> Settled:
        """Settle the run, or the part of it that was not settled yet.

        Raises NotItsTurn, StaleEpoch or Poisoned, and then nothing has changed.
        """
        numbered = msgspec.json.decode(batch.events, type=list[tuple[int, ...]])
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            cursor = await _lock_cursor(connection, batch)
            if is_settled(cursor, batch):
                return Settled(batch.market, cursor.next_sequence, replayed=True)
            numbered = [event for event in numbered if event[0] >= cursor.next_sequence]
            settlement = await self._work_out(connection, batch, numbered)
            await self._post(connection, settlement)
            await write_orders(connection, settlement)
            await write_trades(connection, batch.market, settlement)
            await add_volumes(connection, self._markets[batch.market], settlement)
            await connection.execute(
                _MOVE_CURSOR, batch.market, batch.last_sequence + 1, batch.epoch
            )
        return Settled(
            batch.market,
            batch.last_sequence + 1,
            len(settlement.trades),
            len(settlement.entries),
            tuple(sorted({order.customer_id for order in settlement.changed.values()})),
        )

    async def _work_out(
        self,
        connection: DriverConnection,
        batch: SettlementBatch,
        numbered: Sequence[NumberedEvent],
    ) -> Settlement:
        check_order(batch, (event[0] for event in numbered))
        orders, held = await load_orders(connection, batch.market, order_ids_of(numbered))
        return tell(Run(self._markets[batch.market], orders, held), numbered)

    async def _post(self, connection: DriverConnection, settlement: Settlement) -> None:
        await self._ledger.poster.open_accounts(settlement.entries)
        if not settlement.entries:
            return
        outcomes, _ = await self._ledger.poster.post(connection, settlement.entries)
        for entry, outcome in zip(settlement.entries, outcomes, strict=True):
            if isinstance(outcome, ExchangeError):
                raise Poisoned(f"entry {entry.id}: {outcome.message}")
            if outcome.replayed:
                raise Poisoned(f"entry {entry.id} was posted before, outside its run")


async def _lock_cursor(connection: DriverConnection, batch: SettlementBatch) -> Cursor:
    row = await connection.fetchrow(_LOCK_CURSOR, batch.market)
    if row is None:
        raise Poisoned(f"market {batch.market} has no settlement cursor")
    return Cursor(row["next_sequence"], row["epoch"])


_CURSOR = "SELECT next_sequence FROM settlement_cursors WHERE market = $1"

_LOCK_CURSOR = "SELECT next_sequence, epoch FROM settlement_cursors WHERE market = $1 FOR UPDATE"

_MOVE_CURSOR = """
UPDATE settlement_cursors SET next_sequence = $2, epoch = $3, settled_at = clock_timestamp()
WHERE market = $1
"""

# The relay sends the command: a crash leaves both the mark and the command, or neither.
_QUEUE = """
INSERT INTO order_commands (id, market, owner, command, created_at)
SELECT $2, market, 0, $3::bigint[], clock_timestamp() FROM marked RETURNING id
"""

_HALT = f"""
WITH marked AS (
    UPDATE settlement_cursors SET halted_at = clock_timestamp()
    WHERE market = $1 AND halted_at IS NULL RETURNING market
) {_QUEUE}
"""  # noqa: S608 - Only the constant above is put in.

_RESTRICT = f"""
WITH marked AS (
    UPDATE settlement_cursors SET halted_at = coalesce(halted_at, clock_timestamp())
    WHERE market = $1 RETURNING market
) {_QUEUE}
"""  # noqa: S608

_REOPEN = f"""
WITH marked AS (
    UPDATE settlement_cursors SET halted_at = NULL
    WHERE market = $1 AND halted_at IS NOT NULL RETURNING market
) {_QUEUE}
"""  # noqa: S608
