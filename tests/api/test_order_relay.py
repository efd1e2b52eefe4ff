"""Commands that were committed and not queued reach the queue from the outbox, in their order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.orders import Orders
from streams.frames import Frame, unpack
from tests.api.conftest import Exchange, problem
from tests.api.test_bad_input import LIMIT
from workers.order_relay import OrderRelay

AT_ONCE = timedelta(0)


class Queue:
    """Remembers frames, or is away."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.is_away = False

    async def send(self, frames: list[Frame]) -> None:
        if self.is_away:
            raise ConnectionRefusedError
        self.frames += frames

    @property
    def command_ids(self) -> list[int]:
        return [
            command[1]
            for frame in self.frames
            for _, commands in unpack(frame.body)
            for command in commands
        ]


@pytest.fixture
async def away(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """The API's queue, which cannot be reached."""
    queue = Queue()
    queue.is_away = True
    monkeypatch.setattr(exchange.services.trading.queue, "send", queue.send)
    return queue


async def test_what_was_held_is_relayed_once(exchange: Exchange, away: Queue) -> None:
    person = await exchange.person(USDT="1000")
    relay = OrderRelay(
        Orders(exchange.ledger), (reached := Queue()), group="spot", older_than=AT_ONCE
    )  # type: ignore[arg-type]
    await relay.relay()

    placed = await person.http.post("/v1/orders", json=LIMIT)
    refused = await person.http.post("/v1/orders", json=LIMIT)
    sent_before = len(reached.command_ids)
    first, second = await relay.relay(), await relay.relay()

    assert placed.status_code == 202
    assert placed.json()["queued"] is False
    problem(refused, 503, "unavailable")
    assert await person.balance("USDT") == ("500", "500")
    assert (first, second) == (1, 0)
    assert len(reached.command_ids) == sent_before + 1


async def test_the_api_takes_orders_again_by_itself(exchange: Exchange, away: Queue) -> None:
    person = await exchange.person(USDT="1000")
    order = LIMIT | {"size": "0.001"}
    await person.http.post("/v1/orders", json=order)
    away.is_away = False

    statuses = []
    while 201 not in statuses:
        statuses.append((await person.http.post("/v1/orders", json=order)).status_code)

    assert set(statuses) <= {201, 503}
