"""Chaos, short: an exchange of its own is broken for a while, mended, and every unit counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.chaos.faults import schedule
from cli.chaos.trial import Exchange, try_out
from cli.demo.story import MAKERS, SCALES, TRADERS, WITHDRAWALS

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 8
SECONDS = 30.0
"""`make chaos` for longer; the seed decides what breaks, the machine when it is felt."""
ORDERS = 20


@pytest.fixture
def broken_exchange() -> Iterator[Exchange]:
    exchange = Exchange(SEED)
    try:
        exchange.start()
        yield exchange
    finally:
        exchange.close()


async def test_a_short_chaos_keeps_every_promise(broken_exchange: Exchange) -> None:
    planned = schedule(SEED, SECONDS)
    assert {"kill", "reorg"} <= {fault.what for fault in planned}
    told: list[str] = []
    outcome = await try_out(
        broken_exchange, seed=SEED, seconds=SECONDS, faults=planned, tell=told.append, orders=ORDERS
    )

    assert outcome.problems == [], "\n".join(told)
    assert outcome.faults + outcome.not_possible == len(planned)
    assert outcome.faults > outcome.not_possible, "\n".join(told)
    assert outcome.totals.deposits >= (len(TRADERS) + len(MAKERS)) * len(SCALES)
    assert outcome.totals.withdrawals >= len(TRADERS) * len(WITHDRAWALS)
    assert outcome.totals.trades > 0
