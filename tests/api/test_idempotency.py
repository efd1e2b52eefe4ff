"""The same request twice has one effect and one answer."""

from __future__ import annotations

import asyncio

from tests.api.conftest import Exchange, problem
from tests.api.test_bad_input import LIMIT


async def test_the_same_order_twice_is_placed_once(exchange: Exchange) -> None:
    person = await exchange.person(USDT="1000")
    key = {"idempotency-key": "one"}

    first = await person.http.post("/v1/orders", json=LIMIT, headers=key)
    again = await person.http.post("/v1/orders", json=LIMIT, headers=key)

    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert await person.balance("USDT") == ("500", "500")


async def test_another_body_under_the_same_key_is_refused(exchange: Exchange) -> None:
    person = await exchange.person(USDT="1000")
    key = {"idempotency-key": "two"}
    await person.http.post("/v1/orders", json=LIMIT, headers=key)

    other = await person.http.post("/v1/orders", json=LIMIT | {"size": "0.005"}, headers=key)

    problem(other, 422, "idempotency_body_differs")
    assert await person.balance("USDT") == ("500", "500")


async def test_a_refusal_is_an_answer_too(exchange: Exchange) -> None:
    person = await exchange.person()
    key = {"idempotency-key": "three"}
    first = await person.http.post("/v1/orders", json=LIMIT, headers=key)
    await exchange.give(person.id, "USDT", "1000")

    again = await person.http.post("/v1/orders", json=LIMIT, headers=key)

    problem(first, 422, "insufficient_available")
    assert again.json() == first.json()
    assert await person.balance("USDT") == ("1000", "0")


async def test_keys_of_two_customers_do_not_meet(exchange: Exchange) -> None:
    one, two = await exchange.person(USDT="1000"), await exchange.person(USDT="1000")
    key = {"idempotency-key": "shared"}

    first = await one.http.post("/v1/orders", json=LIMIT, headers=key)
    second = await two.http.post("/v1/orders", json=LIMIT, headers=key)

    assert first.json()["id"] != second.json()["id"]


async def test_racing_requests_run_once(exchange: Exchange) -> None:
    person = await exchange.person(USDT="1000")
    key = {"idempotency-key": "race"}

    answers = await asyncio.gather(
        *(person.http.post("/v1/orders", json=LIMIT, headers=key) for _ in range(8))
    )

    placed = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(placed) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409, "in_flight")
    assert await person.balance("USDT") == ("500", "500")


async def test_a_secret_is_told_again_under_its_key(exchange: Exchange) -> None:
    person = await exchange.person()
    body = {"label": "bot", "scopes": ["read"]}
    key = {"idempotency-key": "secret"}

    first = await person.http.post("/v1/api-keys", json=body, headers=key)
    again = await person.http.post("/v1/api-keys", json=body, headers=key)

    assert first.status_code == 201
    assert again.json() == first.json()
    assert len((await person.http.get("/v1/api-keys")).json()["data"]) == 1


async def test_unreadable_keys_are_refused(exchange: Exchange) -> None:
    person = await exchange.person()
    for key in ("", "with space", "x" * 129):
        answer = await person.http.post("/v1/orders", json=LIMIT, headers={"idempotency-key": key})
        problem(answer, 400, "idempotency_key_invalid")


async def test_the_same_client_order_id_names_one_order(exchange: Exchange) -> None:
    person = await exchange.person(USDT="1000")
    order = LIMIT | {"client_order_id": "mine-1"}

    first = await person.http.post("/v1/orders", json=order)
    again = await person.http.post("/v1/orders", json=order)
    other = await person.http.post("/v1/orders", json=order | {"size": "0.002"})

    assert again.json()["id"] == first.json()["id"]
    problem(other, 422, "idempotency_body_differs")
    found = await person.http.get("/v1/orders:by-client-id", params={"client_order_id": "mine-1"})
    assert found.json()["id"] == first.json()["id"]
    assert await person.balance("USDT") == ("500", "500")
