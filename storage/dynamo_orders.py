"""Orders' histories in DynamoDB: one partition per order, one item per event, never changed.

The state of an order is the fold of its items, so nothing has to be updated in order. The item of
an order's first event is also in the index of its customer, spread as fills are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from heapq import nlargest
from itertools import groupby

from domain.ids import CustomerId, OrderId
from domain.market import MarketId
from projections.order import OrderEvent, OrderState, fold
from storage.dynamo import Dynamo, Span
from storage.dynamo_tables import BY_CUSTOMER, ORDERS
from storage.dynamo_values import Item

SPREAD = 8
_GOLDEN = 2_654_435_761
"""2^32 divided by the golden ratio: Knuth's multiplier for scattering consecutive numbers."""

BIRTHS = frozenset({"accepted", "rested", "waiting", "rejected"})
"""What an order's history begins with."""


def put_order_events(dynamo: Dynamo, events: Iterable[OrderEvent]) -> None:
    """Write events; a repeat changes nothing."""
    dynamo.put_many(ORDERS, (_event_item(event) for event in events))


def order_history(dynamo: Dynamo, order_id: OrderId) -> list[OrderEvent]:
    """What happened to the order, oldest first."""
    return [_to_event(item) for item in dynamo.query_all(ORDERS, _order_key(order_id))]


def order_states(dynamo: Dynamo, order_ids: Sequence[int]) -> dict[int, OrderState]:
    """States of those of the orders that have a history."""
    folded = {each: fold(events) for each, events in order_histories(dynamo, order_ids).items()}
    return {each: state for each, state in folded.items() if state is not None}


def orders_of(
    dynamo: Dynamo, customer_id: CustomerId, *, before: OrderId, limit: int = 50
) -> list[OrderId]:
    """Numbers of a customer's newest orders below `before`, newest first."""
    span = Span(high=f"{before - 1:020}~", descending=True, limit=2 * limit)
    found: set[int] = set()
    for part in range(SPREAD):
        page = dynamo.query(ORDERS, f"{customer_id}#{part}", span, BY_CUSTOMER)
        found |= {item["order_id"] for item in page.items}
    return [OrderId(order_id) for order_id in nlargest(limit, found)]


def scan(dynamo: Dynamo) -> Iterator[OrderState]:
    """Every order's state."""
    for _, events in scan_histories(dynamo):
        state = fold(events)
        if state is not None:
            yield state


def scan_histories(dynamo: Dynamo) -> Iterator[tuple[int, list[OrderEvent]]]:
    """Every order with its events. A partition's items come together, so one order is held."""
    for _, items in groupby(dynamo.scan(ORDERS), key=lambda item: item["pk"]):
        events = [_to_event(item) for item in items]
        yield events[0].order_id, events


def order_histories(dynamo: Dynamo, order_ids: Sequence[int]) -> dict[int, list[OrderEvent]]:
    """Events of those of the orders that have any."""
    histories = dynamo.query_each(ORDERS, [_order_key(order_id) for order_id in order_ids])
    return {
        order_id: [_to_event(item) for item in items]
        for order_id, items in zip(order_ids, histories, strict=True)
        if items
    }


def _order_key(order_id: int) -> str:
    return f"order#{order_id}"


def _part(order_id: int) -> int:
    """Scattered, for numbers of one customer's orders have patterns: where they answer each of
    another's, all are even.
    """
    return ((order_id * _GOLDEN) & 0xFFFF_FFFF) * SPREAD >> 32


def _event_item(event: OrderEvent) -> Item:
    details = {name: value for name, value in asdict(event).items() if value not in (0, "")}
    item = {"pk": _order_key(event.order_id), "sk": f"{event.sequence:020}"} | details
    if event.kind in BIRTHS:
        item["customer_pk"] = f"{event.owner}#{_part(event.order_id)}"
        item["customer_sk"] = f"{event.order_id:020}"
    return item


def _to_event(item: Item) -> OrderEvent:
    return OrderEvent(
        MarketId(item["market"]),
        item["order_id"],
        item.get("owner", 0),
        item["sequence"],
        item["at_us"],
        item["kind"],
        item.get("side", ""),
        item.get("price_ticks", 0),
        item.get("lots", 0),
        item.get("open_lots", 0),
        item.get("reason", ""),
        item.get("trade_id", 0),
        item.get("role", ""),
    )
