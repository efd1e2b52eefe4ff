"""Settling a run of engine events in one database transaction: exactly once, and in order.

The market's cursor row says which sequence is next. It is locked first and moved last, so a
run that was settled is recognised whole or in part, one that is early waits, and nothing is
ever skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from domain.errors import ExchangeError
from domain.ids import CustomerId, OrderId
from domain.market import Market, MarketId
from engine import events
from engine.events import NumberedEvent
from ledger.entry import order_hold
from ledger.settlement import (
    Fill,
    Moment,
    OrderEnd,
    OrderState,
    Poisoned,
    Run,
    Settlement,
    SettlementBatch,
    Side,
)
from storage.ledger import Ledger
from storage.pool import DriverConnection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotItsTurn(Exception):
    """An earlier run has not been settled yet. Try again."""


class StaleEpoch(Exception):
    """Written by an engine that another one has replaced. Must never be settled."""


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


def order_ids_of(numbered: Iterable[NumberedEvent]) -> set[OrderId]:
    """Every order that the events speak of."""
    ids: set[OrderId] = set()
    for event in numbered:
        if event[2] == events.FILLED:
            ids |= {OrderId(event[6]), OrderId(event[9])}
        else:
            ids.add(OrderId(event[3]))
    return ids


def tell(run: Run, numbered: Sequence[NumberedEvent]) -> Settlement:
    """Tell the engine's events to the run, in order. Raises Poisoned."""
    for event in numbered:
        moment = Moment(event[0], event[1])
        act = _ACTS.get(event[2])
        if act is None:
            raise Poisoned(f"event {event[0]} settles nothing: kind {event[2]}")
        act(run, moment, event[3:])
    return run.settlement


def _accepted(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    run.accepted(moment, fields[0], fields[1])


def _filled(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    aggressor = fields[9]
    fill = Fill(
        fields[0],
        fields[1],
        fields[2],
        Side(fields[3], fields[4], fields[5]),
        Side(fields[6], fields[7], fields[8]),
        taker_buys=aggressor != events.SELL_AGGRESSOR,
        in_auction=aggressor == events.NO_AGGRESSOR,
    )
    run.filled(moment, fill)


def _canceled(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    run.ended(moment, fields[0], fields[1], OrderEnd.CANCELED, fields[6])


def _expired(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    spent = fields[6] == events.BUDGET_SPENT
    end = OrderEnd.FILLED if spent else OrderEnd.EXPIRED
    run.ended(moment, fields[0], fields[1], end, fields[6])


def _rejected(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    run.rejected(moment, fields[0], fields[1], fields[3])


def _reduced(run: Run, moment: Moment, fields: Sequence[int]) -> None:
    run.reduced(moment, fields[0], fields[1], fields[5])


_ACTS: Mapping[int, Callable[[Run, Moment, Sequence[int]], None]] = {
    events.ACCEPTED: _accepted,
    events.RESTED: _accepted,
    events.WAITING: _accepted,
    events.TRIGGERED: _accepted,
    events.FILLED: _filled,
    events.CANCELED: _canceled,
    events.EXPIRED: _expired,
    events.REJECTED: _rejected,
    events.REDUCED: _reduced,
}


class Settlements:
    """Settles runs on the process's Ledger."""

    def __init__(self, ledger: Ledger, markets: Mapping[MarketId, Market]) -> None:
        self._ledger = ledger
        self._markets = markets

    async def next_sequence(self, market: MarketId) -> int:
        return int(await self._ledger.pool.fetchval(_CURSOR, market))

    async def mark_halted(self, market: MarketId) -> bool:
        """True for the first who finds the market not halted for its settlement's sake."""
        return await self._ledger.pool.fetchval(_MARK_HALTED, market) is not None

    async def mark_reopened(self, market: MarketId) -> bool:
        return await self._ledger.pool.fetchval(_MARK_REOPENED, market) is not None

    async def settle(self, batch: SettlementBatch) -> Settled:
        """Settle the run, or the part of it that was not settled yet.

        Raises NotItsTurn, StaleEpoch or Poisoned, and then nothing has changed.
        """
        numbered = msgspec.json.decode(batch.events, type=list[tuple[int, ...]])
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            next_sequence = await _turn(connection, batch)
            if batch.last_sequence < next_sequence:
                return Settled(batch.market, next_sequence, replayed=True)
            numbered = [event for event in numbered if event[0] >= next_sequence]
            settlement = await self._work_out(connection, batch, numbered)
            await self._post(connection, settlement)
            await _write_orders(connection, settlement)
            await _write_trades(connection, batch.market, settlement)
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
        _check_sequences(batch, numbered)
        rows = await connection.fetch(_LOAD_ORDERS, list(order_ids_of(numbered)), batch.market)
        orders = {OrderId(row["id"]): _order_state(row) for row in rows}
        holds = {order_hold(order.hold_order_id): order.hold_order_id for order in orders.values()}
        remaining = await connection.fetch(_LOAD_HOLDS, list(holds))
        held = {holds[row["id"]]: int(row["remaining"]) for row in remaining}
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


def _check_sequences(batch: SettlementBatch, numbered: Sequence[NumberedEvent]) -> None:
    previous = batch.first_sequence - 1
    for event in numbered:
        if not previous < event[0] <= batch.last_sequence:
            raise Poisoned(f"event {event[0]} is out of order after {previous}")
        previous = event[0]


async def _turn(connection: DriverConnection, batch: SettlementBatch) -> int:
    """The market's next sequence, locked. Raises unless the batch may be settled now."""
    row = await connection.fetchrow(_LOCK_CURSOR, batch.market)
    if row is None:
        raise Poisoned(f"market {batch.market} has no settlement cursor")
    next_sequence: int = row["next_sequence"]
    if batch.first_sequence > next_sequence:
        raise NotItsTurn(f"{batch.market}: {next_sequence} is next, not {batch.first_sequence}")
    if batch.last_sequence >= next_sequence and batch.epoch < row["epoch"]:
        raise StaleEpoch(f"{batch.market}: epoch {batch.epoch} ended, {row['epoch']} settles now")
    return next_sequence


def _order_state(row: asyncpg.Record) -> OrderState:
    return OrderState(
        id=OrderId(row["id"]),
        customer_id=CustomerId(row["customer_id"]),
        is_buy=row["side"] == "buy",
        price_ticks=row["price_ticks"],
        lots=row["lots"],
        has_budget=row["budget"] > 0,
        hold_order_id=OrderId(row["hold_order_id"]),
        maker_fee_ppm=row["maker_fee_ppm"],
        taker_fee_ppm=row["taker_fee_ppm"],
        is_known=row["status"] != "placed",
        end=OrderEnd(row["status"]) if row["closed_at"] else None,
        filled_lots=row["filled_lots"],
        filled_quote_units=int(row["filled_quote_units"]),
        fee_units=int(row["fee_units"]),
        reason=row["reason"],
    )


async def _write_orders(connection: DriverConnection, settlement: Settlement) -> None:
    rows = [
        (
            order.id,
            order.end or "open",
            order.lots,
            order.filled_lots,
            str(order.filled_quote_units),
            str(order.fee_units),
            order.reason,
            _time(order.changed),
            order.changed.sequence,
        )
        for order in settlement.changed.values()
    ]
    if rows:
        await connection.execute(_UPDATE_ORDERS, *zip(*rows, strict=True))


async def _write_trades(
    connection: DriverConnection, market: MarketId, settlement: Settlement
) -> None:
    rows = [
        (
            trade.id,
            trade.moment.sequence,
            trade.fill.price_ticks,
            trade.fill.lots,
            "buy" if trade.fill.taker_buys else "sell",
            trade.fill.maker.order_id,
            trade.fill.taker.order_id,
            trade.fill.maker.owner,
            trade.fill.taker.owner,
            str(trade.maker_fee_units),
            str(trade.taker_fee_units),
            _time(trade.moment),
        )
        for trade in settlement.trades
    ]
    if rows:
        await connection.execute(_INSERT_TRADES, market, *zip(*rows, strict=True))


def _time(moment: Moment) -> datetime:
    return _EPOCH + timedelta(microseconds=moment.time_us)


_CURSOR = "SELECT next_sequence FROM settlement_cursors WHERE market = $1"

_LOCK_CURSOR = "SELECT next_sequence, epoch FROM settlement_cursors WHERE market = $1 FOR UPDATE"

_MOVE_CURSOR = """
UPDATE settlement_cursors SET next_sequence = $2, epoch = $3, settled_at = clock_timestamp()
WHERE market = $1
"""

_MARK_HALTED = """
UPDATE settlement_cursors SET halted_at = clock_timestamp()
WHERE market = $1 AND halted_at IS NULL RETURNING market
"""

_MARK_REOPENED = """
UPDATE settlement_cursors SET halted_at = NULL
WHERE market = $1 AND halted_at IS NOT NULL RETURNING market
"""

# With the other leg of each pair, as both stand under one hold.
_LOAD_ORDERS = """
SELECT id, customer_id, side, price_ticks, lots, budget, hold_order_id, maker_fee_ppm,
       taker_fee_ppm, status, closed_at, filled_lots, filled_quote_units::text, fee_units::text,
       reason
FROM orders WHERE id IN (
    SELECT unnest($1::bigint[])
    UNION SELECT hold_order_id FROM orders WHERE id = ANY($1::bigint[])
    UNION SELECT id FROM orders WHERE hold_order_id = ANY($1::bigint[]) AND hold_order_id <> id
) AND market = $2
"""

_LOAD_HOLDS = "SELECT id, remaining::text FROM holds WHERE id = ANY($1::text[])"

_UPDATE_ORDERS = """
UPDATE orders SET status = r.status, lots = r.lots, filled_lots = r.filled_lots,
    filled_quote_units = r.filled_quote_units::numeric, fee_units = r.fee_units::numeric,
    reason = r.reason, updated_at = r.at, last_sequence = r.sequence,
    closed_at = CASE WHEN r.status = 'open' THEN NULL ELSE r.at END
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
    $7::smallint[], $8::timestamptz[], $9::bigint[])
  AS r (id, status, lots, filled_lots, filled_quote_units, fee_units, reason, at, sequence)
WHERE orders.id = r.id
"""

_INSERT_TRADES = """
INSERT INTO trades (market, id, sequence, price_ticks, lots, taker_side, maker_order_id,
    taker_order_id, maker_id, taker_id, maker_fee_units, taker_fee_units, traded_at)
SELECT $1, id, sequence, price_ticks, lots, taker_side, maker_order_id, taker_order_id, maker_id,
    taker_id, maker_fee::numeric, taker_fee::numeric, at
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::timestamptz[])
  AS r (id, sequence, price_ticks, lots, taker_side, maker_order_id, taker_order_id, maker_id,
    taker_id, maker_fee, taker_fee, at)
"""
