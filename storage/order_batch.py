"""One batch of order work in one database transaction: holds, order rows and the outbox
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from domain.errors import ExchangeError, IdempotencyBodyDiffers, UnknownOrder, WrongState
from domain.ids import CustomerId, OrderId
from domain.market import MarketId
from engine import commands
from storage.order_rows import NewOrder, PlacedOrder, Placement, QueuedCommand
from storage.pool import DriverConnection
from storage.posting import Posted, Poster
from storage.row_writing import RowWriter
from storage.tables_ledger import order_commands, orders
from storage.trade_limits import TradeLimits

_FIND_CLIENT_IDS = """
SELECT o.id, o.customer_id, o.client_order_id, o.command_id, o.market, o.placed_at, o.side, o.kind,
       o.terms, o.price_ticks, o.lots, o.trigger_kind, o.trigger, o.display_lots, o.budget,
       o.expires_us
FROM orders o JOIN unnest($1::bigint[], $2::text[]) AS r (customer_id, client_order_id)
  ON o.customer_id = r.customer_id AND o.client_order_id = r.client_order_id
"""

_FIND_ORDERS = """
SELECT o.id, o.customer_id, o.market, o.lots, o.filled_lots, o.closed_at,
       c.id IS NOT NULL AND c.sent_at IS NULL AS is_unsent
FROM orders o LEFT JOIN order_commands c ON c.id = o.command_id
WHERE o.id = ANY($1::bigint[])
"""

_ORDER_COLUMNS = (
    "id", "customer_id", "market", "client_order_id", "side", "kind", "terms", "price_ticks",
    "lots", "trigger_kind", "trigger", "display_lots", "budget", "expires_us", "hold_order_id",
    "command_id", "options", "maker_fee_ppm", "taker_fee_ppm", "status", "placed_at", "updated_at",
)  # fmt: skip
_COMMAND_COLUMNS = ("id", "market", "owner", "order_id", "command", "created_at")

_WRITER = RowWriter((orders, _ORDER_COLUMNS), (order_commands, _COMMAND_COLUMNS))

# For requests: repeated after a lost connection, they may be there already.
_WRITE_REQUESTS = """
INSERT INTO order_commands (id, market, owner, order_id, command, created_at)
SELECT id, market, owner, order_id, command::bigint[], clock_timestamp()
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
  AS rows (id, market, owner, order_id, command)
ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command about existing orders. With `order_id`: that order must be the owner's, and
    open.
    """

    command_id: int
    owner: CustomerId
    command: commands.Command
    order_id: OrderId | None = None
    market: MarketId | None = None
    """Needed without `order_id`."""


Work = Placement | CommandRequest
Result = PlacedOrder | QueuedCommand


@dataclass(slots=True)
class _Known:
    """What the database knew about the batch's orders."""

    by_client_id: dict[tuple[int, str], Any] = field(default_factory=dict)
    by_id: dict[int, Any] = field(default_factory=dict)


async def commit_orders(
    connection: DriverConnection,
    poster: Poster,
    works: Sequence[Work],
    limits: TradeLimits | None = None,
) -> list[Result | Exception]:
    """Commit the batch. Repeating it is safe: entry, order and command ids were made before.

    With `limits`, orders that do not fit their customer's tier are refused.
    """
    placements = [work for work in works if isinstance(work, Placement)]
    await poster.open_accounts(placement.entry for placement in placements)
    async with connection.transaction():
        known = await _load(connection, works)
        results: dict[int, Result | Exception] = {}
        fresh = _without_duplicates(placements, known, results)
        if limits is not None:
            refused = await limits.refusals(connection, fresh)
            results.update(refused)
            fresh = [each for each in fresh if each.command_id not in refused]
        await _place(connection, poster, fresh, results)
        requests = [work for work in works if isinstance(work, CommandRequest)]
        await _request(connection, requests, known, results)
    return [results[work.command_id] for work in works]


async def _load(connection: DriverConnection, works: Sequence[Work]) -> _Known:
    known = _Known()
    names = [
        (order.customer_id, order.client_order_id)
        for work in works
        if isinstance(work, Placement)
        for order in work.orders
        if order.client_order_id is not None
    ]
    if names:
        rows = await connection.fetch(_FIND_CLIENT_IDS, *zip(*names, strict=True))
        known.by_client_id = {(row["customer_id"], row["client_order_id"]): row for row in rows}
    ids = [work.order_id for work in works if isinstance(work, CommandRequest) and work.order_id]
    if ids:
        rows = await connection.fetch(_FIND_ORDERS, ids)
        known.by_id = {row["id"]: row for row in rows}
    return known


def _without_duplicates(
    placements: Iterable[Placement], known: _Known, results: dict[int, Result | Exception]
) -> list[Placement]:
    """Answer those placed before; return the rest."""
    fresh = []
    for placement in placements:
        before = _before(placement, known)
        if before is not None:
            results[placement.command_id] = before
            continue
        fresh.append(placement)
        for order in placement.orders:
            if order.client_order_id is not None:
                known.by_client_id[order.customer_id, order.client_order_id] = placement
    return fresh


def _before(placement: Placement, known: _Known) -> PlacedOrder | ExchangeError | None:
    for order in placement.orders:
        if order.client_order_id is None:
            continue
        row = known.by_client_id.get((order.customer_id, order.client_order_id))
        if row is None:
            continue
        if isinstance(row, Placement):
            return WrongState(f"client order id {order.client_order_id} is being placed right now")
        # A repeat of this very work after a lost connection finds its own row.
        if row["id"] in placement.order_ids or _is_same(order, row):
            return PlacedOrder(
                OrderId(row["id"]), row["command_id"], MarketId(row["market"]), placement.command,
                row["placed_at"], replayed=row["id"] not in placement.order_ids,
            )  # fmt: skip
        return IdempotencyBodyDiffers(
            f"client order id {order.client_order_id} belongs to another order"
        )
    return None


def _is_same(order: NewOrder, row: Any) -> bool:
    """The same order but for what is derived from the market's moment: a market order's worst
    price.
    """
    names = ["kind", "trigger_kind", "trigger", "display_lots", "budget", "expires_us"]
    if not order.terms & commands.MARKET:
        names.append("price_ticks")
    if not order.budget:
        names.append("lots")
    return (
        order.market.id == row["market"]
        and order.side == row["side"]
        and order.terms_with_side() == row["terms"]
        and all(getattr(order, name) == row[name] for name in names)
    )


async def _place(
    connection: DriverConnection,
    poster: Poster,
    placements: Sequence[Placement],
    results: dict[int, Result | Exception],
) -> None:
    """Hold for each placement; write orders and commands of those that could be held.

    Entry, orders and command are written in one database transaction: where the entry is found,
    after a lost connection, the others are there as well.
    """
    if not placements:
        return
    outcomes, placed_at = await poster.post(connection, [p.entry for p in placements])
    written: list[Placement] = []
    for placement, outcome in zip(placements, outcomes, strict=True):
        if not isinstance(outcome, Posted):
            results[placement.command_id] = outcome
            continue
        results[placement.command_id] = PlacedOrder(
            placement.order_ids[0], placement.command_id, placement.orders[0].market.id,
            placement.command, placed_at,
        )  # fmt: skip
        if not outcome.replayed:
            written.append(placement)
    if written:
        await _WRITER.write(
            connection,
            [row for placement in written for row in _order_rows(placement, placed_at)],
            [_command_row(placement, placed_at) for placement in written],
        )


def _command_row(placement: Placement, placed_at: datetime) -> tuple[object, ...]:
    first = placement.orders[0]
    return (
        placement.command_id, first.market.id, first.customer_id, placement.order_ids[0],
        placement.command, placed_at,
    )  # fmt: skip


def _order_rows(placement: Placement, placed_at: datetime) -> list[tuple[object, ...]]:
    return [
        (
            order_id, order.customer_id, order.market.id, order.client_order_id, order.side,
            order.kind, order.terms_with_side(), order.price_ticks, order.lots,
            order.trigger_kind, order.trigger, order.display_lots, order.budget,
            order.expires_us, placement.order_ids[0], placement.command_id,
            None if order.options is None else msgspec.json.encode(order.options).decode(),
            order.fees.maker_ppm, order.fees.taker_ppm, "placed", placed_at, placed_at,
        )
        for order_id, order in zip(placement.order_ids, placement.orders, strict=True)
    ]  # fmt: skip


def _checked(request: CommandRequest, known: _Known) -> QueuedCommand | ExchangeError:
    if request.order_id is None:
        assert request.market is not None
        return QueuedCommand(request.command_id, request.market, request.owner, request.command)
    row = known.by_id.get(request.order_id)
    if row is None or row["customer_id"] != request.owner:
        return UnknownOrder(f"there is no order {request.order_id}")
    if row["closed_at"] is not None:
        return WrongState(f"order {request.order_id} is not open any more")
    return QueuedCommand(
        request.command_id,
        MarketId(row["market"]),
        request.owner,
        request.command,
        request.order_id,
        relayed=row["is_unsent"],
    )


async def _request(
    connection: DriverConnection,
    requests: Sequence[CommandRequest],
    known: _Known,
    results: dict[int, Result | Exception],
) -> None:
    """Queue the commands about orders that are still open."""
    rows = []
    for request in requests:
        result = results[request.command_id] = _checked(request, known)
        if isinstance(result, QueuedCommand):
            command = "{" + ",".join(map(str, request.command)) + "}"
            rows.append(
                (request.command_id, result.market, request.owner, request.order_id, command)
            )
    if rows:
        await connection.execute(_WRITE_REQUESTS, *zip(*rows, strict=True))
