"""Orders lately placed or asked about, so that reports can be told in full without a query."""

from __future__ import annotations

from collections import OrderedDict

from api.exchange.order_view import OrderView, stored_view
from domain.ids import CustomerId, OrderId
from storage.catalog import Catalog
from storage.orders import Orders

_SIZE = 100_000


class OrderMemory:
    """What an order was asked to be never changes but by amending, which reports tell."""

    def __init__(self, catalog: Catalog, orders: Orders) -> None:
        self._catalog = catalog
        self._orders = orders
        self._views: OrderedDict[int, OrderView] = OrderedDict()

    def put(self, order: OrderView) -> None:
        self._views[order.id] = order
        self._views.move_to_end(order.id)
        if len(self._views) > _SIZE:
            self._views.popitem(last=False)

    def known(self, order_id: int) -> OrderView | None:
        return self._views.get(order_id)

    async def of(self, customer_id: CustomerId, order_id: OrderId) -> OrderView | None:
        """The order as remembered, else as stored; None when it is not this customer's."""
        view = self._views.get(order_id)
        if view is None:
            stored = await self._orders.find(order_id)
            if stored is None:
                return None
            view = stored_view(stored, self._catalog.market(stored.market))
            self.put(view)
        return view if view.customer_id == customer_id else None
