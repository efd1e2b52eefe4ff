"""Every route against every kind of caller, and against ids of other people.

Who may call what is written down here once more, by hand: a route that is missing fails the test,
and so does one that lets in more than this table says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from cli.clients.command import openapi
from tests.api.authenticator import Authenticator
from tests.api.conftest import Exchange, Person, problem
from tests.api.test_api_keys import Signer, signer
from tests.api.test_bad_input import LIMIT
from tests.api.test_passkeys import with_passkey

PUBLIC = [
    "read_time", "read_status", "list_errors", "explain_error", "list_assets", "read_asset",
    "list_markets", "read_market", "read_book", "list_trades", "list_tickers", "read_ticker",
    "list_candles", "register", "log_in", "start_passkey_log_in", "log_in_with_passkey",
    "list_tiers", "read_fees", "read_invariants", "search", "explore_blocks", "explore_block",
    "explore_transaction", "read_reserves",
    "explore_address", "explore_trade", "explore_order", "explore_deposit", "explore_withdrawal",
]  # fmt: skip
READ = [
    "read_account", "list_balances", "read_balance", "list_orders", "read_order",
    "read_order_by_client_id", "list_fills", "deposit_address", "list_deposits", "read_deposit",
    "quote", "list_withdrawals", "read_withdrawal", "list_addresses", "read_settings", "read_kyc",
    "read_dead_man_switch", "explain_balance", "read_statement", "list_webhooks", "read_webhook",
    "list_deliveries", "read_delivery", "read_reserves_leaf",
]  # fmt: skip
TRADE = [
    "place_order", "cancel_all_orders", "validate_order", "place_batch", "place_pair",
    "amend_order", "cancel_order", "replace_order", "put_dead_man_switch", "remove_dead_man_switch",
]  # fmt: skip
WITHDRAW = [
    "request_withdrawal", "cancel_withdrawal",
]  # fmt: skip
PERSON = [
    "list_sessions", "log_out", "end_session", "list_factors", "start_totp", "remove_totp",
    "confirm_totp", "step_up", "start_passkey", "add_passkey", "remove_passkey",
    "start_passkey_step_up", "step_up_with_passkey", "list_keys", "create_key", "revoke_key",
    "list_actions", "add_address", "remove_address", "change_settings", "put_profile",
    "upload_document", "change_password", "submit_verification", "export_my_data", "close_account",
    "create_webhook", "change_webhook", "remove_webhook", "rotate_webhook_secret", "ping_webhook",
    "redeliver",
]  # fmt: skip
TABLE = {
    **dict.fromkeys(PUBLIC, "public"),
    **dict.fromkeys(READ, "read"),
    **dict.fromkeys(TRADE, "trade"),
    **dict.fromkeys(WITHDRAW, "withdraw"),
    **dict.fromkeys(PERSON, "person"),
}
SAMPLES = {
    "market": "BTC-USDT",
    "asset": "BTC",
    "code": "refused",
    "chain": "bitcoin",
    "passkey_id": "00ff",
}
REFUSED = {"not_authenticated", "permission_missing", "signature_invalid", "session_expired"}


@dataclass(frozen=True)
class Route:
    id: str
    method: str
    path: str

    async def code(self, send: Any) -> str:
        """The code of the refusal when this caller may not; empty when they got past the door."""
        response: httpx.Response = await send(self.method, self.path, b"{}")
        is_problem = response.headers.get("content-type") == "application/problem+json"
        code = str(response.json()["code"]) if is_problem else ""
        return code if code in REFUSED else ""


def routes() -> list[Route]:
    found = []
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            filled = path
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    sample = SAMPLES.get(parameter["name"], "1")
                    filled = filled.replace("{" + parameter["name"] + "}", sample)
            found.append(Route(operation["operationId"], method.upper(), filled))
    return found


def by_token(http: httpx.AsyncClient) -> Any:
    async def send(method: str, path: str, body: bytes) -> httpx.Response:
        headers = {"content-type": "application/json"}
        return await http.request(method, path, content=body, headers=headers)

    return send


@pytest.fixture(scope="module")
async def keys(exchange: Exchange) -> dict[str, Any]:
    person = await exchange.person()
    return {
        scope: (await signer(exchange, person, scopes=[scope])).send
        for scope in ("read", "trade", "withdraw")
    }


async def callers(exchange: Exchange, keys: dict[str, Any]) -> dict[str, Any]:
    """One of each kind; some routes end sessions and accounts, so those are made afresh."""
    person, frozen = await exchange.person(), await exchange.person()
    async with exchange.ledger.pool.acquire() as connection:
        await connection.execute("UPDATE customers SET status = 'frozen' WHERE id = $1", frozen.id)
    return {
        "anonymous": by_token(exchange.client()),
        "invented": by_token(exchange.client(authorization="Bearer rs_invented")),
        "session": by_token(person.http),
        "frozen": by_token(frozen.http),
        **keys,
    }


ADMITTED = {
    "public": {"anonymous", "session", "frozen", "read", "trade", "withdraw"},
    "read": {"session", "frozen", "read"},
    "trade": {"session", "trade"},
    "withdraw": {"session", "withdraw"},
    "person": {"session", "frozen"},
}
LOOKS_AT_CALLER = {"search", "explore_order", "explore_deposit", "explore_withdrawal"}
"""Public, but with credentials they must hold and may read: such answers show more."""


def test_every_route_is_in_the_table() -> None:
    assert {route.id for route in routes()} == set(TABLE)


async def test_every_route_admits_exactly_whom_it_should(
    exchange: Exchange, keys: dict[str, Any]
) -> None:
    wrong = []
    for route in routes():
        admitted = ADMITTED[TABLE[route.id]]
        if route.id in LOOKS_AT_CALLER:
            admitted = admitted - {"trade", "withdraw"}
        for name, send in (await callers(exchange, keys)).items():
            code = await route.code(send)
            is_login = route.id in ("log_in", "log_in_with_passkey", "register")
            if name == "invented" and TABLE[route.id] == "public":
                continue  # Credentials that do not hold are refused where they are looked at.
            if (code == "") != (name in admitted) and not is_login:
                wrong.append((route.id, name, code))

    assert wrong == []


@dataclass
class Owned:
    """What one customer has; others must neither see nor touch it."""

    owner: Person
    order: str
    key: str
    session: str
    passkey: Authenticator
    address: str
    deposit: str
    withdrawal: str
    webhook: str
    delivery: str


@pytest.fixture(scope="module")
async def owned(exchange: Exchange) -> Owned:
    owner, passkey = await with_passkey(exchange)
    await exchange.give(owner.id, "USDT", "1000")
    order = (await owner.http.post("/v1/orders", json=LIMIT)).json()
    key = (await owner.http.post("/v1/api-keys", json={"label": "a", "scopes": ["read"]})).json()
    session = (await owner.http.get("/v1/sessions")).json()["data"][0]
    saved = {"asset": "ETH", "address": "0x" + "1" * 40, "label": "a"}
    address = (await owner.http.post("/v1/withdrawal-addresses", json=saved)).json()
    hook = {"url": "https://example.com/", "events": ["kyc"]}
    webhook = (await owner.http.post("/v1/webhooks", json=hook)).json()["id"]
    delivery = (await owner.http.post(f"/v1/webhooks/{webhook}:ping")).json()
    async with exchange.ledger.pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO deposits (id, chain, txid, index, asset, units, address, customer_id,"
            " status, credit_confirmations, withdrawable_confirmations)"
            " VALUES ('bitcoin:aa:0', 'bitcoin', 'aa', 0, 'BTC', 1, 'b', $1, 'detected', 1, 2)",
            owner.id,
        )
        await connection.execute(
            "INSERT INTO withdrawals (id, customer_id, idempotency_key, fingerprint, asset, chain,"
            " units, fee_units, address, status)"
            " VALUES ('w-1', $1, 'k', 'f', 'BTC', 'bitcoin', 1, 0, 'b', 'held')",
            owner.id,
        )
    return Owned(
        owner=owner,
        order=order["id"],
        key=key["id"],
        session=session["id"],
        passkey=passkey,
        address=address["id"],
        deposit="bitcoin:aa:0",
        withdrawal="w-1",
        webhook=webhook,
        delivery=delivery["id"],
    )


async def test_what_others_own_looks_like_what_does_not_exist(
    exchange: Exchange, owned: Owned
) -> None:
    other = (await exchange.person(USDT="1000")).http
    body = json.dumps(LIMIT).encode()
    theirs: list[tuple[str, str, str, bytes]] = [
        ("GET", "/v1/orders/{}", owned.order, b""),
        ("PATCH", "/v1/orders/{}", owned.order, b'{"size":"0.005"}'),
        ("DELETE", "/v1/orders/{}", owned.order, b""),
        ("POST", "/v1/orders/{}:replace", owned.order, body),
        ("GET", "/v1/explorer/orders/{}", owned.order, b""),
        ("DELETE", "/v1/api-keys/{}", owned.key, b""),
        ("DELETE", "/v1/sessions/{}", owned.session, b""),
        ("DELETE", "/v1/passkeys/{}", owned.passkey.credential_id.hex(), b""),
        ("DELETE", "/v1/withdrawal-addresses/{}", owned.address, b""),
        ("GET", "/v1/deposits/{}", owned.deposit, b""),
        ("GET", "/v1/explorer/deposits/{}", owned.deposit, b""),
        ("GET", "/v1/withdrawals/{}", owned.withdrawal, b""),
        ("DELETE", "/v1/withdrawals/{}", owned.withdrawal, b""),
        ("GET", "/v1/explorer/withdrawals/{}", owned.withdrawal, b""),
        ("GET", "/v1/webhooks/{}", owned.webhook, b""),
        ("PATCH", "/v1/webhooks/{}", owned.webhook, b'{"label":"mine"}'),
        ("DELETE", "/v1/webhooks/{}", owned.webhook, b""),
        ("POST", "/v1/webhooks/{}:ping", owned.webhook, b""),
        ("POST", "/v1/webhooks/{}:rotate-secret", owned.webhook, b""),
        ("GET", "/v1/webhooks/{}/deliveries", owned.webhook, b""),
        ("GET", f"/v1/webhooks/{owned.webhook}/deliveries/{{}}", owned.delivery, b""),
        ("POST", f"/v1/webhooks/{owned.webhook}/deliveries/{{}}:redeliver", owned.delivery, b""),
    ]
    numbers = (owned.order, owned.session, owned.address, owned.delivery)
    nobodys = {**dict.fromkeys(numbers, "999999"), owned.key: "nobody"}
    for method, path, thing, content in theirs:
        answer = await by_token(other)(method, path.format(thing), content)
        missing = await by_token(other)(method, path.format(nobodys.get(thing, "00" * 32)), content)

        assert answer.status_code == missing.status_code == 404, (path, answer.text)
        assert answer.json()["code"] == missing.json()["code"]

    mine = owned.owner.http
    assert (await mine.get(f"/v1/orders/{owned.order}")).json()["status"] == "placed"
    assert len((await mine.get("/v1/api-keys")).json()["data"]) == 1
    assert len((await mine.get("/v1/second-factors")).json()["passkeys"]) == 1
    assert (await mine.get("/v1/account")).status_code == 200
    assert (await mine.get(f"/v1/webhooks/{owned.webhook}")).json()["label"] == ""
    assert (await mine.get("/v1/withdrawals/w-1")).json()["status"] == "held"
    assert len((await mine.get("/v1/withdrawal-addresses")).json()["data"]) == 1


async def test_a_key_of_one_customer_does_not_sign_for_another(
    exchange: Exchange, owned: Owned
) -> None:
    bot = await signer(exchange, await exchange.person())
    forged = Signer(exchange.client(), owned.key, "hmac", bot._secret)

    problem(await forged.send("GET", "/v1/account"), 401, "signature_invalid")


async def test_wrong_password_and_unknown_address_look_the_same(exchange: Exchange) -> None:
    await exchange.person()
    email = "person1@example.com"
    answers = [
        await exchange.http.post("/v1/sessions", json={"email": each, "password": "not this one"})
        for each in (email, "nobody-at-all@example.com")
    ]
    for each in answers:
        problem(each, 401, "not_authenticated")

    same = ("code", "title", "detail", "status", "type")
    first, second = ([each.json()[name] for name in same] for each in answers)
    assert first == second
