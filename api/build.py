"""Builds the parts of an API process, waiting for the servers they need, and closes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from valkey.asyncio import Valkey

from api.dependencies import viewer_of
from api.dialect.build import build_dialect
from api.dialect.build import loops as dialect_loops
from api.dialect.parts import DialectParts
from api.exchange import customer_feed
from api.exchange.address_book import AddressBook
from api.exchange.customer_feed import CustomerFeed
from api.exchange.dead_man import DeadManSwitch
from api.exchange.funds import Funds
from api.exchange.identity import Identity
from api.exchange.market_data import MarketData
from api.exchange.market_history import MarketHistory
from api.exchange.order_desk import OrderDesk
from api.exchange.order_memory import OrderMemory
from api.exchange.order_sender import OrderSender
from api.exchange.passkeys import Passkeys
from api.exchange.passwords import Passwords
from api.exchange.rate_limits import RateLimits
from api.exchange.readiness import Readiness
from api.exchange.replays import Replays
from api.exchange.reports import Reports
from api.exchange.second_factor import SecondFactor
from api.exchange.secret_box import SecretBox, open_secret_box
from api.exchange.webhook_desk import WebhookDesk
from api.exchange.withdrawal_starter import WithdrawalStarter
from api.faults import refusal_of
from api.kyc.desk import KycDesk
from api.kyc_webhook import KycWebhook
from api.search.build import StaffAudit, build_search
from api.services import People, Services, Sockets, Trading
from api.settings import ApiSettings
from api.socket.topics import Topics
from api.v1.socket.market_channels import MarketChannels
from chains.bitcoin.network import network
from domain.errors import Unavailable
from storage.api_keys import ApiKeys
from storage.catalog import Catalog, read_catalog
from storage.customers import Customers
from storage.dead_man import DeadMen
from storage.documents import DocumentBucket
from storage.dynamo import Dynamo
from storage.engine import create_engine
from storage.fees import FeeSchedule
from storage.generations import LivingGenerations
from storage.idempotency import IdempotencyKeys
from storage.kyc import KycStore
from storage.ledger import Ledger
from storage.login_attempts import LoginAttempts
from storage.orders import Orders
from storage.second_factors import SecondFactors
from storage.sessions import Sessions
from storage.trade_limits import TradeLimits
from storage.webhooks import Webhooks
from streams import aws
from streams.envelope import personal_envelope, webhook_envelope
from streams.order_queue import OrderQueue
from streams.pubsub import Subscriber
from streams.temporal import connect

logger = logging.getLogger(__name__)

T = TypeVar("T")
_RETRY_SECONDS = 0.5
_VALKEY_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class _Opened:
    """Connections and what was read over them at the start."""

    settings: ApiSettings
    engine: AsyncEngine
    valkey: Valkey
    temporal: Client
    catalog: Catalog
    box: SecretBox
    ledger: Ledger


@asynccontextmanager
async def build(settings: ApiSettings) -> AsyncIterator[Services]:
    """Services until the block ends; what was begun is finished before it does."""
    async with AsyncExitStack() as closing:
        opened = await _open(settings, closing)
        trading = await _trading(opened, closing)
        sockets = _sockets(opened.catalog, trading, closing)
        services = _services(opened, trading, sockets)
        for loop in dialect_loops(services.dialect):
            _in_background(loop, closing)
        _in_background(services.dead_man.run(), closing)
        closing.push_async_callback(services.search.desk.close)
        yield services


async def _open(settings: ApiSettings, closing: AsyncExitStack) -> _Opened:
    engine = create_engine(
        settings.database_url, pool_size=settings.database_pool_size, application="api"
    )
    closing.push_async_callback(engine.dispose)
    valkey = Valkey.from_url(
        settings.valkey_url,
        socket_timeout=_VALKEY_SECONDS,
        socket_connect_timeout=_VALKEY_SECONDS,
    )
    closing.push_async_callback(valkey.aclose)
    catalog = await _patiently(lambda: _catalog(engine))
    box = await _patiently(lambda: open_secret_box(engine))
    ledger = await _patiently(lambda: Ledger.open(engine))
    closing.push_async_callback(ledger.close)
    # Lazily: trading goes on while Temporal is away.
    temporal = await connect(settings, lazy=True)
    return _Opened(settings, engine, valkey, temporal, catalog, box, ledger)


async def _trading(opened: _Opened, closing: AsyncExitStack) -> Trading:
    settings, catalog, valkey = opened.settings, opened.catalog, opened.valkey
    market_data = MarketData(valkey, catalog.markets)

    def handle(channel: str, message: bytes) -> None:
        if market_data.owns(channel):
            market_data.handle(channel, message)
        elif customer_feed.owns(channel):
            feed.handle(channel, message)

    async def on_connected(_: Iterable[str]) -> None:
        await market_data.reload_all()

    subscriber = Subscriber(valkey, handle, on_connected)
    await subscriber.subscribe(*market_data.channels)
    feed = CustomerFeed(subscriber)
    reports = Reports(feed)
    queue = OrderQueue(settings.order_queue)
    orders = Orders(opened.ledger, TradeLimits())
    sender = OrderSender(
        queue, group_of=lambda _: settings.market_group, mark_sent=orders.mark_sent
    )
    living = LivingGenerations(Dynamo(aws.client("dynamodb"), settings.table_prefix))
    history = MarketHistory(living.serving, market_data, catalog.markets)
    loops = (
        subscriber.run(),
        feed.forget_idle(),
        sender.run(),
        sender.run_marking(),
        history.run(),
    )
    for loop in loops:
        _in_background(loop, closing)
    closing.push_async_callback(sender.drained)
    closing.push_async_callback(orders.close)
    memory, fees = OrderMemory(catalog, orders), FeeSchedule(opened.engine)
    desk = OrderDesk(
        catalog=catalog,
        orders=orders,
        fees=fees,
        sender=sender,
        market_data=market_data,
        feed=feed,
        reports=reports,
        memory=memory,
    )
    return Trading(market_data, history, feed, reports, queue, desk, orders, fees, memory)


def _sockets(catalog: Catalog, trading: Trading, closing: AsyncExitStack) -> Sockets:
    topics = Topics()
    channels = MarketChannels(catalog, trading.market_data, trading.history, topics)
    _in_background(channels.run(), closing)
    return Sockets(topics, channels)


def _services(opened: _Opened, trading: Trading, sockets: Sockets) -> Services:
    settings, engine, temporal = opened.settings, opened.engine, opened.temporal
    kyc_store = KycStore(engine)
    documents = DocumentBucket(aws.client("s3"), settings.documents_bucket)
    funds = Funds(
        engine=engine,
        ledger=opened.ledger,
        catalog=opened.catalog,
        network=network(settings.bitcoin_network),
        workflows=WithdrawalStarter(temporal, opened.catalog),
        address_patience_seconds=settings.address_patience_seconds,
    )
    return Services(
        settings=settings,
        engine=engine,
        valkey=opened.valkey,
        temporal=temporal,
        catalog=opened.catalog,
        ledger=opened.ledger,
        secret_box=opened.box,
        people=_people(settings, engine, opened.box),
        trading=trading,
        sockets=sockets,
        dialect=_dialect(opened, trading, sockets),
        idempotency_keys=IdempotencyKeys(engine),
        replays=Replays(opened.valkey, window_seconds=settings.signature_window_seconds),
        rate_limits=RateLimits(opened.valkey, factor=settings.rate_factor),
        funds=funds,
        address_book=AddressBook(engine, opened.catalog, funds.normal_address),
        dead_man=DeadManSwitch(DeadMen(engine), trading.desk, opened.catalog),
        webhooks=_webhooks(settings, engine),
        kyc=KycDesk(temporal, kyc_store, personal_envelope(aws.client("kms")), documents),
        kyc_webhook=KycWebhook(temporal, kyc_store, settings.webhook_secrets),
        search=build_search(
            opensearch_url=settings.opensearch_url,
            table_prefix=settings.table_prefix,
            dynamodb=aws.client("dynamodb"),
            catalog=opened.catalog,
            viewer_of=viewer_of,
            audit=StaffAudit(engine),
        ),
        readiness=Readiness(
            {
                "postgres": lambda: _ask(engine),
                "valkey": opened.valkey.ping,
                "order_queue": lambda: _ask_queue(settings.order_queue),
                "temporal": temporal.service_client.check_health,
            }
        ),
    )


def _webhooks(settings: ApiSettings, engine: AsyncEngine) -> WebhookDesk:
    envelope = webhook_envelope(aws.client("kms"))
    allow_loopback = settings.webhook_allow_loopback
    return WebhookDesk(Webhooks(engine), envelope, allow_loopback=allow_loopback)


def _dialect(opened: _Opened, trading: Trading, sockets: Sockets) -> DialectParts:
    return build_dialect(
        catalog=opened.catalog,
        ledger=opened.ledger,
        valkey=opened.valkey,
        market_data=trading.market_data,
        history=trading.history,
        topics=sockets.topics,
    )


def _people(settings: ApiSettings, engine: AsyncEngine, box: SecretBox) -> People:
    customers, sessions, api_keys = Customers(engine), Sessions(engine), ApiKeys(engine)
    attempts, factors = LoginAttempts(engine), SecondFactors(engine)
    identity = Identity(
        customers=customers,
        sessions=sessions,
        api_keys=api_keys,
        attempts=attempts,
        passwords=Passwords(),
        session_lifetime=settings.session_lifetime,
    )
    second_factor = SecondFactor(
        factors=factors,
        sessions=sessions,
        attempts=attempts,
        box=box,
        step_up_lasts=timedelta(minutes=settings.step_up_minutes),
    )
    passkeys = Passkeys(
        factors, domain=settings.passkey_domain, origins=settings.passkey_origin_list
    )
    return People(customers, sessions, api_keys, factors, identity, second_factor, passkeys)


def _in_background(work: Coroutine[Any, Any, None], closing: AsyncExitStack) -> None:
    """Run until the process stops. These loops handle their own faults: an end is a bug."""
    task = asyncio.create_task(work)
    task.add_done_callback(_log_end)
    closing.callback(task.cancel)


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.critical("a background loop ended", exc_info=task.exception())


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Wait for a server that is still starting; anything but "it is down" is raised."""
    while True:
        try:
            return await work()
        except Exception as fault:
            refusal = refusal_of(fault)
            if not isinstance(refusal, Unavailable):
                raise
            logger.info("waiting for a server", extra={"fault": repr(fault)[:200]})
        await asyncio.sleep(_RETRY_SECONDS)


async def _catalog(engine: AsyncEngine) -> Catalog:
    async with engine.connect() as connection:
        return await read_catalog(connection)


async def _ask_queue(name: str) -> None:
    await asyncio.to_thread(aws.client("sqs").get_queue_url, QueueName=name)


async def _ask(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
