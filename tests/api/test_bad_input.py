"""Every kind of wrong input: a stable code each, and not one journal entry more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.conftest import Exchange, Person, problem

LIMIT = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.01"}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
async def buyer(exchange: Exchange) -> Person:
    return await exchange.person(USDT="1000")


@pytest.fixture(autouse=True)
async def unchanged_ledger(exchange: Exchange, buyer: Person) -> AsyncIterator[None]:
    entries, funds = await exchange.entries(), await buyer.balance("USDT")
    yield
    assert await exchange.entries() == entries
    assert await buyer.balance("USDT") == funds


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"price": "-1"}, 422, "invalid_amount"),
        ({"price": "0"}, 422, "invalid_amount"),
        ({"price": "NaN"}, 422, "invalid_amount"),
        ({"price": "Infinity"}, 422, "invalid_amount"),
        ({"price": "1e999"}, 422, "invalid_amount"),
        ({"price": "1_000"}, 422, "invalid_amount"),
        ({"price": "٣"}, 422, "invalid_amount"),
        ({"price": "50000.1234567"}, 422, "invalid_amount"),
        ({"price": 50000}, 422, "invalid_amount"),
        ({"price": 50000.5}, 422, "invalid_amount"),
        ({"size": 0.01}, 422, "invalid_amount"),
        ({"size": "-0.01"}, 422, "invalid_amount"),
        ({"size": "0"}, 422, "invalid_amount"),
        ({"size": "0.000000001"}, 422, "invalid_amount"),
        ({"size": "9" * 81}, 422, "invalid_amount"),
        ({"price": "50000.001"}, 422, "market_rule_broken"),
        ({"size": "0.00001"}, 422, "market_rule_broken"),
        ({"size": "0.0001", "price": "1"}, 422, "market_rule_broken"),
        ({"size": "9999999999"}, 422, "market_rule_broken"),
        ({"price": "9999999999"}, 422, "market_rule_broken"),
        ({"size": "1"}, 422, "insufficient_available"),
        ({"market": "BTC-EUR"}, 404, "unknown_market"),
        ({"market": ""}, 404, "unknown_market"),
        ({"side": "hold"}, 400, "invalid_input"),
        ({"type": "magic"}, 400, "invalid_input"),
        ({"price": None}, 400, "invalid_input"),
        ({"size": None}, 400, "invalid_input"),
        ({"quote_size": "10"}, 400, "invalid_input"),
        ({"stop_price": "40000"}, 400, "invalid_input"),
        ({"time_in_force": "gtd"}, 400, "invalid_input"),
        ({"time_in_force": "ioc", "post_only": True}, 400, "invalid_input"),
        ({"display_size": "0.01"}, 400, "invalid_input"),
        ({"expires_at": "2030-01-01T00:00:00"}, 400, "invalid_input"),
        ({"client_order_id": "no spaces"}, 400, "invalid_input"),
        ({"client_order_id": "x" * 37}, 400, "invalid_input"),
        ({"leverage": "100"}, 400, "invalid_input"),
    ],
)
async def test_a_wrong_order_is_refused(
    buyer: Person, changes: dict[str, Any], status: int, code: str
) -> None:
    problem(await buyer.http.post("/v1/orders", json=LIMIT | changes), status, code)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"market": "BTC-USDT"', b"{}}", b"[" * 40_000],
)
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/withdrawals", "/v1/api-keys"])
async def test_malformed_json_is_refused(buyer: Person, path: str, body: bytes) -> None:
    answer = await buyer.http.post(
        path, content=body, headers={**JSON, "idempotency-key": f"malformed-{hash((path, body))}"}
    )

    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in ("malformed_json", "invalid_input")


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/withdrawals", "/v1/registrations"])
async def test_an_oversized_body_is_refused(buyer: Person, path: str) -> None:
    answer = await buyer.http.post(path, content=b"x" * 65_537, headers=JSON)

    problem(answer, 413, "body_too_large")


async def test_an_oversized_body_without_announced_length_is_refused(buyer: Person) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b"x" * 1000

    answer = await buyer.http.post("/v1/orders", content=pieces(), headers=JSON)

    problem(answer, 413, "body_too_large")


async def test_unknown_routes_and_methods_are_problems(exchange: Exchange) -> None:
    problem(await exchange.http.get("/v1/nothing"), 404, "unknown_route")
    answer = await exchange.http.put("/v1/markets")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/v1/orders/999999999", "/v1/deposits/no", "/v1/withdrawals/no"])
async def test_what_is_not_ours_is_unknown(buyer: Person, path: str) -> None:
    answer = await buyer.http.get(path)

    assert answer.status_code == 404
    assert answer.json()["code"].startswith("unknown_")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/markets/BTC-EUR/book", 404, "unknown_market"),
        ("/v1/balances/DOGE", 404, "unknown_asset"),
        ("/v1/orders?limit=0", 400, "invalid_input"),
        ("/v1/orders?limit=1001", 400, "invalid_input"),
        ("/v1/orders?cursor=invented", 400, "invalid_input"),
        ("/v1/orders?cursor=%F0%9F%92%B0", 400, "invalid_input"),
        ("/v1/orders/0", 400, "invalid_input"),
        ("/v1/orders/99999999999999999999", 400, "invalid_input"),
    ],
)
async def test_wrong_paths_and_queries_are_refused(
    buyer: Person, path: str, status: int, code: str
) -> None:
    problem(await buyer.http.get(path), status, code)


WITHDRAWAL = {
    "asset": "BTC", "amount": "0.1", "address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
}  # fmt: skip
ETHEREUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": "-0.1"}, 422, "invalid_amount"),
        ({"amount": "0"}, 422, "invalid_amount"),
        ({"amount": "NaN"}, 422, "invalid_amount"),
        ({"amount": "1e999"}, 422, "invalid_amount"),
        ({"amount": "0.123456789"}, 422, "invalid_amount"),
        ({"amount": 0.1}, 422, "invalid_amount"),
        ({"amount": "0.00000001"}, 422, "invalid_amount"),
        ({"address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}, 422, "invalid_address"),
        ({"address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081"}, 422, "invalid_address"),
        ({"address": ETHEREUM}, 422, "invalid_address"),
        ({"address": "somewhere"}, 422, "invalid_address"),
        ({"asset": "ETH", "amount": "1", "address": ETHEREUM[:-1] + "e"}, 422, "invalid_address"),
        ({"asset": "ETH", "amount": "1"}, 422, "invalid_address"),
        ({"asset": "DOGE"}, 404, "unknown_asset"),
        ({"address": ""}, 400, "invalid_input"),
        ({"tip": "1"}, 400, "invalid_input"),
    ],
)
async def test_a_wrong_withdrawal_is_refused(
    buyer: Person, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = await buyer.http.post(
        "/v1/withdrawals",
        json=WITHDRAWAL | changes,
        headers={"idempotency-key": f"wrong-{hash(str(changes))}"},
    )

    problem(answer, status, code)


async def test_a_withdrawal_needs_an_idempotency_key(buyer: Person) -> None:
    answer = await buyer.http.post("/v1/withdrawals", json=WITHDRAWAL)

    problem(answer, 400, "idempotency_key_invalid")


async def test_without_verification_nothing_leaves(exchange: Exchange) -> None:
    person = await exchange.person()
    await exchange.set_tier(person.id, 0)
    answer = await person.http.post(
        "/v1/withdrawals", json=WITHDRAWAL, headers={"idempotency-key": "unverified"}
    )

    problem(answer, 403, "tier_too_low")
