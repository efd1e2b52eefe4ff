"""The real exchange for trading clients: API, engine, settlement, on servers of its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from compliance.tiers import Tier
from devstack.environment import database_url
from devstack.rented import RentedStack
from domain.ids import CustomerId, EntryId
from domain.money import AssetCode
from ledger.account import AccountKind, available
from ledger.account import house as house_account
from ledger.entry import EntryReason, JournalEntry, Transfer
from storage.audit import audit_ledger
from storage.audit_chain import verify_chain
from storage.catalog import BTC, ETH, USDT
from storage.engine import create_engine
from storage.ledger import Ledger

PASSWORD = "a long enough one"
PARTS = (
    "signer_worker",  # It checks deposit addresses before they are shown.
    "api",
    "matching_engine",
    "shipper",
    "order_relay",
    "workflow_worker",
    "data_processor",
)
CHECKOUT = Path(__file__).parents[2]
CLIENTS = CHECKOUT / ".venv-clients" / "bin" / "python"
_ASSETS = {asset.code: asset for asset in (BTC, ETH, USDT)}
_numbers = itertools.count(time.time_ns() // 1_000_000)
_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_ED25519 = ed25519.Ed25519PrivateKey.generate()
Json = dict[str, Any]


@dataclass
class Key:
    """An API key, and how its owner signs."""

    id: str
    kind: str
    secret: str = ""

    def sign(self, payload: str) -> str:
        if self.kind == "hmac":
            return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if self.kind == "ed25519":
            return base64.b64encode(_ED25519.sign(payload.encode())).decode()
        signature = _RSA.sign(payload.encode(), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode()

    def pem(self) -> str:
        """The private half, as client libraries read it."""
        private = _ED25519 if self.kind == "ed25519" else _RSA
        text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return text.decode()


@dataclass
class Customer:
    """Somebody with an API key who speaks the dialect."""

    id: CustomerId
    key: Key
    http: httpx.AsyncClient
    token: str

    async def ask(self, method: str, path: str, **parameters: Any) -> Any:
        """The body of a successful answer."""
        answer = await self.send(method, path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, **parameters: Any) -> tuple[int, int, str]:
        """Status, code and sentence of a refusal."""
        answer = await self.send(method, path, **parameters)
        body = answer.json()
        assert answer.status_code >= 400, body
        return answer.status_code, body["code"], body["msg"]

    async def send(self, method: str, path: str, **parameters: Any) -> httpx.Response:
        """Signed; of POST in a form, else in the query."""
        headers = {"X-MBX-APIKEY": self.key.id}
        values = {"timestamp": str(now_ms()), **parameters}
        payload = urlencode(values)
        signed = f"{payload}&{urlencode({'signature': self.key.sign(payload)})}"
        if method == "POST":
            return await self.http.request(method, path, content=signed, headers=headers)
        return await self.http.request(method, f"{path}?{signed}", headers=headers)

    async def order(self, **fields: Any) -> Json:
        body = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        answer: Json = await self.ask("POST", "/api/v3/order", **{**body, **fields})
        return answer

    async def v1(self, method: str, path: str, **content: Any) -> Json:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.http.request(method, path, headers=headers, **content)
        assert answer.is_success, answer.text
        body: Json = answer.json()
        return body


class House:
    def __init__(self, stack: RentedStack, ledger: Ledger) -> None:
        self.stack = stack
        self.ledger = ledger
        self.url = f"http://127.0.0.1:{stack.port('api')}"
        self.ws_url = f"ws://127.0.0.1:{stack.port('api')}"
        self.http = httpx.AsyncClient(base_url=self.url, timeout=30)

    async def customer(
        self, kind: str = "hmac", *, scopes: tuple[str, ...] = ("read", "trade"), **funds: str
    ) -> Customer:
        email = f"dialect{next(_numbers)}@example.com"
        body = {"email": email, "password": PASSWORD}
        made = await self.http.post("/v1/registrations", json=body)
        assert made.status_code == 202, made.text
        opened = (await self.http.post("/v1/sessions", json=body)).json()
        customer_id = CustomerId(int(opened["customer_id"]))
        customer = Customer(customer_id, Key("", kind), self.http, opened["token"])
        customer.key = await self.key(customer, kind, scopes)
        await self.set_tier(customer_id, Tier.ENHANCED)
        for asset, amount in funds.items():
            await self.give(customer_id, asset, amount)
        return customer

    async def key(self, customer: Customer, kind: str, scopes: tuple[str, ...]) -> Key:
        wanted: Json = {"label": kind, "scopes": list(scopes)}
        if kind != "hmac":
            public = (_ED25519 if kind == "ed25519" else _RSA).public_key()
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            wanted["public_key"] = pem.decode()
        made = await customer.v1("POST", "/v1/api-keys", json=wanted)
        return Key(made["id"], kind, made["secret"] or "")

    async def give(self, customer_id: CustomerId, asset: str, amount: str) -> None:
        code = AssetCode(asset)
        units = _ASSETS[code].parse(amount).units
        transfer = Transfer(
            house_account(AccountKind.DEPOSIT_WALLET, code), available(customer_id, code), units
        )
        entry_id = EntryId(f"test-gift:{next(_numbers)}")
        entry = JournalEntry(entry_id, EntryReason.DEPOSIT, "a test", (transfer,), ())
        await self.ledger.post(entry)

    async def set_tier(self, customer_id: CustomerId, tier: int) -> None:
        await self.ledger.pool.execute(
            "UPDATE customers SET kyc_tier = $2 WHERE id = $1", customer_id, tier
        )

    async def markets_are_open(self) -> None:
        """A market halts while a busy machine settles a minute late, and reopens by itself."""
        await eventually(self._is_trading)

    async def _is_trading(self) -> bool:
        info = (await self.http.get("/api/v3/exchangeInfo")).json()
        return all(each["status"] == "TRADING" for each in info["symbols"])

    async def entries(self) -> int:
        return int(await self.ledger.pool.fetchval("SELECT count(*) FROM journal_entries"))

    async def assert_conserved(self) -> None:
        chain = await verify_chain(self.ledger.engine)
        findings = [*await audit_ledger(self.ledger.engine), *chain.findings]
        assert not findings, "\n".join(str(finding) for finding in findings)

    async def run_client(
        self, script: str, *arguments: str, seconds: float = 120, **variables: str
    ) -> Json:
        """Run a client's script in its own environment, without a way out of this machine."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/tmp"),
            "PYTHONPATH": str(Path(__file__).parent / "clients" / "guard"),
            "RIALTO_URL": self.url,
            "RIALTO_WS_URL": self.ws_url,
            **variables,
        }
        path = Path(__file__).parent / "clients" / script
        process = await asyncio.create_subprocess_exec(
            str(CLIENTS), str(path), *arguments, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(seconds):
                out, error = await process.communicate()
        except TimeoutError:
            process.kill()
            out, error = await process.communicate()
            pytest.fail(f"{script} took too long\n{out.decode()[-3000:]}\n{error.decode()[-3000:]}")
        assert process.returncode == 0, f"{out.decode()[-3000:]}\n{error.decode()[-6000:]}"
        return dict(json.loads(out.decode().strip().splitlines()[-1]))


@pytest.fixture(scope="package")
def stack() -> Iterator[RentedStack]:
    """Servers of our own: a real engine must not hear the orders of other tests."""
    rented = RentedStack()
    yield rented
    rented.close()


@pytest.fixture(scope="package")
async def shared_house(stack: RentedStack) -> AsyncIterator[House]:
    stack.require(*PARTS)
    engine = create_engine(database_url(stack.site, "rialto_worker"), pool_size=2)
    ledger = await Ledger.open(engine)
    made = House(stack, ledger)
    await make_a_market(made)
    yield made
    await made.http.aclose()
    await ledger.close()
    await engine.dispose()


@pytest.fixture
async def house(shared_house: House) -> AsyncIterator[House]:
    """Every unit is still there after each test."""
    await shared_house.markets_are_open()
    yield shared_house
    await shared_house.assert_conserved()


async def make_a_market(house: House) -> None:
    """Orders to trade with around 50,000, and a first trade."""
    maker = await house.customer(BTC="100", ETH="100", USDT="9000000")
    for step in range(1, 6):
        for side, price in (("BUY", 50_000 - step), ("SELL", 50_000 + step)):
            await maker.order(side=side, price=str(price), quantity="2")
    await maker.order(symbol="ETHUSDT", side="BUY", price="2999", quantity="5")
    await maker.order(symbol="ETHUSDT", side="SELL", price="3001", quantity="5")
    await maker.order(symbol="ETHBTC", side="BUY", price="0.05", quantity="5")
    await maker.order(symbol="ETHBTC", side="SELL", price="0.06", quantity="5")
    taker = await house.customer(BTC="1", USDT="100000")
    for symbol in ("BTCUSDT", "ETHUSDT", "ETHBTC"):
        await taker.ask(
            "POST", "/api/v3/order", symbol=symbol, side="BUY", type="MARKET", quantity="0.01"
        )


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def eventually(holds: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while True:
            answer = holds()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.02)


def without(body: Mapping[str, Any], *names: str) -> Json:
    return {name: value for name, value in body.items() if name not in names}
