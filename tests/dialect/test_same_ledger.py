"""The same order through native v1 and through the dialect gives the same ledger entries."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialect.conftest import Customer, House, eventually

FUNDS = {"BTC": "0.05", "USDT": "5000"}
_TYPES = {"LIMIT": "limit", "MARKET": "market", "STOP_LOSS_LIMIT": "stop_limit"}


@dataclass(frozen=True)
class Order:
    side: str
    kind: str
    lots: int
    price: int
    time_in_force: str

    def dialect(self) -> dict[str, str]:
        sent = {"symbol": "BTCUSDT", "side": self.side, "type": self.kind, "quantity": self.size}
        if self.kind != "MARKET":
            sent |= {"price": str(self.price), "timeInForce": self.time_in_force}
        return sent if self.kind != "STOP_LOSS_LIMIT" else {**sent, "stopPrice": self.stop}

    def native(self) -> dict[str, str]:
        sent = {
            "market": "BTC-USDT", "side": self.side.lower(), "type": _TYPES[self.kind],
            "size": self.size,
        }  # fmt: skip
        if self.kind != "MARKET":
            sent |= {"price": str(self.price), "time_in_force": self.time_in_force.lower()}
        return sent if self.kind != "STOP_LOSS_LIMIT" else {**sent, "stop_price": self.stop}

    @property
    def size(self) -> str:
        return f"{self.lots / 10_000:.4f}"

    @property
    def stop(self) -> str:
        """Never met while the market stands at 50,000."""
        return "70000" if self.side == "BUY" else "30000"


ORDERS = st.builds(
    Order,
    side=st.sampled_from(["BUY", "SELL"]),
    kind=st.sampled_from(sorted(_TYPES)),
    lots=st.integers(1, 200),
    price=st.integers(48_000, 52_000),
    time_in_force=st.sampled_from(["GTC", "IOC", "FOK"]),
)


@settings(
    max_examples=40 if os.environ.get("RIALTO_TEST_ALL") else 8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(order=ORDERS)
async def test_the_same_order_gives_the_same_entries(house: House, order: Order) -> None:
    native, dialect = await house.customer(**FUNDS), await house.customer(**FUNDS)
    one = await house.http.post(
        "/v1/orders?wait_ms=5000", json=order.native(),
        headers={"Authorization": f"Bearer {native.token}"},
    )  # fmt: skip
    two = await dialect.send("POST", "/api/v3/order", **order.dialect())
    try:
        assert one.is_success == two.is_success, (order, one.text, two.text)
        await eventually(lambda: quiet(house, native))
        await eventually(lambda: quiet(house, dialect))
        assert await entries(house, native) == await entries(house, dialect)
    finally:
        await native.v1("DELETE", "/v1/orders?market=BTC-USDT")
        await dialect.send("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")


async def quiet(house: House, customer: Customer) -> bool:
    """Whether settlement has written all that the engine did to the customer's orders."""
    waiting = await house.ledger.pool.fetchval(
        "SELECT count(*) FROM orders WHERE customer_id = $1 AND (status = 'placed'"
        " OR (closed_at IS NOT NULL AND EXISTS (SELECT 1 FROM holds"
        "   WHERE holds.id = 'order:' || orders.hold_order_id AND remaining > 0)))",
        customer.id,
    )
    return int(waiting) == 0


async def entries(house: House, customer: Customer) -> list[tuple[Any, ...]]:
    """Every transfer of the customer: its kind, its account kinds, asset and units."""
    rows = await house.ledger.pool.fetch(
        "SELECT e.reason, d.kind AS debit, c.kind AS credit, c.asset, t.units"
        " FROM transfers t JOIN accounts d ON d.id = t.debit_account"
        " JOIN accounts c ON c.id = t.credit_account"
        " JOIN journal_entries e ON e.number = t.entry_number"
        " WHERE $1 IN (d.customer_id, c.customer_id)"
        " ORDER BY e.reason, debit, credit, c.asset, t.units",
        customer.id,
    )
    return [tuple(row) for row in rows]
