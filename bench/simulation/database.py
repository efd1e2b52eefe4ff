"""A simulated database: the ledger's rows in memory, changed by the same rules, all or nothing.

`storage/` writes the same things with SQL; the rules of what to write are ledger/'s and shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from domain.errors import ExchangeError
from domain.ids import CustomerId, HoldId, OrderId
from domain.market import Market, MarketId, Side
from engine.commands import Command
from ledger.account import AccountRef, available, held
from ledger.book import Account, Book, Hold
from ledger.entry import CaptureHold, JournalEntry, order_hold
from ledger.settlement import OrderState, Poisoned, Run, SettledTrade, SettlementBatch
from ledger.turn import Cursor, check_order, is_settled
from storage.order_rows import NewOrder, Placement, QueuedCommand
from storage.settlement_events import order_ids_of, tell

_POSTED_AT = "2026-01-31T23:59:59.123456+00:00"
_HEAD = bytes(32)


@dataclass(slots=True)
class Queued:
    """A row of the outbox."""

    command: QueuedCommand
    is_sent: bool = False


class SimulatedDatabase:
    def __init__(self, markets: Mapping[MarketId, Market]) -> None:
        self.markets = markets
        self.accounts: dict[AccountRef, Account] = {}
        self.holds: dict[HoldId, Hold] = {}
        self.entries: set[str] = set()
        self.orders: dict[OrderId, OrderState] = {}
        self.market_of: dict[OrderId, MarketId] = {}
        self.outbox: dict[int, Queued] = {}
        self.cursors = {market: Cursor(1, 0) for market in markets}
        self.trades: dict[MarketId, list[SettledTrade]] = {market: [] for market in markets}
        self._last_id = 0

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def post(self, entries: Sequence[JournalEntry]) -> None:
        """All of them or none. Raises the refusal of the first that is refused."""
        accounts, holds = self._touched(entries)
        book = Book(accounts.values(), holds.values(), _POSTED_AT)
        for entry in entries:
            assert entry.id not in self.entries, f"{entry.id} was posted before"
            book.post(entry, number=len(self.entries) + 1)
        self.accounts |= accounts
        self.holds |= {hold.id: hold for hold in book._holds.values()}  # noqa: SLF001
        self.entries |= {entry.id for entry in entries}

    def place(self, placement: Placement) -> None:
        """Hold, order rows and outbox row in one transaction. Raises InsufficientAvailable."""
        self.post([placement.entry])
        for order_id, order in zip(placement.order_ids, placement.orders, strict=True):
            self.orders[order_id] = _state(order, order_id, placement.order_ids[0])
            self.market_of[order_id] = order.market.id
        first = placement.orders[0]
        self.queue(first.market.id, first.customer_id, placement.command)

    def queue(self, market: MarketId, owner: CustomerId, command: Command) -> None:
        self.outbox[command[1]] = Queued(QueuedCommand(command[1], market, owner, command))

    async def unsent(self, limit: int, *, older_than: timedelta) -> list[QueuedCommand]:
        """For the order relay. Here every command is old enough at once."""
        del older_than
        waiting = [row.command for row in self.outbox.values() if not row.is_sent]
        return waiting[:limit]

    async def mark_sent(self, command_ids: Sequence[int]) -> None:
        for command_id in command_ids:
            self.outbox[command_id].is_sent = True

    def settle(self, batch: SettlementBatch) -> bool:
        """As `storage.settlement.Settlements.settle`; True if the run had been settled before."""
        cursor = self.cursors[batch.market]
        if is_settled(cursor, batch):
            return True
        numbered = msgspec.json.decode(batch.events, type=list[tuple[int, ...]])
        numbered = [event for event in numbered if event[0] >= cursor.next_sequence]
        check_order(batch, (event[0] for event in numbered))
        orders, remaining = self._load(batch.market, order_ids_of(numbered))
        settlement = tell(Run(self.markets[batch.market], orders, remaining), numbered)
        try:
            self.post(settlement.entries)
        except ExchangeError as refused:
            raise Poisoned(refused.message) from refused
        self.orders |= settlement.changed
        self.trades[batch.market] += settlement.trades
        self.cursors[batch.market] = Cursor(batch.last_sequence + 1, batch.epoch)
        return False

    def _load(
        self, market: MarketId, asked: set[OrderId]
    ) -> tuple[dict[OrderId, OrderState], dict[OrderId, int]]:
        """Copies of the orders with the other legs of their pairs, and what their holds have."""
        pairs = {self.orders[order_id].hold_order_id for order_id in asked & self.orders.keys()}
        chosen = [
            order
            for order_id in {*asked, *pairs, *(first + 1 for first in pairs)}
            if (order := self.orders.get(OrderId(order_id))) is not None
            and (order_id in asked or order.hold_order_id in pairs)
            and self.market_of[order.id] == market
        ]
        orders = {order.id: replace(order) for order in chosen}
        holds = {order.hold_order_id for order in chosen}
        return orders, {each: self.holds[order_hold(each)].remaining for each in holds}

    def _touched(
        self, entries: Iterable[JournalEntry]
    ) -> tuple[dict[AccountRef, Account], dict[HoldId, Hold]]:
        """Copies of all that the entries may move."""
        refs: dict[AccountRef, None] = {}  # In order: a set's would differ from run to run.
        ids: dict[HoldId, None] = {}
        for entry in entries:
            for change in entry.holds:
                ids[change.hold_id] = None
                asset = change.credit.asset if isinstance(change, CaptureHold) else change.asset
                refs[held(change.customer_id, asset)] = None
                refs[available(change.customer_id, asset)] = None
                if isinstance(change, CaptureHold):
                    refs[change.credit] = None
            for transfer in entry.transfers:
                refs |= {transfer.debit: None, transfer.credit: None}
        accounts = {ref: self._account(ref, at) for at, ref in enumerate(refs)}
        holds = {
            each: Hold(found.id, found.account, found.remaining)
            for each in ids
            if (found := self.holds.get(each)) is not None
        }
        return accounts, holds

    def _account(self, ref: AccountRef, at: int) -> Account:
        found = self.accounts.get(ref)
        if found is None:
            return Account(ref, len(self.accounts) + at + 1, 0, 0, _HEAD)
        return Account(ref, found.id, found.balance, found.sequence, found.head)


def _state(order: NewOrder, order_id: OrderId, hold_order_id: OrderId) -> OrderState:
    return OrderState(
        id=order_id,
        customer_id=order.customer_id,
        is_buy=order.side is Side.BUY,
        price_ticks=order.price_ticks,
        lots=order.lots,
        has_budget=order.budget > 0,
        hold_order_id=hold_order_id,
        maker_fee_ppm=order.fees.maker_ppm,
        taker_fee_ppm=order.fees.taker_ppm,
        is_known=False,
    )
