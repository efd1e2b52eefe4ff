"""The parts one API process works with; built in api/build.py, asked for by routes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from valkey.asyncio import Valkey

from api.dialect.parts import DialectParts
from api.exchange.address_book import AddressBook
from api.exchange.customer_feed import CustomerFeed
from api.exchange.dead_man import DeadManSwitch
from api.exchange.funds import Funds
from api.exchange.identity import Identity
from api.exchange.market_data import MarketData
from api.exchange.market_history import MarketHistory
from api.exchange.order_desk import OrderDesk
from api.exchange.order_memory import OrderMemory
from api.exchange.passkeys import Passkeys
from api.exchange.private_stream import PrivateStream, Tell
from api.exchange.rate_limits import RateLimits
from api.exchange.readiness import Readiness
from api.exchange.replays import Replays
from api.exchange.reports import Reports
from api.exchange.second_factor import SecondFactor
from api.exchange.secret_box import SecretBox
from api.exchange.webhook_desk import WebhookDesk
from api.kyc.desk import KycDesk
from api.kyc_webhook import KycWebhook
from api.search.routes import SearchParts
from api.settings import ApiSettings
from api.socket.topics import Topics
from api.v1.socket.market_channels import MarketChannels
from domain.ids import CustomerId
from storage.api_keys import ApiKeys
from storage.catalog import Catalog
from storage.customers import Customers
from storage.fees import FeeSchedule
from storage.idempotency import IdempotencyKeys
from storage.ledger import Ledger
from storage.orders import Orders
from storage.second_factors import SecondFactors
from storage.sessions import Sessions
from streams.order_queue import OrderQueue


@dataclass(frozen=True, slots=True)
class People:
    """Customers and how they prove who they are."""

    customers: Customers
    sessions: Sessions
    api_keys: ApiKeys
    second_factors: SecondFactors
    identity: Identity
    second_factor: SecondFactor
    passkeys: Passkeys


@dataclass(frozen=True, slots=True)
class Trading:
    """Markets and orders."""

    market_data: MarketData
    history: MarketHistory
    feed: CustomerFeed
    reports: Reports
    queue: OrderQueue
    desk: OrderDesk
    orders: Orders
    fees: FeeSchedule
    memory: OrderMemory


@dataclass(frozen=True, slots=True)
class Sockets:
    """What all WebSockets share."""

    topics: Topics
    market_channels: MarketChannels


@dataclass(frozen=True, slots=True)
class Services:
    settings: ApiSettings
    engine: AsyncEngine
    valkey: Valkey
    temporal: Client
    catalog: Catalog
    ledger: Ledger
    secret_box: SecretBox
    people: People
    trading: Trading
    sockets: Sockets
    dialect: DialectParts
    idempotency_keys: IdempotencyKeys
    replays: Replays
    rate_limits: RateLimits
    funds: Funds
    address_book: AddressBook
    dead_man: DeadManSwitch
    webhooks: WebhookDesk
    kyc: KycDesk
    kyc_webhook: KycWebhook
    search: SearchParts
    readiness: Readiness

    def private_stream(self, customer_id: CustomerId, tell: Tell) -> PrivateStream:
        return PrivateStream(
            customer_id,
            feed=self.trading.feed,
            memory=self.trading.memory,
            ledger=self.ledger,
            tell=tell,
        )
