"""Attacks of docs/red-team.md on the API that no other test plays."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
import tracemalloc
import zlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.asyncio.client import connect

from api.exchange.signatures import canonical_request
from streams.logs import JsonLines, log_context
from tests.api.answer_examples import like_example
from tests.api.conftest import Exchange, problem
from tests.api.test_api_keys import _ED25519, signer
from tests.api.test_bad_input import LIMIT

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("stripped", ["x-signature", "x-timestamp", "x-api-key"])
async def test_a_request_without_a_part_of_its_signature_is_nobodys(
    exchange: Exchange, stripped: str
):
    person = await exchange.person(USDT="1000")
    bot = await signer(exchange, person)
    before = await exchange.entries()

    empty = await bot.send("POST", "/v1/orders", json.dumps(LIMIT).encode(), **{stripped: ""})

    problem(empty, 401, "not_authenticated" if stripped == "x-api-key" else "signature_invalid")
    assert await exchange.entries() == before


async def test_a_public_key_is_no_shared_secret(exchange: Exchange):
    """The old confusion: sign by HMAC with a key that everybody may know."""
    person = await exchange.person()
    bot = await signer(exchange, person, "ed25519")
    public = _ED25519.public_key()
    known = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        b"",
    ]
    now = str(int(time.time() * 1000))
    payload = canonical_request(now, "GET", "/v1/account", b"")

    for key in known:
        made = hmac.new(key, payload, hashlib.sha256)
        for forged in (made.hexdigest(), base64.b64encode(made.digest()).decode()):
            answer = await bot.send(
                "GET", "/v1/account", **{"x-signature": forged, "x-timestamp": now}
            )
            problem(answer, 401, "signature_invalid")


async def test_a_signature_covers_method_path_query_and_body(exchange: Exchange):
    bot = await signer(exchange, await exchange.person(USDT="1000"))
    now = int(time.time() * 1000)
    real = await bot.send("GET", "/v1/orders?status=open", at_ms=now)
    stolen = real.request.headers["x-signature"]

    for method, target, body in (
        ("GET", "/v1/orders", b""),
        ("GET", "/v1/orders?status=open&market=BTC-USDT", b""),
        ("DELETE", "/v1/orders?status=open", b""),
        ("GET", "/v1/orders?status=open", b"{}"),
        ("GET", "/v1/balances", b""),
    ):
        answer = await bot.send(method, target, body, at_ms=now, **{"x-signature": stolen})
        problem(answer, 401, "signature_invalid")
    assert real.status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
async def test_a_decompression_bomb_stays_packed(exchange: Exchange, encoding: str):
    person = await exchange.person()
    packer = zlib.compressobj(wbits=15 if encoding == "deflate" else 31)
    pieces = [packer.compress(b'{"market": "')]
    pieces += [packer.compress(b"B" * MEBIBYTE) for _ in range(40)]
    bomb = b"".join([*pieces, packer.compress(b'"}'), packer.flush()])
    assert len(bomb) < 65_536, "it would be refused for its size alone"
    tracemalloc.start()

    answer = await person.http.post(
        "/v1/orders",
        content=bomb,
        headers={"content-encoding": encoding, "content-type": "application/json"},
    )

    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    problem(answer, 400, "malformed_json")  # Unpacked, it would be JSON that lacks fields.
    assert peak_bytes < 8 * MEBIBYTE


async def test_a_socket_agrees_to_no_compression(exchange: Exchange):
    async with connect(f"{exchange.ws_url}/v1/ws", compression="deflate") as socket:
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers


ATTACKS = [
    'x\n{"level": "info", "message": "withdrawal approved"}',
    "x\r\n200 OK",
    "\x1b[2J\x1b[31mall is well",
    "x\x00y\x08\x08",
    '"}, {"level": "error"',
    "\u2028\u202e\ufeff",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_is_logged_is_one_line_and_reads_back_as_it_was(attack: str):
    record = logging.LogRecord("rialto", logging.INFO, "f.py", 1, "refused %s", (attack,), None)
    record.user_agent = attack
    record.exc_info = (ValueError, ValueError(attack), None)

    with log_context(request_id=attack):
        line = JsonLines("api").format(record)

    read = json.loads(line)
    assert not any(character < " " for character in line), "a control character got through"
    assert read["message"] == f"refused {attack}"
    assert read["user_agent"] == read["request_id"] == attack
    assert attack in read["exception"]
    assert read["level"] == "info"


@pytest.mark.parametrize(
    "sent", ["x" * 65, "short", "with space here", '"}{"a":"b', "a\x1b[31mred-one"]
)
async def test_a_strange_request_id_is_not_taken_over(exchange: Exchange, sent: str):
    answer = await exchange.client().get("/v1/time", headers={"x-request-id": sent})

    assert answer.headers["x-request-id"] != sent
    assert answer.headers["x-request-id"].isascii()


async def test_a_leaf_is_shown_to_its_customer_alone(exchange: Exchange):
    """IDOR: the leaf tells what somebody owns, so no parameter may choose whose it is."""
    alice, mallory = await exchange.person(), await exchange.person()
    async with exchange.ledger.pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO reserve_bundles"
            " (id, taken_at, leaves, root_hash, root_sums, blocks, published_at)"
            " VALUES ('day-1', now(), 1, repeat('0', 64), '{\"BTC\": \"5\"}', '{}', now())"
        )
        await connection.execute(
            "INSERT INTO reserve_nodes (bundle, level, position, hash, sums, customer_id, nonce)"
            " VALUES ('day-1', 0, 0, repeat('0', 64), '{\"BTC\": \"5\"}', $1, repeat('1', 64))",
            alice.id,
        )

    own = await alice.http.get("/v1/proof-of-reserves/leaf")
    others = [
        await mallory.http.get("/v1/proof-of-reserves/leaf"),
        await mallory.http.get("/v1/proof-of-reserves/leaf", params={"bundle": "day-1"}),
        await mallory.http.get("/v1/proof-of-reserves/leaf", params={"customer_id": str(alice.id)}),
    ]
    everybody = await exchange.client().get("/v1/proof-of-reserves")

    assert own.json()["customer_id"] == str(alice.id)
    assert own.json()["sums"] == {"BTC": "5"}
    for each in others:
        assert each.status_code in {400, 404}
        assert "1" * 64 not in each.text
    problem(others[0], 404, "unknown_reserves")
    assert everybody.status_code == 200
    like_example("read_reserves", everybody)
    like_example("read_reserves_leaf", own)
    assert "1" * 64 not in everybody.text
    assert str(alice.id) not in everybody.text
    problem(await exchange.client().get("/v1/proof-of-reserves/leaf"), 401, "not_authenticated")
    problem(
        await exchange.client().get("/v1/proof-of-reserves?bundle=day-0"), 404, "unknown_reserves"
    )
