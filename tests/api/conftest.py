"""A real API on real servers; only HTTP's socket is left out."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest
import uvicorn
from argon2 import PasswordHasher
from sqlalchemy import text
from websockets.asyncio.client import ClientConnection, connect

from api.app import Application
from api.exchange.caller import Origin
from api.main import create_app, server_config
from api.services import Services
from api.settings import ApiSettings
from compliance.tiers import Tier
from devstack import seed_aws
from devstack.rented import Database, RentedStack, elsewhere
from domain.ids import CustomerId, EntryId
from domain.money import AssetCode
from ledger.account import AccountKind, available, house
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage.engine import create_engine
from storage.ledger import Ledger
from streams.aws import pointed_at
from streams.market_data import (
    MarketUpdate,
    Message,
    OrderReports,
    customer_channel,
    encode,
    market_channel,
)
from tests.api.search_site import site
from tests.without_signer import count_new_addresses_as_checked

__all__ = ["site"]
PASSWORD = "a long enough one"
_numbers = itertools.count(1)


@dataclass
class Person:
    """A customer with a session."""

    id: CustomerId
    http: httpx.AsyncClient

    async def balance(self, asset: str) -> tuple[str, str]:
        found = (await self.http.get(f"/v1/balances/{asset}")).json()
        return found["available"], found["held"]


class Socket:
    """A client of `/v1/ws` that waits for what it expects, never for a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[dict[str, Any]] = []

    async def send(self, **command: object) -> None:
        await self.connection.send(json.dumps(command))

    async def until(self, **fields: object) -> dict[str, Any]:
        """The next message with these fields; others are kept in `seen`."""
        async with asyncio.timeout(10):
            while True:
                message = json.loads(await self.connection.recv())
                self.seen.append(message)
                if fields.items() <= message.items():
                    return dict(message)

    async def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """Send a command and wait for its reply or error."""
        number = len(self.seen) + 1_000
        await self.send(op=op, id=number, **fields)
        return await self.until(id=number)


class Exchange:
    """The API under test, and what a test may do behind its back."""

    def __init__(self, app: object, services: Services, ledger: Ledger) -> None:
        self.app = app
        self.services = services
        self.ledger = ledger
        self.http = self.client()
        self.ws_url = ""

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def person(self, **funds: str) -> Person:
        """A new customer, logged in, without limits, owning `funds` such as `BTC="1"`.

        Their password is hashed once for all: it is the slowest part of registering.
        """
        email, people = f"person{next(_numbers)}@example.com", self.services.people
        customer = await people.customers.register(email, _hashed_password())
        login = await people.identity.open_session(customer, Origin("127.0.0.1", "a test"))
        person = Person(customer.id, self.client(authorization=f"Bearer {login.token}"))
        await self.set_tier(customer.id, Tier.ENHANCED)
        for asset, amount in funds.items():
            await self.give(person.id, asset, amount)
        return person

    async def publish(self, message: Message) -> None:
        """What the shipper would publish."""
        if isinstance(message, MarketUpdate):
            channel = market_channel(message.market)
        else:
            assert isinstance(message, OrderReports)
            channel = customer_channel(message.customer_id)
        await self.services.valkey.publish(channel, encode(message))

    @asynccontextmanager
    async def socket(self, person: Person | None = None) -> AsyncIterator[Socket]:
        async with connect(f"{self.ws_url}/v1/ws", compression=None) as connection:
            socket = Socket(connection)
            await socket.until(type="hello")
            if person is not None:
                token = person.http.headers["authorization"].removeprefix("Bearer ")
                assert (await socket.ask("auth", token=token))["type"] == "reply"
            yield socket

    async def give(self, customer_id: CustomerId, asset: str, amount: str) -> None:
        units = self.services.catalog.asset(asset).parse(amount).units
        code = AssetCode(asset)
        transfer = Transfer(
            house(AccountKind.DEPOSIT_WALLET, code), available(customer_id, code), units
        )
        entry_id = EntryId(f"test-gift:{next(_numbers)}")
        entry = JournalEntry(entry_id, EntryReason.DEPOSIT, "a test", (transfer,), ())
        await self.ledger.post(entry)

    async def set_tier(self, customer_id: CustomerId, tier: int) -> None:
        async with self.ledger.pool.acquire() as connection:
            await connection.execute(
                "UPDATE customers SET kyc_tier = $2 WHERE id = $1", customer_id, tier
            )

    async def as_api(self, statement: str, **values: object) -> None:
        """Change what only the API's role may."""
        async with self.services.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def entries(self) -> int:
        """How many journal entries there are: a refusal must not add any."""
        return int(await self.ledger.pool.fetchval("SELECT count(*) FROM journal_entries"))


@cache
def _hashed_password() -> str:
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD)


@pytest.fixture(scope="session")
def servers(stack: RentedStack) -> RentedStack:
    """The servers every API test needs, with queues and keys; AWS clients find them."""
    stack.require("postgres", "valkey", "ministack", "roto")
    with pointed_at(stack.env):
        elsewhere(seed_aws.seed)
    return stack


@pytest.fixture(scope="module")
def clients(servers: RentedStack) -> Iterator[None]:
    """This process's AWS clients are those of the servers, whatever others pointed them at."""
    with pointed_at(servers.env):
        yield


@pytest.fixture(scope="module")
def more_settings() -> dict[str, Any]:
    """For a module to override: settings of its own."""
    return {}


@pytest.fixture(scope="module")
async def exchange(
    servers: RentedStack, clients: None, database: Database, more_settings: dict[str, Any]
) -> AsyncIterator[Exchange]:
    usual: dict[str, Any] = {
        "database_url": database.api,
        "valkey_url": servers.env["RIALTO_VALKEY_URL"],
        "temporal_address": servers.env["RIALTO_TEMPORAL_ADDRESS"],
        "trusted_proxies": "",
        "rate_factor": 1000,
    }
    owner = create_engine(database.owner, pool_size=1)
    await count_new_addresses_as_checked(owner)
    await owner.dispose()
    settings = ApiSettings(**(usual | more_settings))
    app = create_app(settings)
    engine = create_engine(database.worker, pool_size=2)
    ledger = await Ledger.open(engine)
    async with app.router.lifespan_context(app), serving(app, settings) as port:
        running = Exchange(app, app.state.services, ledger)
        running.ws_url = f"ws://127.0.0.1:{port}"
        yield running
    await ledger.close()
    await engine.dispose()


@asynccontextmanager
async def serving(app: Application, settings: ApiSettings) -> AsyncIterator[int]:
    """The application on a real port, for what needs a real connection."""
    config = server_config(app, settings, port=0)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def eventually(holds: Callable[[], bool | Awaitable[bool]], *, seconds: float = 10) -> None:
    """Wait until it holds, for so long at most."""
    async with asyncio.timeout(seconds):
        while True:
            answer = holds()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.01)


def problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """The problem document of a refusal, checked for its shape."""
    body = response.json()
    assert response.status_code == status, body
    assert response.headers["content-type"] == "application/problem+json"
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"] == f"/v1/errors/{code}"
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    return dict(body)
