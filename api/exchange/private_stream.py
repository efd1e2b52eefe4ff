"""What happens to one customer, in order and in full: order reports, balances, coins coming, going.

Reports carry numbers only; here they meet the order they are about. Balances are read again when
something moved them, a moment later, so that a burst of fills gives one reading.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from api.exchange.customer_feed import CustomerFeed, Message
from api.exchange.order_memory import OrderMemory
from api.exchange.order_view import OrderView
from domain.ids import CustomerId, OrderId
from storage.ledger import Balance, Ledger
from streams.market_data import OrderReport, OrderReports
from streams.notices import BalanceNotice, DepositNotice, WithdrawalNotice

logger = logging.getLogger(__name__)

_QUEUE_MAX = 10_000
_BALANCE_SECONDS = 0.05
"""From a movement to the reading, so that one fill's reports give one."""
_BALANCE_REST_SECONDS = 0.2
"""From a reading to the next: who trades all the time hears of it five times a second."""
_VIEWS_MAX = 10_000
_MOVES_FUNDS = frozenset(
    {"accepted", "rested", "waiting", "filled", "canceled", "expired", "rejected", "reduced"}
)


@dataclass(frozen=True, slots=True)
class OrderChanged:
    order: OrderView
    """As it stands after the report."""
    report: OrderReport


@dataclass(frozen=True, slots=True)
class CommandAnswered:
    """A report about a command rather than an order: refused, all canceled."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class BalancesChanged:
    balances: list[Balance]
    """Those that differ from what was told before."""


Event = OrderChanged | CommandAnswered | BalancesChanged | DepositNotice | WithdrawalNotice
Tell = Callable[[Event], None]


class PrivateStream:
    """Follows a customer from `open` to `close`; `tell` is called in order and must not block."""

    def __init__(
        self,
        customer_id: CustomerId,
        *,
        feed: CustomerFeed,
        memory: OrderMemory,
        ledger: Ledger,
        tell: Tell,
    ) -> None:
        self._customer_id = customer_id
        self._feed = feed
        self._memory = memory
        self._ledger = ledger
        self._tell = tell
        self._queue: asyncio.Queue[Message] = asyncio.Queue(_QUEUE_MAX)
        self._moved = asyncio.Event()
        self._views: OrderedDict[int, OrderView] = OrderedDict()
        self._told: dict[str, tuple[int, int]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.has_overflown = False

    async def open(self) -> None:
        self._told = {
            each.asset: (each.available_units, each.held_units)
            for each in await self._ledger.balances(self._customer_id)
        }
        await self._feed.add(self._customer_id, self._heard)
        self._tasks = [
            asyncio.create_task(self._tell_messages()),
            asyncio.create_task(self._tell_balances()),
        ]

    def close(self) -> None:
        self._feed.remove(self._customer_id, self._heard)
        for task in self._tasks:
            task.cancel()

    def _heard(self, _: CustomerId, message: Message) -> None:
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.has_overflown = True

    async def _tell_messages(self) -> None:
        while True:
            message = await self._queue.get()
            try:
                await self._tell_message(message)
            except Exception as fault:  # noqa: BLE001 - the database may be away; news go on
                logger.warning("private news were lost", extra={"fault": repr(fault)[:200]})

    async def _tell_message(self, message: Message) -> None:
        if isinstance(message, OrderReports):
            for report in message.reports:
                await self._tell_report(report)
        elif isinstance(message, BalanceNotice):
            self._moved.set()
        else:
            self._tell(message)

    async def _tell_report(self, report: OrderReport) -> None:
        if not report.order_id or report.kind in ("refused", "canceled_all"):
            self._tell(CommandAnswered(report))
            return
        view = self._views.get(report.order_id) or await self._memory.of(
            self._customer_id, OrderId(report.order_id)
        )
        if view is None:
            return
        view = view.with_reports([report])
        self._views[report.order_id] = view
        self._views.move_to_end(report.order_id)
        if len(self._views) > _VIEWS_MAX:
            self._views.popitem(last=False)
        self._tell(OrderChanged(view, report))
        if report.kind in _MOVES_FUNDS:
            self._moved.set()

    async def _tell_balances(self) -> None:
        while True:
            await self._moved.wait()
            await asyncio.sleep(_BALANCE_SECONDS)
            self._moved.clear()
            try:
                balances = await self._ledger.balances(self._customer_id)
            except Exception as fault:  # noqa: BLE001 - read again at the next movement
                logger.warning("balances were not read", extra={"fault": repr(fault)[:200]})
                continue
            changed = [each for each in balances if self._differs(each)]
            if changed:
                self._tell(BalancesChanged(changed))
            await asyncio.sleep(_BALANCE_REST_SECONDS)

    def _differs(self, balance: Balance) -> bool:
        now = (balance.available_units, balance.held_units)
        if self._told.get(balance.asset, (0, 0)) == now:
            return False
        self._told[balance.asset] = now
        return True
