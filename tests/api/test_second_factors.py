"""Authenticator apps: codes count once, guessing is slow, and some things ask for a fresh proof."""

from __future__ import annotations

import pyotp
import pytest
from sqlalchemy import text

from tests.api.answer_examples import like_example
from tests.api.conftest import PASSWORD, Exchange, Person, problem

NOW = 1_795_353_615.0


@pytest.fixture(autouse=True)
def frozen_clock(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange.services.people.second_factor, "_clock", lambda: NOW)


async def with_totp(exchange: Exchange) -> tuple[Person, pyotp.TOTP, list[str]]:
    person = await exchange.person()
    started = (await person.http.post("/v1/second-factors/totp")).json()
    totp = pyotp.TOTP(started["secret"])
    confirmed = await person.http.post(
        "/v1/second-factors/totp/confirm", json={"code": totp.at(NOW - 30)}
    )
    assert confirmed.status_code == 200, confirmed.text
    like_example("confirm_totp", confirmed)
    return person, totp, confirmed.json()["recovery_codes"]


async def forget_step_up(exchange: Exchange, person: Person) -> None:
    async with exchange.services.engine.begin() as connection:
        await connection.execute(
            text("UPDATE sessions SET stepped_up_at = NULL WHERE customer_id = :id"),
            {"id": person.id},
        )
    exchange.services.people.identity.forget()


async def test_after_the_proof_the_same_request_goes_on_under_its_key(exchange: Exchange) -> None:
    """Else who repeats an intent under its Idempotency-Key would be refused for ever."""
    person, totp, _ = await with_totp(exchange)
    await forget_step_up(exchange, person)
    body, again = {"label": "bot", "scopes": ["read"]}, {"Idempotency-Key": "one-intent"}

    problem(
        await person.http.post("/v1/api-keys", json=body, headers=again),
        403,
        "second_factor_required",
    )
    await person.http.post("/v1/sessions/current/step-up", json={"code": totp.at(NOW)})
    made = await person.http.post("/v1/api-keys", json=body, headers=again)
    repeated = await person.http.post("/v1/api-keys", json=body, headers=again)

    assert made.status_code == 201, made.text
    assert repeated.json() == made.json()


async def test_a_new_key_asks_for_a_fresh_proof(exchange: Exchange) -> None:
    person, totp, _ = await with_totp(exchange)
    await forget_step_up(exchange, person)
    body = {"label": "bot", "scopes": ["read"]}

    problem(await person.http.post("/v1/api-keys", json=body), 403, "second_factor_required")
    proved = await person.http.post("/v1/sessions/current/step-up", json={"code": totp.at(NOW)})

    assert proved.status_code == 204, proved.text
    assert (await person.http.post("/v1/api-keys", json=body)).status_code == 201


async def test_a_code_counts_once(exchange: Exchange) -> None:
    person, totp, _ = await with_totp(exchange)
    code = {"code": totp.at(NOW)}

    first = await person.http.post("/v1/sessions/current/step-up", json=code)
    again = await person.http.post("/v1/sessions/current/step-up", json=code)

    assert first.status_code == 204
    problem(again, 401, "not_authenticated")


async def test_a_recovery_code_counts_once(exchange: Exchange) -> None:
    person, _, codes = await with_totp(exchange)
    code = {"code": codes[0]}

    assert len(codes) == 10
    first = await person.http.post("/v1/sessions/current/step-up", json=code)
    again = await person.http.post("/v1/sessions/current/step-up", json=code)

    assert first.status_code == 204
    problem(again, 401, "not_authenticated")


async def test_guessing_codes_is_stopped(exchange: Exchange) -> None:
    person, totp, _ = await with_totp(exchange)
    wrong = {"code": f"{(int(totp.at(NOW)) + 500_000) % 1_000_000:06}"}
    for _ in range(5):
        problem(
            await person.http.post("/v1/sessions/current/step-up", json=wrong),
            401,
            "not_authenticated",
        )

    answer = await person.http.post("/v1/sessions/current/step-up", json={"code": totp.at(NOW)})

    problem(answer, 429, "rate_limited")


async def test_a_second_secret_cannot_replace_the_first(exchange: Exchange) -> None:
    person, _, _ = await with_totp(exchange)

    problem(await person.http.post("/v1/second-factors/totp"), 409, "wrong_state")


async def test_a_login_asks_for_the_code(exchange: Exchange) -> None:
    person, totp, _ = await with_totp(exchange)
    email = (await person.http.get("/v1/account")).json()["email"]
    body = {"email": email, "password": PASSWORD}

    problem(await exchange.http.post("/v1/sessions", json=body), 403, "second_factor_required")
    wrong = await exchange.http.post("/v1/sessions", json=body | {"code": "000000"})
    problem(wrong, 401, "not_authenticated")
    opened = await exchange.http.post("/v1/sessions", json=body | {"code": totp.at(NOW)})

    assert opened.status_code == 201
    fresh = exchange.client(authorization=f"Bearer {opened.json()['token']}")
    made = await fresh.post("/v1/api-keys", json={"label": "bot", "scopes": ["read"]})
    assert made.status_code == 201


async def test_removing_asks_for_a_fresh_proof(exchange: Exchange) -> None:
    person, totp, _ = await with_totp(exchange)
    await forget_step_up(exchange, person)

    refused = await person.http.delete("/v1/second-factors/totp")
    await person.http.post("/v1/sessions/current/step-up", json={"code": totp.at(NOW)})
    removed = await person.http.delete("/v1/second-factors/totp")

    problem(refused, 403, "second_factor_required")
    assert removed.status_code == 204
    assert (await person.http.get("/v1/second-factors")).json()["totp"] is False
