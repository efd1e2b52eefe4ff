"""What an order is worth decides whether it is too small; no server is needed to say so."""

from __future__ import annotations

from decimal import Decimal

import pytest

from api.exchange.order_input import Moment, OrderInput, OrderType, new_order
from domain.errors import MarketRuleBroken
from domain.ids import CustomerId
from domain.market import Side
from engine.commands import TRAIL_BPS
from ledger.fees import FeeRates
from storage.catalog import LISTED
from storage.order_rows import NewOrder

MARKET = LISTED[0]
LAST_TICKS = 6_000_000
"""60,000 USDT: the smallest order of 5 USDT is 0.0001 BTC, one lot."""


def _trailing(side: Side, size: str, last_ticks: int = LAST_TICKS) -> NewOrder:
    asked = OrderInput(side=side, type=OrderType.TRAILING_STOP, size=size, trail_bps=1250)
    moment = Moment("trading", last_ticks, last_ticks + 1, last_ticks)
    return new_order(asked, MARKET, moment, CustomerId(1), FeeRates())


@pytest.mark.parametrize("side", list(Side))
def test_a_trailing_stop_is_worth_what_the_market_says(side: Side):
    order = _trailing(side, "0.0001")
    assert (order.trigger_kind, order.trigger) == (TRAIL_BPS, 1250)
    assert Decimal(LAST_TICKS) / 100 * Decimal("0.0001") >= 5


@pytest.mark.parametrize("side", list(Side))
def test_a_trailing_stop_below_the_smallest_value_is_refused(side: Side):
    with pytest.raises(MarketRuleBroken, match="below the smallest allowed"):
        _trailing(side, "0.0001", last_ticks=400_000)
