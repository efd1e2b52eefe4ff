"""The WebSocket: snapshots and deltas that fit together, private news, order entry, ends."""

from __future__ import annotations

import asyncio
from zlib import crc32

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from streams.market_data import OrderReport
from tests.api.conftest import Exchange, Person, Socket, eventually
from tests.api.shipper import MARKET, Shipper
from tests.api.test_bad_input import LIMIT

NOW_US = 1_795_353_600_000_000


@pytest.fixture(scope="module")
async def shipper(exchange: Exchange) -> Shipper:
    made = Shipper(exchange)
    first = await made.levels((1, 4_999_900, 10), (0, 5_000_100, 20))
    book = exchange.services.trading.market_data.book(MARKET)  # type: ignore[arg-type]

    async def heard() -> bool:
        """Told again until then: the API may not have subscribed yet."""
        if book.sequence != made.sequence:
            await exchange.publish(first)
        return book.sequence == made.sequence

    await eventually(heard)
    return made


async def settled(exchange: Exchange, shipper: Shipper) -> None:
    """Until the API has applied all that the shipper published."""
    book = exchange.services.trading.market_data.book(MARKET)  # type: ignore[arg-type]
    await eventually(lambda: book.sequence == shipper.sequence)


class BookReader:
    """Follows a book as docs/api/websocket.md tells clients to."""

    def __init__(self, snapshot: dict[str, object]) -> None:
        self.sides = {side: dict(snapshot[side]) for side in ("bids", "asks")}  # type: ignore[call-overload]
        self.sequence = snapshot["sequence"]

    def apply(self, update: dict[str, object]) -> None:
        assert update["previous_sequence"] == self.sequence
        self.sequence = update["sequence"]
        for side, levels in self.sides.items():
            for price, size in update[side]:  # type: ignore[attr-defined]
                levels[price] = size
                if size == "0":
                    del levels[price]
        assert self.checksum() == update["checksum"]

    def checksum(self) -> int:
        def steps(side: str, *, best_is_high: bool) -> list[tuple[int, int]]:
            levels = [
                (round(float(price) * 100), round(float(size) * 10_000))
                for price, size in self.sides[side].items()
            ]
            return sorted(levels, reverse=best_is_high)[:10]

        ten = steps("asks", best_is_high=False) + steps("bids", best_is_high=True)
        return crc32("".join(f"{price}:{lots}," for price, lots in ten).encode())


async def test_a_book_is_a_snapshot_and_what_follows_it(
    exchange: Exchange, shipper: Shipper
) -> None:
    async with exchange.socket() as socket:
        await socket.send(op="subscribe", id=1, channel="book", market=MARKET)
        await socket.until(type="reply", id=1)
        reader = BookReader(await socket.until(type="book_snapshot"))
        for change in ((1, 4_999_900, 0), (1, 4_999_800, 7), (0, 5_000_100, 3)):
            await shipper.levels(change)
        while reader.sequence != shipper.sequence:
            reader.apply(await socket.until(type="book_update"))

    assert reader.sides["bids"]["49998"] == "0.0007"
    assert reader.sides["asks"]["50001"] == "0.0003"


async def test_what_was_missed_comes_instead_of_a_snapshot(
    exchange: Exchange, shipper: Shipper
) -> None:
    async with exchange.socket() as socket:
        await socket.send(op="subscribe", channel="book", market=MARKET)
        reader = BookReader(await socket.until(type="book_snapshot"))
    for lots in (4, 5, 6):
        await shipper.levels((0, 5_000_200, lots))
        await settled(exchange, shipper)

    async with exchange.socket() as socket:
        await socket.send(
            op="subscribe", channel="book", market=MARKET, from_sequence=reader.sequence
        )
        while reader.sequence != shipper.sequence:
            reader.apply(await socket.until(type="book_update"))
        assert all(message["type"] != "book_snapshot" for message in socket.seen)

    assert reader.sides["asks"]["50002"] == "0.0006"


async def test_an_unknown_sequence_gets_a_snapshot(exchange: Exchange, shipper: Shipper) -> None:
    async with exchange.socket() as socket:
        await socket.send(op="subscribe", channel="book", market=MARKET, from_sequence=10**9)
        await socket.until(type="book_snapshot")


async def test_trades_and_orders_of_a_book_are_told(exchange: Exchange, shipper: Shipper) -> None:
    async with exchange.socket() as socket:
        await socket.ask("subscribe", channel="trades", market=MARKET)
        await socket.ask("subscribe", channel="book_orders", market=MARKET)
        await socket.until(type="book_orders_snapshot")
        await shipper.levels((0, 5_000_100, 2), trades=1)

        orders = await socket.until(type="book_orders_update")
        trades = (await socket.until(type="trades"))["trades"]

    assert orders["changes"][0]["price"] == "50001"
    assert trades[0] | {"id": ""} == {
        "id": "",
        "price": "50001",
        "size": "0.0005",
        "taker_side": "buy",
        "time": "2026-11-22T13:20:00.000Z",
    }


async def test_private_channels_need_a_session(exchange: Exchange) -> None:
    async with exchange.socket() as socket:
        refused = await socket.ask("subscribe", channel="orders")

    assert refused["type"] == "error"
    assert refused["problem"]["code"] == "not_authenticated"


async def test_an_order_is_told_from_rest_to_fill(exchange: Exchange, shipper: Shipper) -> None:
    person = await exchange.person(USDT="1000")
    async with exchange.socket(person) as socket:
        for channel in ("orders", "fills", "balances"):
            await socket.ask("subscribe", channel=channel)
        placed = await socket.ask("place", order=LIMIT | {"client_order_id": "ws-1"})
        order_id = int(placed["result"]["id"])
        await report_fill(shipper, person, order_id)

        rested = await socket.until(type="order", event="rested")
        filled = await socket.until(type="order", event="filled")
        fill = await socket.until(type="fill")
        await socket.until(type="balances")

    assert rested["order"]["status"] == "open"
    assert rested["order"]["client_order_id"] == "ws-1"
    assert filled["order"]["status"] == "filled"
    assert filled["order"]["filled_size"] == "0.01"
    assert fill["fee"] == "0.00001"
    assert fill["fee_asset"] == "BTC"


async def report_fill(shipper: Shipper, person: Person, order_id: int) -> None:
    await shipper.report(
        person.id,
        OrderReport(
            MARKET, 1_000_001, NOW_US, "rested", order_id, "buy", price=5_000_000, lots=100,
            open_lots=100,
        ),
        OrderReport(
            MARKET, 1_000_002, NOW_US, "filled", order_id, "buy", price=5_000_000, lots=100,
            trade_id=77, role="maker",
        ),
    )  # fmt: skip


async def test_one_persons_news_stay_his_own(exchange: Exchange, shipper: Shipper) -> None:
    one, two = await exchange.person(USDT="1000"), await exchange.person()
    async with exchange.socket(one) as mine, exchange.socket(two) as theirs:
        await mine.ask("subscribe", channel="orders")
        await theirs.ask("subscribe", channel="orders")
        placed = await mine.ask("place", order=LIMIT)
        await report_fill(shipper, one, int(placed["result"]["id"]))
        await mine.until(type="order", event="filled")
        await theirs.ask("ping")

        assert all(message["type"] != "order" for message in theirs.seen)


async def test_a_disconnect_cancels_where_asked(exchange: Exchange) -> None:
    person = await exchange.person(USDT="1000")
    async with exchange.socket(person) as socket:
        await socket.ask("cancel_on_disconnect", markets=[MARKET])
        await socket.ask("place", order=LIMIT)

    await eventually(lambda: has_cancel_all(exchange, person))


async def has_cancel_all(exchange: Exchange, person: Person) -> bool:
    query = "SELECT count(*) > 0 FROM order_commands WHERE owner = $1 AND order_id IS NULL"
    return bool(await exchange.ledger.pool.fetchval(query, person.id))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("{", "malformed_json"),
        ("[]", "invalid_input"),
        ('{"op":"dance"}', "invalid_input"),
        ('{"op":"subscribe","channel":"book"}', "invalid_input"),
        ('{"op":"subscribe","channel":"book","market":"BTC-EUR"}', "unknown_market"),
        ('{"op":"subscribe","channel":"candles","market":"BTC-USDT"}', "invalid_input"),
        ('{"op":"auth"}', "not_authenticated"),
        ('{"op":"auth","token":"rs_invented"}', "not_authenticated"),
        ('{"op":"auth","api_key":"k","timestamp":"1","signature":"s"}', "signature_invalid"),
        ('{"op":"cancel","order_id":"1"}', "not_authenticated"),
        ('{"op":"place","order":{"market":"BTC-USDT","side":"buy","price":1}}', "invalid_amount"),
        ('{"op":"ping","extra":1}', "invalid_input"),
    ],
)
async def test_wrong_commands_get_problems(exchange: Exchange, command: str, code: str) -> None:
    async with exchange.socket() as socket:
        await socket.connection.send(command)
        answer = await socket.until(type="error")

    assert answer["problem"]["code"] == code


async def test_a_foreign_page_may_not_connect(exchange: Exchange) -> None:
    address = f"{exchange.ws_url}/v1/ws"

    with pytest.raises(InvalidStatus) as refused:
        async with connect(address, origin=Origin("https://evil.example")):
            pass
    async with connect(address, origin=Origin(exchange.ws_url.replace("ws:", "http:"))) as own:
        assert await own.recv()

    assert refused.value.response.status_code == 403


async def test_too_many_commands_are_refused(exchange: Exchange) -> None:
    async with exchange.socket() as socket:
        for number in range(600):
            await socket.send(op="ping", id=number)
        answer = await socket.until(type="error")

    assert answer["problem"]["code"] == "rate_limited"


async def test_a_consumer_that_does_not_read_is_cut_off(
    exchange: Exchange, shipper: Shipper
) -> None:
    async with exchange.socket() as socket:
        await socket.ask("subscribe", channel="book", market=MARKET)
        topics = exchange.services.sockets.topics
        socket.connection.transport.pause_reading()

        async with asyncio.timeout(30):
            while topics.has(("book", MARKET)):
                topics.publish(("book", MARKET), b"x" * 200_000)
                await asyncio.sleep(0)


async def test_orders_can_be_canceled_over_the_socket(exchange: Exchange, shipper: Shipper) -> None:
    person = await exchange.person(USDT="1000")
    async with exchange.socket(person) as socket:
        placed = await socket.ask("place", order=LIMIT)
        order_id = placed["result"]["id"]
        canceling = asyncio.create_task(cancel(socket, order_id))
        await eventually(lambda: has_cancel(exchange, order_id))
        await shipper.report(
            person.id,
            OrderReport(
                MARKET, 2_000_001, NOW_US, "canceled", int(order_id), "buy", price=5_000_000,
                lots=100, reason="by_owner",
            ),
        )  # fmt: skip
        answer = await canceling

    assert answer["result"]["status"] == "canceled"
    assert answer["result"]["reason"] == "by_owner"


async def has_cancel(exchange: Exchange, order_id: str) -> bool:
    query = "SELECT count(*) > 1 FROM order_commands WHERE order_id = $1"
    return bool(await exchange.ledger.pool.fetchval(query, int(order_id)))


async def cancel(socket: Socket, order_id: str) -> dict[str, object]:
    return await socket.ask("cancel", order_id=order_id, wait_ms=5000)
