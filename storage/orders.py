"""Orders: placing them with their holds, commands about them, the outbox to the engine, reading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from domain.errors import ExchangeError
from domain.ids import ClientOrderId, CustomerId, OrderId, TradeId
from domain.market import MarketId, Side
from engine import commands
from storage.group_commit import GroupCommit
from storage.ids import IdBlocks
from storage.ledger import Ledger
from storage.order_batch import CommandRequest, Result, Work, commit_orders
from storage.order_rows import (
    ORDER_COLUMNS,
    TRADE_COLUMNS,
    NewOrder,
    OrderStatus,
    PlacedOrder,
    Placement,
    QueuedCommand,
    StoredOrder,
    StoredTrade,
    order_of,
    trade_of,
)
from storage.pool import DriverConnection
from storage.trade_limits import TradeLimits

__all__ = [
    "NewOrder",
    "OrderStatus",
    "Orders",
    "PlacedOrder",
    "QueuedCommand",
    "StoredOrder",
    "StoredTrade",
]

PAGE_MAX = 1000
_SIDES = {None: commands.BOTH_SIDES, Side.BUY: commands.ONLY_BUYS, Side.SELL: commands.ONLY_SELLS}


class Orders:
    """One per process, on the process's Ledger; close it before the Ledger."""

    def __init__(self, ledger: Ledger, limits: TradeLimits | None = None) -> None:
        """`limits`: refuse what the customer's tier does not allow. Whoever takes orders from
        customers has them; relays and repairs, which place nothing, do not.
        """
        self._limits = limits
        self._ledger = ledger
        self._pool = ledger.pool
        self._order_ids = IdBlocks("order_ids")
        self._command_ids = IdBlocks("command_ids")
        self._group: GroupCommit[Work, Result] = GroupCommit(ledger.pool, self._commit)

    async def close(self) -> None:
        await self._group.close()

    async def _commit(
        self, connection: DriverConnection, works: Sequence[Work]
    ) -> list[Result | Exception]:
        return await commit_orders(connection, self._ledger.poster, works, self._limits)

    async def place(self, new: Sequence[NewOrder]) -> list[PlacedOrder | ExchangeError]:
        """Place each order by itself: its row, its hold and its command, durable together.

        Answers in the order of `new`. A fault of the database, or OutcomeUnknown, raises.
        """
        order_ids = await self._order_ids.take(self._pool, len(new))
        command_ids = await self._command_ids.take(self._pool, len(new))
        works = [
            Placement(
                (order,),
                (OrderId(order_id),),
                command_id,
                place_command(order, order_id, command_id),
            )
            for order, order_id, command_id in zip(new, order_ids, command_ids, strict=True)
        ]
        answers: list[PlacedOrder | ExchangeError] = []
        for result in await self._group.submit_all(works):
            if not isinstance(result, PlacedOrder | ExchangeError):
                assert isinstance(result, BaseException)
                raise result
            answers.append(result)
        return answers

    async def place_pair(self, limit: NewOrder, stop: NewOrder) -> list[PlacedOrder]:
        """One cancels the other: two orders of the same side and size under one hold."""
        assert limit.side is stop.side
        assert limit.lots == stop.lots
        first, second = await self._order_ids.take(self._pool, 2)
        [command_id] = await self._command_ids.take(self._pool, 1)
        command = commands.oco(
            command_id=command_id,
            owner=limit.customer_id,
            limit_order_id=first,
            stop_order_id=second,
            limit_terms=limit.terms_with_side(),
            limit_price=limit.price_ticks,
            lots=limit.lots,
            stop_terms=stop.terms_with_side(),
            trigger=stop.trigger,
            stop_price=stop.price_ticks,
        )
        ids = (OrderId(first), OrderId(second))
        placed = await self._submit_placement(Placement((limit, stop), ids, command_id, command))
        return [placed, _second_of_pair(placed, ids[1])]

    async def replace(
        self, old_order_id: OrderId, new: NewOrder, *, mode: int = commands.STOP_ON_FAILURE
    ) -> PlacedOrder:
        """Cancel one order and place another in one step. The new one needs its own hold at
        once.
        """
        [order_id] = await self._order_ids.take(self._pool, 1)
        [command_id] = await self._command_ids.take(self._pool, 1)
        command = commands.replace(
            command_id=command_id,
            owner=new.customer_id,
            old_order_id=old_order_id,
            order_id=order_id,
            terms=new.terms_with_side(),
            price=new.price_ticks,
            lots=new.lots,
            mode=mode,
        )
        return await self._submit_placement(
            Placement((new,), (OrderId(order_id),), command_id, command)
        )

    async def request_cancel(self, customer_id: CustomerId, order_id: OrderId) -> QueuedCommand:
        """Queue a cancel. Raises UnknownOrder, or WrongState when the order has ended."""
        [command_id] = await self._command_ids.take(self._pool, 1)
        command = commands.cancel(command_id=command_id, owner=customer_id, order_id=order_id)
        return await self._submit(CommandRequest(command_id, customer_id, command, order_id))

    async def request_amend(
        self, customer_id: CustomerId, order_id: OrderId, *, total_lots: int
    ) -> QueuedCommand:
        """Queue shrinking an order in place. What it holds too much is released when it
        happened.
        """
        [command_id] = await self._command_ids.take(self._pool, 1)
        command = commands.amend(
            command_id=command_id, owner=customer_id, order_id=order_id, total_lots=total_lots
        )
        return await self._submit(CommandRequest(command_id, customer_id, command, order_id))

    async def request_cancel_all(
        self, customer_id: CustomerId, market: MarketId, side: Side | None = None
    ) -> QueuedCommand:
        [command_id] = await self._command_ids.take(self._pool, 1)
        command = commands.cancel_all(command_id=command_id, owner=customer_id, sides=_SIDES[side])
        return await self._submit(CommandRequest(command_id, customer_id, command, market=market))

    async def request_state(self, market: MarketId, state: int) -> QueuedCommand:
        """Queue a change of the market's state, such as `engine.commands.HALTED`."""
        [command_id] = await self._command_ids.take(self._pool, 1)
        command = commands.set_state(command_id=command_id, state=state)
        return await self._submit(CommandRequest(command_id, CustomerId(0), command, market=market))

    async def _submit(self, request: CommandRequest) -> QueuedCommand:
        result = await self._group.submit(request)
        assert isinstance(result, QueuedCommand)
        return result

    async def _submit_placement(self, placement: Placement) -> PlacedOrder:
        result = await self._group.submit(placement)
        assert isinstance(result, PlacedOrder)
        return result

    async def unsent(
        self, limit: int, *, older_than: timedelta = timedelta(seconds=2)
    ) -> list[QueuedCommand]:
        """Commands that are durable but were not reported as sent, oldest first.

        Those just written are left to whoever wrote them. Sending one twice is harmless.
        """
        rows = await self._pool.fetch(_UNSENT, limit, older_than)
        return [
            QueuedCommand(
                row["id"],
                MarketId(row["market"]),
                row["owner"],
                tuple(row["command"]),
                row["order_id"],
                relayed=True,
            )
            for row in rows
        ]

    async def mark_sent(self, command_ids: Sequence[int]) -> None:
        """Report commands as accepted by the queue."""
        await self._pool.execute(_MARK_SENT, command_ids)

    async def find(self, order_id: OrderId) -> StoredOrder | None:
        row = await self._pool.fetchrow(f"{_ORDERS} WHERE id = $1", order_id)
        return None if row is None else order_of(row)

    async def find_by_client_id(
        self, customer_id: CustomerId, client_order_id: ClientOrderId
    ) -> StoredOrder | None:
        row = await self._pool.fetchrow(
            f"{_ORDERS} WHERE customer_id = $1 AND client_order_id = $2",
            customer_id,
            client_order_id,
        )
        return None if row is None else order_of(row)

    async def open_orders(
        self, customer_id: CustomerId, market: MarketId | None = None
    ) -> list[StoredOrder]:
        """Oldest first."""
        rows = await self._pool.fetch(
            f"{_ORDERS} WHERE customer_id = $1 AND closed_at IS NULL"
            " AND ($2::text IS NULL OR market = $2) ORDER BY id",
            customer_id,
            market,
        )
        return [order_of(row) for row in rows]

    async def history(
        self,
        customer_id: CustomerId,
        market: MarketId | None = None,
        *,
        before: OrderId | None = None,
        limit: int = 100,
    ) -> list[StoredOrder]:
        """All orders of the customer, newest first; the next page is `before` the last one's id."""
        rows = await self._pool.fetch(
            f"{_ORDERS} WHERE customer_id = $1 AND ($2::text IS NULL OR market = $2)"
            " AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
            customer_id,
            market,
            before,
            min(limit, PAGE_MAX),
        )
        return [order_of(row) for row in rows]

    async def trades(
        self,
        customer_id: CustomerId,
        market: MarketId,
        *,
        order_id: OrderId | None = None,
        before: TradeId | None = None,
        limit: int = 100,
    ) -> list[StoredTrade]:
        """The customer's trades in a market, newest first."""
        rows = await self._pool.fetch(
            _MY_TRADES, customer_id, market, order_id, before, min(limit, PAGE_MAX)
        )
        return [trade_of(row) for row in rows]

    async def market_trades(
        self, market: MarketId, *, before: TradeId | None = None, limit: int = 100
    ) -> list[StoredTrade]:
        """A market's settled trades, newest first."""
        rows = await self._pool.fetch(
            f"{_TRADES} WHERE market = $1 AND ($2::bigint IS NULL OR id < $2)"
            " ORDER BY id DESC LIMIT $3",
            market,
            before,
            min(limit, PAGE_MAX),
        )
        return [trade_of(row) for row in rows]


def place_command(order: NewOrder, order_id: int, command_id: int) -> commands.Command:
    plain = not (order.trigger_kind or order.display_lots or order.budget or order.expires_us)
    if plain:
        return commands.place(
            command_id=command_id,
            owner=order.customer_id,
            order_id=order_id,
            terms=order.terms_with_side(),
            price=order.price_ticks,
            lots=order.lots,
        )
    return commands.place_special(
        command_id=command_id,
        owner=order.customer_id,
        order_id=order_id,
        terms=order.terms_with_side(),
        price=order.price_ticks,
        lots=order.lots,
        trigger_kind=order.trigger_kind,
        trigger=order.trigger,
        display_lots=order.display_lots,
        budget=order.budget,
        expires_us=order.expires_us,
    )


def _second_of_pair(first: PlacedOrder, order_id: OrderId) -> PlacedOrder:
    return PlacedOrder(
        order_id, first.command_id, first.market, first.command, first.placed_at, first.replayed
    )


# Only the names of our own columns are put in.
_ORDERS = "SELECT " + ", ".join(ORDER_COLUMNS) + " FROM orders"  # noqa: S608
_TRADES = "SELECT " + ", ".join(TRADE_COLUMNS) + " FROM trades"  # noqa: S608

_MY_TRADES = """
SELECT * FROM (
    (SELECT * FROM trades WHERE maker_id = $1 AND market = $2
        AND ($3::bigint IS NULL OR maker_order_id = $3) AND ($4::bigint IS NULL OR id < $4)
     ORDER BY id DESC LIMIT $5)
    UNION
    (SELECT * FROM trades WHERE taker_id = $1 AND market = $2
        AND ($3::bigint IS NULL OR taker_order_id = $3) AND ($4::bigint IS NULL OR id < $4)
     ORDER BY id DESC LIMIT $5)
) AS mine ORDER BY id DESC LIMIT $5
"""

_UNSENT = """
SELECT id, market, owner, order_id, command FROM order_commands
WHERE sent_at IS NULL AND created_at < clock_timestamp() - $2::interval ORDER BY id LIMIT $1
"""

_MARK_SENT = """
UPDATE order_commands SET sent_at = clock_timestamp()
WHERE id = ANY($1::bigint[]) AND sent_at IS NULL
"""
