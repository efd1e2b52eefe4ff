"""Two orders that cancel each other, as the dialect's order list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.dialect.numbers import milliseconds
from api.dialect.order_words import OWN_PREFIX, canceled, client_id_of, result
from api.dialect.symbols import symbol_of
from api.exchange.order_view import OrderView


def order_list(orders: Sequence[OrderView]) -> dict[str, Any]:
    """As looking one up answers; `orders` are those of one pair."""
    first = orders[0]
    is_over = not any(each.is_open for each in orders)
    return {
        "orderListId": first.pair_id,
        "contingencyType": "OCO",
        "listStatusType": "ALL_DONE" if is_over else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if is_over else "EXECUTING",
        "listClientOrderId": list_name(first),
        "transactionTime": milliseconds(max(each.updated_at for each in orders)),
        "symbol": symbol_of(first.market),
        "orders": [
            {
                "symbol": symbol_of(each.market),
                "orderId": each.id,
                "clientOrderId": client_id_of(each),
            }
            for each in orders
        ],
    }


def list_name(order: OrderView) -> str:
    return order.pair_name or f"{OWN_PREFIX}list-{order.pair_id}"


def placed_list(orders: Sequence[OrderView]) -> dict[str, Any]:
    return {**order_list(orders), "orderReports": [result(each) for each in orders]}


def canceled_list(orders: Sequence[OrderView]) -> dict[str, Any]:
    reports = [canceled(each, client_id_of(each)) for each in orders]
    return {**order_list(orders), "orderReports": reports}
