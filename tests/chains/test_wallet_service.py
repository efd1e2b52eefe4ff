"""The wallet service as its Lambda is called, on a real database."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.wallet_service import main as service
from api.wallet_service.lambda_adapter import LambdaAdapter
from devstack.rented import Database
from storage.customers import Customers
from storage.engine import create_engine
from storage.sessions import Sessions
from tests.chains.house import plant
from tests.without_signer import count_new_addresses_as_checked

pytestmark = pytest.mark.stack

Call = Callable[..., tuple[int, Any]]
_POOL = ThreadPoolExecutor(max_workers=1)


@pytest.fixture(scope="module")
async def owner(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.owner)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
async def tokens(aws: None, owner: AsyncEngine) -> list[str]:
    """Session tokens of two customers."""
    await plant(owner)
    await count_new_addresses_as_checked(owner)
    made = []
    for name in ("ada", "bob"):
        customer = await Customers(owner).register(f"{name}@example.com", "hash")
        token, _ = await Sessions(owner).open(
            customer.id, lifetime=timedelta(hours=1), user_agent="", ip=""
        )
        made.append(token)
    return made


@pytest.fixture(scope="module")
def call(database: Database, tokens: list[str]) -> Iterator[Call]:
    """Ask as API Gateway does."""
    adapter = LambdaAdapter(
        service.create_app(service.WalletServiceSettings(database_url=database.api))
    )

    def ask(
        method: str, path: str, body: object = None, token: str | None = tokens[0]
    ) -> tuple[int, Any]:
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        event = {
            "rawPath": path,
            "headers": headers,
            "body": None if body is None else json.dumps(body),
            "requestContext": {"http": {"method": method, "sourceIp": "127.0.0.1"}},
        }
        answer = in_thread(lambda: adapter(event, None))
        return answer["statusCode"], json.loads(answer["body"])

    yield ask
    in_thread(adapter.close)


def in_thread(work: Callable[[], Any]) -> Any:
    """The adapter has an event loop of its own; a test's must not be running in its thread."""
    return _POOL.submit(work).result()


def test_a_customer_gets_one_address_per_chain(call: Call, tokens: list[str]):
    status, bitcoin = call("POST", "/v1/deposit-addresses", {"asset": "BTC"})
    _, again = call("POST", "/v1/deposit-addresses", {"asset": "BTC"})
    _, ether = call("POST", "/v1/deposit-addresses", {"asset": "ETH"})
    _, dollar = call("POST", "/v1/deposit-addresses", {"asset": "USDT"})
    _, other = call("POST", "/v1/deposit-addresses", {"asset": "BTC"}, tokens[1])

    assert status == 200
    assert bitcoin["address"] == again["address"] != other["address"]
    assert ether["address"] == dollar["address"]


def test_a_fresh_address_is_a_new_one(call: Call):
    _, first = call("POST", "/v1/deposit-addresses", {"asset": "BTC"})
    _, fresh = call("POST", "/v1/deposit-addresses", {"asset": "BTC", "fresh": True})
    _, now = call("POST", "/v1/deposit-addresses", {"asset": "BTC"})

    assert fresh["address"] != first["address"]
    assert now["address"] == fresh["address"]


def test_addresses_are_checked_and_our_own_recognised(call: Call):
    _, own = call("POST", "/v1/deposit-addresses", {"asset": "BTC"})
    capitals = own["address"].upper()

    _, ours = call("POST", "/v1/address-checks", {"asset": "BTC", "address": capitals})
    _, wrong = call(
        "POST",
        "/v1/address-checks",
        {"asset": "BTC", "address": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
    )

    assert (ours["is_valid"], ours["is_ours"], ours["address"]) == (True, True, own["address"])
    assert (wrong["is_valid"], wrong["kind"]) == (False, "")
    assert "another network" in wrong["reason"]


def test_the_hot_wallets_state_shows_no_amount(call: Call):
    status, wallets = call("GET", "/v1/hot-wallets", token=None)

    assert status == 200
    assert {wallet["asset"]: wallet["state"] for wallet in wallets} == {
        "BTC": "low",
        "ETH": "low",
        "USDT": "low",
    }
    assert all("units" not in wallet for wallet in wallets)


@pytest.mark.parametrize("token", [None, "", "nonsense"])
def test_who_is_not_logged_in_gets_no_address(call: Call, token: str | None):
    status, problem = call("POST", "/v1/deposit-addresses", {"asset": "BTC"}, token)

    assert status == 401
    assert problem["code"] == "not_authenticated"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"asset": "DOGE"}, "unknown_asset"),
        ({}, "invalid_input"),
        ({"asset": "BTC", "index": 7}, "invalid_input"),
        ([], "invalid_input"),
    ],
)
def test_bad_requests_have_codes(call: Call, body: object, code: str):
    status, problem = call("POST", "/v1/deposit-addresses", body)

    assert status in (400, 404)
    assert problem["code"] == code
