"""One connection of `/v1/ws`, from its handshake to its end."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import Any

import msgspec

from api.dependencies import refuse_stale
from api.errors import InternalError, MalformedJson, problem
from api.exchange.caller import Caller, Origin, Scope
from api.exchange.private_stream import PrivateStream
from api.exchange.signatures import canonical_request, is_signed
from api.exchange.token_bucket import TokenBucket
from api.faults import refusal_of
from api.fields import format_time, format_time_us
from api.services import Services
from api.socket.connection import Connection
from api.v1.order_fields import accepted_answer, order_answer, refusal_of_validation
from api.v1.socket.market_channels import BOOK, BOOK_ORDERS, CANDLES, TICKER, TRADES
from api.v1.socket.messages import (
    PRIVATE_CHANNELS,
    Amend,
    AnyCommand,
    Auth,
    Cancel,
    CancelAll,
    CancelOnDisconnect,
    DeadManSwitch,
    Failure,
    Hello,
    Ping,
    Place,
    Reply,
    RequestId,
    Subscribe,
    Unsubscribe,
)
from api.v1.socket.orders_book import orders_snapshot
from api.v1.socket.private_messages import private_messages
from domain.errors import (
    ExchangeError,
    InvalidInput,
    NotAuthenticated,
    RateLimited,
    SignatureInvalid,
    UnknownOrder,
)
from domain.ids import OrderId

logger = logging.getLogger(__name__)

PATH = "/v1/ws"
COMMANDS_PER_SECOND = 200.0
COMMANDS_BURST = 400.0
SUBSCRIPTIONS_MAX = 200
IN_FLIGHT_MAX = 200
_CHECK_SECONDS = 30.0
_POLICY_VIOLATION = 1008
_decoder: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


class SocketSession:
    def __init__(self, services: Services, connection: Connection, origin: Origin) -> None:
        self._services = services
        self._connection = connection
        self._origin = origin
        self._caller: Caller | None = None
        self._token: str | None = None
        self._stream: PrivateStream | None = None
        self._private: set[str] = set()
        self._cancel_markets: tuple[str, ...] = ()
        self._bucket = TokenBucket(COMMANDS_PER_SECOND, COMMANDS_BURST)
        self._in_flight = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self.id = secrets.token_hex(8)

    async def run(self) -> None:
        await self._connection.accept()
        self._connection.push(Hello(self.id, format_time_us(time.time_ns() // 1000)))
        watch = asyncio.create_task(self._watch_access())
        try:
            while (text := await self._connection.receive()) is not None:
                await self._take(text)
        finally:
            watch.cancel()
            await self._end()

    async def _take(self, text: str | bytes) -> None:
        """Orders run side by side but start as they came in; the rest is done one by one."""
        request_id: RequestId = None
        try:
            if not self._bucket.take():
                raise RateLimited("too many commands; wait a moment", retry_after_seconds="1")
            command = _read(text)
            request_id = command.id
        except ExchangeError as refusal:
            self._refuse(request_id, refusal)
            return
        if not isinstance(command, Place | Cancel | CancelAll | Amend):
            await self._run(command)
            return
        await self._in_flight.acquire()
        task = asyncio.create_task(self._run(command))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._in_flight.release()

    async def _run(self, command: AnyCommand) -> None:
        try:
            result = await self._answer(command)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it gets an answer
            self._refuse(command.id, _as_refusal(fault))
            return
        op = str(command.__struct_config__.tag)
        if not isinstance(command, Subscribe):  # Answered before its snapshot.
            self._connection.push(Reply(command.id, op, result))

    async def _answer(self, command: AnyCommand) -> Any:
        match command:
            case Ping():
                return {"server_time": format_time_us(time.time_ns() // 1000)}
            case Auth():
                return await self._authenticate(command)
            case Subscribe():
                return await self._subscribe(command)
            case Unsubscribe():
                return self._unsubscribe(command)
            case CancelOnDisconnect() | DeadManSwitch():
                return await self._guard(command)
            case _:
                return await self._trade(command)

    async def _trade(self, command: Place | Cancel | CancelAll | Amend) -> Any:
        caller = self._require(Scope.TRADE)
        await self._charge(caller)
        desk, wait_seconds = self._services.trading.desk, command.wait_ms / 1000
        match command:
            case Place():
                asked = command.order.asked()
                accepted = await desk.place(caller.customer_id, asked, wait_seconds=wait_seconds)
                return accepted_answer(accepted)
            case Cancel():
                order_id = _order_id(command.order_id)
                return order_answer(
                    await desk.cancel(caller.customer_id, order_id, wait_seconds=wait_seconds)
                )
            case Amend():
                order_id = _order_id(command.order_id)
                order = await desk.amend(
                    caller.customer_id, order_id, command.size, wait_seconds=wait_seconds
                )
                return order_answer(order)
            case CancelAll():
                count = await desk.cancel_all(
                    caller.customer_id, command.market, wait_seconds=wait_seconds
                )
                return {"market": command.market, "canceled": count}

    async def _charge(self, caller: Caller) -> None:
        """An order costs the same here as over HTTP."""
        key_id = None if caller.api_key is None else caller.api_key.id
        limits = self._services.rate_limits
        await limits.take(limits.of_account(caller.customer_id, key_id), 1)

    async def _authenticate(self, command: Auth) -> Any:
        if self._caller is not None:
            raise InvalidInput("this connection is authenticated already")
        if command.token is not None:
            caller = await self._services.people.identity.by_token(command.token, self._origin)
            self._token = command.token
        elif command.api_key is not None:
            caller = await self._by_key(command)
        else:
            raise NotAuthenticated("send a token, or an api_key with timestamp and signature")
        self._caller = caller
        return {"customer_id": str(caller.customer_id), "scopes": sorted(caller.scopes)}

    async def _by_key(self, command: Auth) -> Caller:
        timestamp, signature = command.timestamp or "", command.signature or ""
        assert command.api_key is not None
        refuse_stale(timestamp, self._services.settings.signature_window_seconds)
        identity = self._services.people.identity
        caller = await identity.by_key_id(command.api_key, self._origin)
        assert caller.api_key is not None
        payload = canonical_request(timestamp, "GET", PATH, b"")
        if not is_signed(caller.api_key, payload, signature, self._services.secret_box):
            raise SignatureInvalid("the signature does not fit")
        await self._services.replays.refuse_seen(command.api_key, signature)
        await identity.note_use(caller.api_key)
        return caller

    async def _subscribe(self, command: Subscribe) -> None:
        if command.channel in PRIVATE_CHANNELS:
            await self._follow(command.channel)
            self._confirm(command)
            return
        topic = self._topic(command)
        topics = self._services.sockets.topics
        if len(topics.joined(self._connection)) >= SUBSCRIPTIONS_MAX:
            raise InvalidInput(f"at most {SUBSCRIPTIONS_MAX} subscriptions a connection")
        snapshot = None
        if command.channel == BOOK_ORDERS:
            snapshot = await orders_snapshot(self._services, str(topic[1]))
        self._confirm(command)
        if snapshot is not None:
            self._connection.push(snapshot)
        self._begin(command, str(topic[1]))
        topics.join(topic, self._connection)

    def _confirm(self, command: Subscribe) -> None:
        what = {"channel": command.channel, "market": command.market}
        self._connection.push(Reply(command.id, "subscribe", what))

    def _begin(self, command: Subscribe, market: str) -> None:
        """What a new subscriber needs before the first update; nothing may be awaited after it."""
        channels = self._services.sockets.market_channels
        listed = self._services.catalog.market(market)
        if command.channel == BOOK:
            channel = channels.book(listed.id)
            missed = None
            if command.from_sequence is not None:
                missed = channel.since(command.from_sequence)
            if missed is None:
                self._connection.push(channel.snapshot())
            for payload in missed or ():
                self._connection.push_text(payload)
        elif command.channel == TICKER:
            self._connection.push(channels.ticker(listed))

    def _unsubscribe(self, command: Unsubscribe) -> Any:
        if command.channel in PRIVATE_CHANNELS:
            self._private.discard(command.channel)
        else:
            self._services.sockets.topics.leave(self._topic(command), self._connection)
        return {"channel": command.channel, "market": command.market}

    def _topic(self, command: Subscribe | Unsubscribe) -> tuple[str, ...]:
        if command.market is None:
            raise InvalidInput(f"channel {command.channel} needs a market", field="market")
        market = self._services.catalog.market(command.market)
        if command.channel != CANDLES:
            if command.interval is not None:
                raise InvalidInput("only candles have an interval", field="interval")
            assert command.channel in (BOOK, BOOK_ORDERS, TRADES, TICKER)
            return command.channel, market.id
        if command.interval is None:
            raise InvalidInput("candles need an interval", field="interval")
        return CANDLES, market.id, command.interval

    async def _follow(self, channel: str) -> None:
        caller = self._require(Scope.READ)
        self._private.add(channel)
        if self._stream is None:
            self._stream = self._services.private_stream(caller.customer_id, self._tell)
            await self._stream.open()

    def _tell(self, event: Any) -> None:
        if self._stream is not None and self._stream.has_overflown:
            self._connection.abort()
            return
        for channel, message in private_messages(self._services.catalog, event):
            if channel in self._private:
                self._connection.push(message)

    def _set_cancel_on_disconnect(self, command: CancelOnDisconnect) -> Any:
        self._cancel_markets = tuple(
            self._services.catalog.market(market).id for market in command.markets
        )
        return {"markets": self._cancel_markets}

    async def _guard(self, command: CancelOnDisconnect | DeadManSwitch) -> Any:
        customer_id = self._require(Scope.TRADE).customer_id
        if isinstance(command, CancelOnDisconnect):
            return self._set_cancel_on_disconnect(command)
        if not command.seconds:
            await self._services.dead_man.remove(customer_id)
            return {"fires_at": None}
        put = await self._services.dead_man.put(
            customer_id, seconds=command.seconds, markets=command.markets
        )
        return {"fires_at": format_time(put.fires_at), "markets": put.markets}

    def _require(self, scope: Scope) -> Caller:
        if self._caller is None:
            raise NotAuthenticated("send the auth command first")
        self._caller.require(scope)
        return self._caller

    def _refuse(self, request_id: RequestId, refusal: ExchangeError) -> None:
        body = problem(refusal, request_id=self.id, instance=PATH)
        self._connection.push(Failure(request_id, body))

    async def _watch_access(self) -> None:
        """A session that ended or a key that was revoked ends the connection, too."""
        identity = self._services.people.identity
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            caller = self._caller
            try:
                if self._token is not None:
                    self._caller = await identity.by_token(self._token, self._origin)
                elif caller is not None and caller.api_key is not None:
                    self._caller = await identity.by_key_id(caller.api_key.id, self._origin)
            except ExchangeError as refusal:
                await self._connection.close(_POLICY_VIOLATION, refusal.code)
                return
            except Exception as fault:  # noqa: BLE001 - the database may be away: look again later
                logger.warning("access was not checked", extra={"fault": repr(fault)[:200]})

    async def _end(self) -> None:
        self._connection.ended()
        self._services.sockets.topics.leave_all(self._connection)
        if self._stream is not None:
            self._stream.close()
        for task in tuple(self._tasks):
            await asyncio.wait({task})  # Orders that were sent are placed before all are canceled.
        if self._caller is None:
            return
        for market in self._cancel_markets:
            try:
                await self._services.trading.desk.cancel_all(self._caller.customer_id, market)
            except Exception as fault:
                logger.exception(
                    "orders were not canceled at the end of a connection",
                    extra={"market": market, "fault": repr(fault)[:200]},
                )


def _read(text: str | bytes) -> AnyCommand:
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as fault:
        raise refusal_of_validation(str(fault)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedJson("the message is not valid JSON") from None


def _as_refusal(fault: Exception) -> ExchangeError:
    refusal = refusal_of(fault)
    if refusal is None:
        logger.error("a command failed", exc_info=fault)
        return InternalError("something went wrong on our side; the outcome may be unknown")
    return refusal


def _order_id(text: str) -> OrderId:
    if not text.isascii() or not text.isdigit() or int(text) >= 2**63:
        raise UnknownOrder(f"there is no order {text[:40]}")
    return OrderId(int(text))
