"""Applies a market's events to one store. Events that were applied before change nothing.

The order of the writes makes a crash harmless: trades, histories and candles first, side by side,
then documents, and last the note which events are applied. What was written without its note is
written again.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field

from activities.projecting.store import Store
from domain.market import Market, MarketId
from projections import document, ranges
from projections.document import Document
from projections.market import MarketFacts
from projections.order import OrderEvent, OrderState, step
from projections.ranges import Ranges
from storage.dynamo_candles import add_to_candles
from storage.dynamo_checkpoints import Progress, read_progress, write_progress
from storage.dynamo_orders import order_states, put_order_events
from storage.dynamo_trades import put_trades
from storage.search_index import DocumentRefused

STATES_MAX = 200_000
"""Orders remembered: about 100 MB. Another order's history is read from the store when needed."""

_BIRTHS = frozenset({"accepted", "rested", "waiting"})
"""An order begins with one of these, or is `rejected`; but so is a repeat of one that lives."""


@dataclass(slots=True)
class _Memory:
    """What this process knows of a market, true as long as nobody else writes its progress."""

    progress: Progress
    since_us: int
    """Orders whose first event is later are new to us; of others the store may know more."""
    states: OrderedDict[int, OrderState] = field(default_factory=OrderedDict)


class MarketProjection:
    """Applies events of any market to one store. Used by one thread at a time."""

    def __init__(self, store: Store, *, again: bool = False) -> None:
        """`again` also applies what is noted as applied: after a part of the tables was lost."""
        self._store = store
        self._again = again
        self._memories: dict[MarketId, _Memory] = {}

    def apply(self, market: Market, facts: MarketFacts) -> list[DocumentRefused]:
        """Apply what is new; returns the documents that the search index refuses."""
        try:
            return self._apply(market, facts)
        except BaseException:
            self._memories.pop(market.id, None)  # It may be ahead of what was written.
            raise

    def _apply(self, market: Market, facts: MarketFacts) -> list[DocumentRefused]:
        while True:
            memory = self._memories.get(market.id) or self._remember(market.id)
            fresh = _fresh(facts, () if self._again else memory.progress.applied)
            if not fresh.sequences:
                return []
            refused = self._write(market, memory, fresh)
            if self._note(memory, fresh):
                return refused
            # Somebody else applied events of this market meanwhile: what we remember is not all.
            del self._memories[market.id]

    def _remember(self, market: MarketId) -> _Memory:
        progress = read_progress(self._store.dynamo, market)
        memory = _Memory(progress, progress.last_event_us)
        self._memories[market] = memory
        return memory

    def _write(self, market: Market, memory: _Memory, fresh: MarketFacts) -> list[DocumentRefused]:
        dynamo = self._store.dynamo
        dynamo.side_by_side(
            lambda: put_trades(dynamo, fresh.trades),
            lambda: put_order_events(dynamo, fresh.order_events),
            lambda: add_to_candles(dynamo, fresh.trades),
        )
        documents = [document.of_trade(trade, market) for trade in fresh.trades]
        documents += self._orders(market, memory, fresh.order_events)
        return self._store.index(documents)

    def _orders(self, market: Market, memory: _Memory, events: list[OrderEvent]) -> list[Document]:
        by_order: defaultdict[int, list[OrderEvent]] = defaultdict(list)
        for event in sorted(events, key=lambda each: each.sequence):
            by_order[event.order_id].append(event)
        unknown = []
        for order_id, mine in by_order.items():
            if not _step_all(memory, order_id, mine):
                unknown.append(order_id)
        memory.states.update(order_states(self._store.dynamo, unknown))
        while len(memory.states) > STATES_MAX + len(by_order):
            memory.states.popitem(last=False)
        states = (memory.states[order_id] for order_id in by_order)
        return [document.of_order(state, market) for state in states]

    def _note(self, memory: _Memory, fresh: MarketFacts) -> bool:
        before = memory.progress
        after = Progress(
            before.market,
            max(before.epoch, fresh.epoch),
            ranges.union(before.applied, ranges.of(fresh.sequences)),
            max(before.last_event_us, fresh.last_event_us),
            max([before.last_trade_id, *(trade.id for trade in fresh.trades)]),
            before.version + 1,
        )
        memory.progress = after
        return write_progress(self._store.dynamo, before, after)


def _fresh(facts: MarketFacts, applied: Ranges) -> MarketFacts:
    """Those of the events that are not applied yet, each once."""
    sequences = {s for s in facts.sequences if not ranges.contains(applied, s)}
    trades = {trade.sequence: trade for trade in facts.trades if trade.sequence in sequences}
    events = {
        (event.sequence, event.order_id): event
        for event in facts.order_events
        if event.sequence in sequences
    }
    return MarketFacts(
        list(trades.values()),
        list(events.values()),
        sorted(sequences),
        facts.epoch,
        facts.last_event_us,
    )


def _step_all(memory: _Memory, order_id: int, events: list[OrderEvent]) -> bool:
    """Bring the remembered state up to date; False when it must be folded from the store."""
    state = memory.states.pop(order_id, None)
    first = events[0]
    if state is None and not (first.kind in _BIRTHS and _is_news(memory, first)):
        return False
    if state is not None and first.sequence <= state.sequence:
        return False  # A late event: it belongs before what the state already holds.
    for event in events:
        state = step(state, event)
    assert state is not None
    memory.states[order_id] = state
    return True


def _is_news(memory: _Memory, event: OrderEvent) -> bool:
    """Whether it lies wholly after what was applied before we began, and after all since."""
    return event.at_us > memory.since_us and event.sequence > memory.progress.last_sequence
