"""The L3 snapshot: every order of a book, from the key where the shipper keeps it."""

from __future__ import annotations

from api.services import Services
from api.v1.socket.messages import OrderRow, OrdersSnapshotMessage
from domain.errors import Unavailable
from domain.market import Market
from streams.market_data import OrdersSnapshot, decode, orders_key


async def orders_snapshot(services: Services, market: str) -> OrdersSnapshotMessage:
    """A little older than the updates that follow: drop those up to its `sequence`."""
    listed = services.catalog.market(market)
    text = await services.valkey.get(orders_key(market))
    if text is None:
        return OrdersSnapshotMessage(market, 0, [], [])
    snapshot = decode(text)
    if not isinstance(snapshot, OrdersSnapshot):
        raise Unavailable("the book's orders cannot be read at the moment", part="market data")
    return OrdersSnapshotMessage(
        market=market,
        sequence=snapshot.sequence,
        bids=_rows(listed, snapshot.bids),
        asks=_rows(listed, snapshot.asks),
    )


def _rows(market: Market, orders: list[tuple[int, int, int]]) -> list[OrderRow]:
    return [
        (str(order_id), market.format_price(price), market.format_size(lots))
        for order_id, price, lots in orders
    ]
