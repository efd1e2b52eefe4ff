"""The engine's recent reports on orders, and waiting for the one that answers a command."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeVar

from api.exchange.customer_feed import CustomerFeed, Message
from domain.ids import CustomerId, OrderId
from streams.market_data import OrderReport, OrderReports

T = TypeVar("T")

_ORDERS_MAX = 100_000
_ANSWERS_MAX = 10_000
_REPORTS_PER_ORDER_MAX = 1_100
"""One command makes at most a thousand trades."""
_DECIDED = frozenset({"rested", "waiting", "canceled", "expired", "rejected"})
_ENDED = frozenset({"canceled", "expired", "rejected"})


class Reports:
    """By order and by command, the newest to stay. What is lost shows up when settlement writes."""

    def __init__(self, feed: CustomerFeed) -> None:
        self._by_order: OrderedDict[int, tuple[CustomerId, list[OrderReport]]] = OrderedDict()
        self._answers: OrderedDict[int, OrderReport] = OrderedDict()
        self._news: dict[CustomerId, set[asyncio.Future[None]]] = {}
        feed.listen_to_all(self._heard)

    def of(self, order_id: OrderId) -> Sequence[OrderReport]:
        story = self._by_order.get(order_id)
        return story[1] if story is not None else ()

    def has_ended(self, customer_id: CustomerId, order_id: OrderId) -> bool:
        """Whether this customer's order is known to have ended; False also for other people's."""
        story = self._by_order.get(order_id)
        return story is not None and story[0] == customer_id and _ends(story[1][-1])

    async def decision(
        self, customer_id: CustomerId, order_id: OrderId, seconds: float
    ) -> OrderReport | None:
        """The report that the order rests, waits for its trigger, or has ended."""
        return await self._until(customer_id, lambda: self._first(order_id, _decides), seconds)

    async def end(
        self, customer_id: CustomerId, order_id: OrderId, command_id: int, seconds: float
    ) -> OrderReport | None:
        """The report that ended the order, or that refused the command."""

        def look() -> OrderReport | None:
            return self._first(order_id, _ends) or self._answers.get(command_id)

        return await self._until(customer_id, look, seconds)

    async def reduction(
        self,
        customer_id: CustomerId,
        order_id: OrderId,
        *,
        command_id: int,
        since: int,
        seconds: float,
    ) -> OrderReport | None:
        """The report after sequence `since` that shrank or ended the order, or the refusal."""

        def shrank(report: OrderReport) -> bool:
            return report.sequence > since and (report.kind == "reduced" or _ends(report))

        def look() -> OrderReport | None:
            return self._first(order_id, shrank) or self._answers.get(command_id)

        return await self._until(customer_id, look, seconds)

    async def answer(
        self, customer_id: CustomerId, command_id: int, seconds: float
    ) -> OrderReport | None:
        """The report that names this command: refused, or all canceled."""
        return await self._until(customer_id, lambda: self._answers.get(command_id), seconds)

    def _first(self, order_id: OrderId, fits: Callable[[OrderReport], bool]) -> OrderReport | None:
        return next((report for report in self.of(order_id) if fits(report)), None)

    async def _until(
        self, customer_id: CustomerId, look: Callable[[], T | None], seconds: float
    ) -> T | None:
        """What `look` finds, looking again at each report; None after `seconds`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (found := look()) is None:
            left = deadline - loop.time()
            if left <= 0:
                return None
            news: asyncio.Future[None] = loop.create_future()
            self._news.setdefault(customer_id, set()).add(news)
            await asyncio.wait({news}, timeout=left)
            self._news.get(customer_id, set()).discard(news)
        return found

    def _heard(self, customer_id: CustomerId, message: Message) -> None:
        if not isinstance(message, OrderReports):
            return
        for report in message.reports:
            if report.order_id:
                self._keep(customer_id, report)
            if report.command_id:
                self._answers[report.command_id] = report
        while len(self._answers) > _ANSWERS_MAX:
            self._answers.popitem(last=False)
        for news in self._news.pop(customer_id, ()):
            if not news.done():
                news.set_result(None)

    def _keep(self, customer_id: CustomerId, report: OrderReport) -> None:
        _, kept = self._by_order.setdefault(report.order_id, (customer_id, []))
        if kept and report.sequence <= kept[-1].sequence:
            return  # Told twice.
        kept.append(report)
        del kept[:-_REPORTS_PER_ORDER_MAX]
        self._by_order.move_to_end(report.order_id)
        if len(self._by_order) > _ORDERS_MAX:
            self._by_order.popitem(last=False)


def _decides(report: OrderReport) -> bool:
    return report.kind in _DECIDED or _ends(report)


def _ends(report: OrderReport) -> bool:
    """The last report of an order's story."""
    if report.kind == "filled":
        return report.open_lots == 0
    return report.kind in _ENDED
