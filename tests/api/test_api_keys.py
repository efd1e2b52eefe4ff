"""Signed requests: every kind of key, scopes, replays, networks, and what keys may not do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.exchange.signatures import canonical_request
from tests.api.conftest import Exchange, Person, problem
from tests.api.test_bad_input import LIMIT

_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_ED25519 = ed25519.Ed25519PrivateKey.generate()


class Signer:
    """Sends requests signed with one key."""

    def __init__(self, http: httpx.AsyncClient, key_id: str, kind: str, secret: str = "") -> None:
        self._http, self._key_id, self._kind, self._secret = http, key_id, kind, secret

    async def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        at_ms: int | None = None,
        **changes: str,
    ) -> httpx.Response:
        timestamp = str(at_ms if at_ms is not None else int(time.time() * 1000))
        payload = canonical_request(timestamp, method, target, body)
        headers = {
            "x-api-key": self._key_id,
            "x-timestamp": timestamp,
            "x-signature": self._sign(payload),
            "content-type": "application/json",
        } | changes
        return await self._http.request(method, target, content=body, headers=headers)

    def _sign(self, payload: bytes) -> str:
        if self._kind == "hmac":
            return hmac.new(self._secret.encode(), payload, hashlib.sha256).hexdigest()
        if self._kind == "ed25519":
            return base64.b64encode(_ED25519.sign(payload)).decode()
        signature = _RSA.sign(payload, padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode()


async def signer(
    exchange: Exchange, person: Person, kind: str = "hmac", **fields: object
) -> Signer:
    body: dict[str, object] = {"label": kind, "scopes": ["read", "trade"], **fields}
    if kind != "hmac":
        key = (_ED25519 if kind == "ed25519" else _RSA).public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        body["public_key"] = pem.decode()
    made = await person.http.post("/v1/api-keys", json=body)
    assert made.status_code == 201, made.text
    return Signer(exchange.client(), made.json()["id"], kind, made.json()["secret"] or "")


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_every_kind_of_key_signs(exchange: Exchange, kind: str) -> None:
    person = await exchange.person(USDT="1000")
    bot = await signer(exchange, person, kind)

    account = await bot.send("GET", "/v1/account?unused=%20x")

    assert account.status_code == 200, account.text
    assert account.json()["customer_id"] == str(person.id)


async def test_a_changed_request_is_refused(exchange: Exchange) -> None:
    bot = await signer(exchange, await exchange.person())

    wrong = await bot.send("GET", "/v1/account", **{"x-signature": "00" * 32})
    other = await bot.send("POST", "/v1/orders", b"{}", **{"x-timestamp": "1"})

    problem(wrong, 401, "signature_invalid")
    problem(other, 401, "signature_invalid")


async def test_a_signature_changes_something_once(exchange: Exchange) -> None:
    bot = await signer(exchange, await exchange.person(USDT="1000"))
    body, now_ms = json.dumps(LIMIT).encode(), int(time.time() * 1000)

    first = await bot.send("POST", "/v1/orders", body, at_ms=now_ms)
    replay = await bot.send("POST", "/v1/orders", body, at_ms=now_ms)

    assert first.status_code == 201
    problem(replay, 401, "signature_invalid")


async def test_two_readers_may_ask_the_same_in_one_millisecond(exchange: Exchange) -> None:
    bot = await signer(exchange, await exchange.person())
    now_ms = int(time.time() * 1000)

    answers = [await bot.send("GET", "/v1/account", at_ms=now_ms) for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 200]


@pytest.mark.parametrize("offset_ms", [-31_000, 31_000])
async def test_old_and_future_timestamps_are_refused(exchange: Exchange, offset_ms: int) -> None:
    bot = await signer(exchange, await exchange.person())

    answer = await bot.send("GET", "/v1/account", at_ms=int(time.time() * 1000) + offset_ms)

    problem(answer, 401, "signature_invalid")


async def test_a_key_does_what_its_scopes_allow(exchange: Exchange) -> None:
    person = await exchange.person(USDT="1000")
    reader = await signer(exchange, person, scopes=["read"])
    trader = await signer(exchange, person, scopes=["trade"])
    order = b'{"market":"BTC-USDT","side":"buy","price":"50000","size":"0.001"}'

    problem(await reader.send("POST", "/v1/orders", order), 403, "permission_missing")
    assert (await trader.send("POST", "/v1/orders", order)).status_code == 201
    problem(await trader.send("GET", "/v1/balances"), 403, "permission_missing")
    withdrawal = await trader.send("POST", "/v1/withdrawals", b"{}", **{"idempotency-key": "scope"})
    problem(withdrawal, 403, "permission_missing")


async def test_keys_cannot_manage_the_account(exchange: Exchange) -> None:
    bot = await signer(exchange, await exchange.person(), scopes=["read", "trade", "withdraw"])

    for target in ("/v1/api-keys", "/v1/sessions", "/v1/account/actions"):
        problem(await bot.send("GET", target), 403, "permission_missing")


async def test_a_key_works_only_from_its_networks(exchange: Exchange) -> None:
    person = await exchange.person()
    here = await signer(exchange, person, ip_allow_list=["127.0.0.0/8"])
    elsewhere = await signer(exchange, person, ip_allow_list=["203.0.113.0/24"])

    assert (await here.send("GET", "/v1/account")).status_code == 200
    problem(await elsewhere.send("GET", "/v1/account"), 403, "permission_missing")


async def test_a_revoked_key_is_unknown(exchange: Exchange) -> None:
    person = await exchange.person()
    bot = await signer(exchange, person)
    key_id = (await person.http.get("/v1/api-keys")).json()["data"][0]["id"]

    assert (await person.http.delete(f"/v1/api-keys/{key_id}")).status_code == 204

    problem(await bot.send("GET", "/v1/account"), 401, "not_authenticated")


async def test_other_peoples_keys_cannot_be_revoked(exchange: Exchange) -> None:
    person, other = await exchange.person(), await exchange.person()
    await signer(exchange, other)
    key_id = (await other.http.get("/v1/api-keys")).json()["data"][0]["id"]

    problem(await person.http.delete(f"/v1/api-keys/{key_id}"), 404, "unknown_api_key")


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"label": ""},
        {"ip_allow_list": ["here"]},
        {"public_key": "not a key"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2999-01-01T00:00:00"},
    ],
)
async def test_wrong_keys_are_refused(exchange: Exchange, changes: dict[str, object]) -> None:
    person = await exchange.person()

    answer = await person.http.post(
        "/v1/api-keys", json={"label": "x", "scopes": ["read"]} | changes
    )

    problem(answer, 400, "invalid_input")


async def test_a_short_rsa_key_is_refused(exchange: Exchange) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    pem = weak.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    person = await exchange.person()

    answer = await person.http.post(
        "/v1/api-keys", json={"label": "x", "scopes": ["read"], "public_key": pem}
    )

    problem(answer, 400, "invalid_input")


async def test_placing_is_the_same_for_keys_and_sessions(exchange: Exchange) -> None:
    person = await exchange.person(USDT="1000")
    bot = await signer(exchange, person, "ed25519")

    by_session = await person.http.post("/v1/orders", json=LIMIT | {"size": "0.001"})
    by_key = await bot.send(
        "POST",
        "/v1/orders",
        b'{"market":"BTC-USDT","side":"buy","type":"limit","price":"50000","size":"0.001"}',
    )

    unlike = {"id", "created_at", "updated_at"}
    assert {k: v for k, v in by_session.json().items() if k not in unlike} == {
        k: v for k, v in by_key.json().items() if k not in unlike
    }
