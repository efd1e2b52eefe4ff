"""Passkeys: registering, stepping up, logging in without a password, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answer_examples import like_example
from tests.api.authenticator import USER_PRESENT, Authenticator
from tests.api.conftest import Exchange, Person, problem


async def with_passkey(exchange: Exchange, **settings: Any) -> tuple[Person, Authenticator]:
    person, authenticator = await exchange.person(), Authenticator(**settings)
    options = (await person.http.post("/v1/passkeys:options")).json()["options"]
    body = {"label": "laptop", "credential": authenticator.create(options)}
    made = await person.http.post("/v1/passkeys", json=body)
    assert made.status_code == 201, made.text
    like_example("add_passkey", made)
    return person, authenticator


async def step_up_options(person: Person) -> dict[str, Any]:
    answer = await person.http.post("/v1/sessions/current/step-up:options")
    like_example("start_passkey_step_up", answer)
    return dict(answer.json()["options"])


async def log_in_options(exchange: Exchange) -> dict[str, Any]:
    return dict((await exchange.http.post("/v1/sessions:passkey-options")).json()["options"])


async def test_a_passkey_is_listed_and_removed(exchange: Exchange) -> None:
    person, authenticator = await with_passkey(exchange)

    listed = await person.http.get("/v1/second-factors")
    factors = listed.json()
    removed = await person.http.delete(f"/v1/passkeys/{authenticator.credential_id.hex()}")

    assert factors["passkeys"] == [{"id": authenticator.credential_id.hex(), "label": "laptop"}]
    assert removed.status_code == 204
    like_example("list_factors", listed)
    assert (await person.http.get("/v1/second-factors")).json()["passkeys"] == []


async def test_a_passkey_logs_in_without_a_password(exchange: Exchange) -> None:
    person, authenticator = await with_passkey(exchange)
    credential = authenticator.use(await log_in_options(exchange))

    opened = await exchange.http.post("/v1/sessions:passkey", json={"credential": credential})
    session = exchange.client(authorization=f"Bearer {opened.json()['token']}")
    key = await session.post("/v1/api-keys", json={"label": "bot", "scopes": ["read"]})

    assert opened.status_code == 201, opened.text
    like_example("log_in_with_passkey", opened)
    assert opened.json()["customer_id"] == str(person.id)
    assert key.status_code == 201, "the session counts as stepped up"


async def test_a_passkey_steps_a_session_up(exchange: Exchange) -> None:
    person, authenticator = await with_passkey(exchange)
    await exchange.as_api(
        "UPDATE sessions SET stepped_up_at = NULL WHERE customer_id = :id", id=person.id
    )
    exchange.services.people.identity.forget()
    wanted = {"label": "bot", "scopes": ["read"]}

    before = await person.http.post("/v1/api-keys", json=wanted)
    credential = authenticator.use(await step_up_options(person))
    proved = await person.http.post(
        "/v1/sessions/current/step-up:passkey", json={"credential": credential}
    )
    after = await person.http.post("/v1/api-keys", json=wanted)

    problem(before, 403, "second_factor_required")
    assert proved.status_code == 204, proved.text
    assert after.status_code == 201


async def test_an_answer_works_once(exchange: Exchange) -> None:
    _, authenticator = await with_passkey(exchange)
    body = {"credential": authenticator.use(await log_in_options(exchange))}

    first = await exchange.http.post("/v1/sessions:passkey", json=body)
    again = await exchange.http.post("/v1/sessions:passkey", json=body)

    assert first.status_code == 201
    problem(again, 401, "not_authenticated")


async def test_a_copied_passkey_is_noticed(exchange: Exchange) -> None:
    _, authenticator = await with_passkey(exchange)
    for uses, status in ((5, 201), (2, 401)):  # The copy's counter is behind.
        authenticator.uses = uses
        body = {"credential": authenticator.use(await log_in_options(exchange))}

        answer = await exchange.http.post("/v1/sessions:passkey", json=body)

        assert answer.status_code == status, answer.text


async def test_authenticators_that_do_not_count_work(exchange: Exchange) -> None:
    _, authenticator = await with_passkey(exchange, counts=False)
    for _ in range(2):
        body = {"credential": authenticator.use(await log_in_options(exchange))}
        answer = await exchange.http.post("/v1/sessions:passkey", json=body)

        assert answer.status_code == 201, answer.text


async def test_another_page_another_customer_and_a_stranger_are_refused(
    exchange: Exchange,
) -> None:
    person, authenticator = await with_passkey(exchange)
    other, _ = await with_passkey(exchange)
    phished = Authenticator("https://rialto.example.net")
    phished.credential_id = authenticator.credential_id
    stranger = Authenticator()

    refused = [
        await exchange.http.post(
            "/v1/sessions:passkey",
            json={"credential": each.use(await log_in_options(exchange))},
        )
        for each in (phished, stranger)
    ]
    theirs = authenticator.use(await step_up_options(other))
    refused.append(
        await other.http.post("/v1/sessions/current/step-up:passkey", json={"credential": theirs})
    )
    mine = authenticator.use(await step_up_options(person))
    refused.append(await exchange.http.post("/v1/sessions:passkey", json={"credential": mine}))

    for each in refused:
        problem(each, 401, "not_authenticated")


async def test_the_person_must_have_been_verified(exchange: Exchange) -> None:
    _, authenticator = await with_passkey(exchange)
    authenticator.flags = USER_PRESENT
    body = {"credential": authenticator.use(await log_in_options(exchange))}

    problem(await exchange.http.post("/v1/sessions:passkey", json=body), 401, "not_authenticated")


@pytest.mark.parametrize(
    "credential", [{}, {"response": 1}, {"response": {"clientDataJSON": "%%"}}, {"rawId": []}]
)
async def test_nonsense_is_refused(exchange: Exchange, credential: dict[str, Any]) -> None:
    answer = await exchange.http.post("/v1/sessions:passkey", json={"credential": credential})

    problem(answer, 400, "invalid_input")


async def test_an_api_key_cannot_add_a_passkey(exchange: Exchange) -> None:
    person = await exchange.person()
    made = (
        await person.http.post("/v1/api-keys", json={"label": "bot", "scopes": ["withdraw"]})
    ).json()

    answer = await exchange.client(**{"x-api-key": made["id"]}).post("/v1/passkeys:options")

    problem(answer, 401, "signature_invalid")
