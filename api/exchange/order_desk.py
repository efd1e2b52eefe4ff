"""Placing, changing, canceling and looking up orders: what both dialects of the API call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.exchange.customer_feed import CustomerFeed
from api.exchange.market_data import MarketData
from api.exchange.order_input import Moment, OrderInput, new_order
from api.exchange.order_memory import OrderMemory
from api.exchange.order_sender import STAGE_SECONDS, OrderSender
from api.exchange.order_view import OrderView, placed_view, stored_view
from api.exchange.reports import Reports
from domain.errors import ExchangeError, InvalidInput, UnknownOrder, WrongState
from domain.ids import ClientOrderId, CustomerId, OrderId
from domain.market import Market, Side
from engine import commands
from storage.catalog import Catalog
from storage.fees import FeeSchedule
from storage.order_rows import NewOrder, PlacedOrder, QueuedCommand
from storage.orders import Orders

BATCH_MAX = 100


@dataclass(frozen=True, slots=True)
class Accepted:
    """Held in the ledger and durable. `is_queued` is False while the relay has yet to send it."""

    order: OrderView
    is_queued: bool
    replayed: bool


@dataclass(frozen=True, slots=True)
class Asked:
    market: str
    order: OrderInput


class OrderDesk:
    def __init__(
        self,
        *,
        catalog: Catalog,
        orders: Orders,
        fees: FeeSchedule,
        sender: OrderSender,
        market_data: MarketData,
        feed: CustomerFeed,
        reports: Reports,
        memory: OrderMemory,
    ) -> None:
        self._catalog = catalog
        self._orders = orders
        self._fees = fees
        self._sender = sender
        self._market_data = market_data
        self._feed = feed
        self._reports = reports
        self._memory = memory

    async def check(self, customer_id: CustomerId, asked: Asked) -> NewOrder:
        """The order that would be placed, at the rates in force for this customer now. Raises what
        placing it would, but for the hold.
        """
        market = self._catalog.market(asked.market)
        rates = await self._fees.rates(customer_id, market.id)
        return new_order(asked.order, market, self._moment(market), customer_id, rates)

    async def place(
        self, customer_id: CustomerId, asked: Asked, *, wait_seconds: float = 0.0
    ) -> Accepted:
        """Hold, write and queue one order; with `wait_seconds`, also see what the engine makes of
        it.
        """
        new = await self.check(customer_id, asked)
        [answer] = await self._place(customer_id, [new])
        if isinstance(answer, ExchangeError):
            raise answer
        if wait_seconds and answer.is_queued:
            await self._reports.decision(customer_id, answer.order.id, wait_seconds)
            order = answer.order.with_reports(self._reports.of(answer.order.id))
            return Accepted(order, answer.is_queued, answer.replayed)
        return answer

    async def place_many(
        self, customer_id: CustomerId, asked: Sequence[Asked]
    ) -> list[Accepted | ExchangeError]:
        """Each by itself: one refusal leaves the others alone. Answers in order."""
        if not 0 < len(asked) <= BATCH_MAX:
            raise InvalidInput(f"a batch has 1 to {BATCH_MAX} orders")
        checked: list[NewOrder | ExchangeError] = []
        for each in asked:
            try:
                checked.append(await self.check(customer_id, each))
            except ExchangeError as refusal:
                checked.append(refusal)
        placed = iter(
            await self._place(customer_id, [each for each in checked if isinstance(each, NewOrder)])
        )
        return [next(placed) if isinstance(each, NewOrder) else each for each in checked]

    async def place_pair(
        self,
        customer_id: CustomerId,
        limit: Asked,
        stop: Asked,
        *,
        name: str = "",
        wait_seconds: float = 0.0,
    ) -> list[Accepted]:
        """One cancels the other; see storage.orders.place_pair. `name` is the customer's own."""
        self._sender.require_queue()
        if limit.market != stop.market:
            raise InvalidInput("the two orders of a pair are on the same market")
        pair = [await self.check(customer_id, each) for each in (limit, stop)]
        if pair[0].side is not pair[1].side or pair[0].lots != pair[1].lots:
            raise InvalidInput("the two orders of a pair have the same side and size")
        pair = [replace(each, options={"pair": name}) for each in pair]
        await self._feed.follow(customer_id)
        placed = await self._orders.place_pair(*pair)
        is_queued = await self._send_placed(placed[:1])
        if wait_seconds and is_queued:
            for each in placed:
                await self._reports.decision(customer_id, each.order_id, wait_seconds)
        pair_id = placed[0].order_id
        return [
            Accepted(self._shown(new, each, pair_id=pair_id), is_queued, each.replayed)
            for new, each in zip(pair, placed, strict=True)
        ]

    async def replace(
        self,
        customer_id: CustomerId,
        old_order_id: OrderId,
        asked: Asked,
        *,
        allow_failure: bool = False,
        wait_seconds: float = 0.0,
    ) -> Accepted:
        """Cancel one order and place another in one step of the engine."""
        self._sender.require_queue()
        old = await self.find(customer_id, old_order_id)
        new = await self.check(customer_id, asked)
        if old.market.id != new.market.id:
            raise InvalidInput("the new order must be on the same market", field="market")
        if new.trigger_kind or new.display_lots or new.budget or new.expires_us:
            raise InvalidInput("only plain limit and market orders can replace another")
        mode = commands.ALLOW_FAILURE if allow_failure else commands.STOP_ON_FAILURE
        await self._feed.follow(customer_id)
        placed = await self._orders.replace(old_order_id, new, mode=mode)
        is_queued = await self._send_placed([placed])
        if wait_seconds:
            await self._reports.decision(customer_id, placed.order_id, wait_seconds)
        return Accepted(self._shown(new, placed), is_queued, placed.replayed)

    async def cancel(
        self, customer_id: CustomerId, order_id: OrderId, *, wait_seconds: float = 0.0
    ) -> OrderView:
        """Ask for the end of an order. Raises UnknownOrder, or WrongState when it has ended.

        With `wait_seconds` the answer shows the engine's decision, if it came in that time.
        """
        if self._reports.has_ended(customer_id, order_id):
            raise WrongState(f"order {order_id} is not open any more")
        await self._feed.follow(customer_id)
        queued = await self._orders.request_cancel(customer_id, order_id)
        await self._send_queued(queued)
        if wait_seconds:
            report = await self._reports.end(customer_id, order_id, queued.command_id, wait_seconds)
            if report is not None and report.kind == "refused":
                raise WrongState(f"order {order_id} is not open any more", reason=report.reason)
        return await self.find(customer_id, order_id)

    async def amend(
        self, customer_id: CustomerId, order_id: OrderId, size: str, *, wait_seconds: float = 0.0
    ) -> OrderView:
        """Shrink an order in place; it keeps its priority. `size` counts what was filled."""
        before = await self.find(customer_id, order_id)
        lots = before.market.parse_size(size)
        if lots >= before.lots:
            raise WrongState("an order can only be made smaller; replace it to make it larger")
        await self._feed.follow(customer_id)
        queued = await self._orders.request_amend(customer_id, order_id, total_lots=lots)
        await self._send_queued(queued)
        if wait_seconds:
            report = await self._reports.reduction(
                customer_id,
                order_id,
                command_id=queued.command_id,
                since=before.last_sequence,
                seconds=wait_seconds,
            )
            if report is not None and report.kind == "refused":
                raise WrongState(f"order {order_id} was not changed", reason=report.reason)
        return await self.find(customer_id, order_id)

    async def cancel_all(
        self,
        customer_id: CustomerId,
        market: str,
        side: Side | None = None,
        *,
        wait_seconds: float = 0.0,
    ) -> int | None:
        """Ask for the end of every open order on a market; how many, where the engine said so."""
        listed = self._catalog.market(market)
        await self._feed.follow(customer_id)
        queued = await self._orders.request_cancel_all(customer_id, listed.id, side)
        await self._send_queued(queued)
        if not wait_seconds:
            return None
        report = await self._reports.answer(customer_id, queued.command_id, wait_seconds)
        return None if report is None else report.lots

    async def find(self, customer_id: CustomerId, order_id: OrderId) -> OrderView:
        """Raises UnknownOrder, also for other people's orders."""
        stored = await self._orders.find(order_id)
        if stored is None or stored.customer_id != customer_id:
            raise UnknownOrder(f"there is no order {order_id}")
        view = stored_view(stored, self._catalog.market(stored.market))
        return view.with_reports(self._reports.of(order_id))

    async def find_by_client_id(
        self, customer_id: CustomerId, client_order_id: ClientOrderId
    ) -> OrderView:
        stored = await self._orders.find_by_client_id(customer_id, client_order_id)
        if stored is None:
            raise UnknownOrder(f"there is no order with the client order id {client_order_id}")
        view = stored_view(stored, self._catalog.market(stored.market))
        return view.with_reports(self._reports.of(stored.id))

    async def open_orders(
        self, customer_id: CustomerId, market: Market | None = None
    ) -> list[OrderView]:
        """Oldest first."""
        found = await self._orders.open_orders(customer_id, market.id if market else None)
        views = (
            stored_view(each, self._catalog.market(each.market)).with_reports(
                self._reports.of(each.id)
            )
            for each in found
        )
        return [view for view in views if view.is_open]

    async def history(
        self, customer_id: CustomerId, market: Market | None, *, before: int | None, limit: int
    ) -> list[OrderView]:
        """Newest first."""
        found = await self._orders.history(
            customer_id,
            market.id if market else None,
            before=None if before is None else OrderId(before),
            limit=limit,
        )
        return [
            stored_view(each, self._catalog.market(each.market)).with_reports(
                self._reports.of(each.id)
            )
            for each in found
        ]

    async def _place(
        self, customer_id: CustomerId, new: Sequence[NewOrder]
    ) -> list[Accepted | ExchangeError]:
        self._sender.require_queue()
        await self._feed.follow(customer_id)
        with STAGE_SECONDS.labels("commit").time():
            answers = await self._orders.place(new)
        fresh = [each for each in answers if isinstance(each, PlacedOrder)]
        is_queued = await self._send_placed(fresh)
        return [
            Accepted(self._shown(order, answer), is_queued, answer.replayed)
            if isinstance(answer, PlacedOrder)
            else answer
            for order, answer in zip(new, answers, strict=True)
        ]

    def _shown(
        self, new: NewOrder, placed: PlacedOrder, *, pair_id: OrderId | None = None
    ) -> OrderView:
        view = placed_view(new, placed, pair_id=pair_id)
        if not placed.replayed:
            self._memory.put(view)
        return view.with_reports(self._reports.of(placed.order_id))

    async def _send_placed(self, placed: Sequence[PlacedOrder]) -> bool:
        return await self._sender.send(
            (each.market, each.command_id, each.command) for each in placed if not each.replayed
        )

    async def _send_queued(self, queued: QueuedCommand) -> bool:
        """Unless its order's own command still waits for the relay: then the relay sends both."""
        if queued.relayed:
            return False
        return await self._sender.send([(queued.market, queued.command_id, queued.command)])

    def _moment(self, market: Market) -> Moment:
        book = self._market_data.book(market.id)
        bid, ask = book.best_bid, book.best_ask
        return Moment(
            state=book.state,
            best_bid=bid[0] if bid else 0,
            best_ask=ask[0] if ask else 0,
            last_price=book.last_price,
        )
