"""Registration, login, sessions, and what is refused on the way."""

from __future__ import annotations

from sqlalchemy import text

from tests.api.conftest import PASSWORD, Exchange, problem


async def test_a_changed_password_ends_other_sessions_and_holds_withdrawals(
    exchange: Exchange,
) -> None:
    person = await exchange.person()
    email = (await person.http.get("/v1/account")).json()["email"]
    credentials = {"email": email, "password": PASSWORD}
    opened = (await exchange.http.post("/v1/sessions", json=credentials)).json()
    other = exchange.client(authorization=f"Bearer {opened['token']}")
    body = {"current_password": PASSWORD, "new_password": "another long one"}

    changed = await person.http.put("/v1/account/password", json=body)

    assert changed.status_code == 204, changed.text
    problem(await other.get("/v1/account"), 401, "session_expired")
    problem(await exchange.http.post("/v1/sessions", json=credentials), 401, "not_authenticated")
    settings = (await person.http.get("/v1/withdrawal-settings")).json()
    assert settings["held_reason"] == "the password was changed"


async def test_a_password_is_changed_only_by_who_knows_it(exchange: Exchange) -> None:
    person = await exchange.person()
    body = {"current_password": "not this one", "new_password": "another long one"}

    for _ in range(8):
        problem(await person.http.put("/v1/account/password", json=body), 401, "not_authenticated")

    right = body | {"current_password": PASSWORD}
    problem(await person.http.put("/v1/account/password", json=right), 429, "rate_limited")


async def test_a_session_ends_at_logout(exchange: Exchange) -> None:
    person = await exchange.person()

    assert (await person.http.get("/v1/account")).json()["status"] == "active"
    assert (await person.http.delete("/v1/sessions/current")).status_code == 204

    problem(await person.http.get("/v1/account"), 401, "session_expired")


async def test_wrong_password_and_unknown_email_look_the_same(exchange: Exchange) -> None:
    await exchange.http.post(
        "/v1/registrations", json={"email": "eve@example.com", "password": PASSWORD}
    )

    wrong = await exchange.http.post(
        "/v1/sessions", json={"email": "eve@example.com", "password": "something else"}
    )
    unknown = await exchange.http.post(
        "/v1/sessions", json={"email": "nobody@example.com", "password": "something else"}
    )

    first = problem(wrong, 401, "not_authenticated")
    second = problem(unknown, 401, "not_authenticated")
    assert first["detail"] == second["detail"]


async def test_the_ninth_wrong_password_locks_the_address(exchange: Exchange) -> None:
    body = {"email": "locked@example.com", "password": PASSWORD}
    await exchange.http.post("/v1/registrations", json=body)
    for _ in range(8):
        await exchange.http.post("/v1/sessions", json={**body, "password": "not this one"})

    answer = await exchange.http.post("/v1/sessions", json=body)

    problem(answer, 429, "rate_limited")
    assert answer.headers["retry-after"] == "900"


async def test_an_expired_session_is_refused(exchange: Exchange) -> None:
    person = await exchange.person()
    async with exchange.services.engine.begin() as connection:
        await connection.execute(
            text("UPDATE sessions SET expires_at = now() WHERE customer_id = :id"),
            {"id": person.id},
        )

    problem(await person.http.get("/v1/balances"), 401, "session_expired")


async def test_nobody_calls_without_a_session(exchange: Exchange) -> None:
    problem(await exchange.http.get("/v1/balances"), 401, "not_authenticated")
    stranger = exchange.client(authorization="Bearer rs_invented")
    problem(await stranger.get("/v1/balances"), 401, "not_authenticated")


async def test_weak_passwords_and_odd_addresses_are_refused(exchange: Exchange) -> None:
    async def register(email: str, password: str) -> object:
        return await exchange.http.post(
            "/v1/registrations", json={"email": email, "password": password}
        )

    problem(await register("short@example.com", "short"), 422, "weak_password")
    problem(await register("known@example.com", "password123"), 422, "weak_password")
    problem(await register("self@example.com", "self@example.com"), 422, "weak_password")
    problem(await register("not an address", PASSWORD), 400, "invalid_input")


async def test_a_taken_address_is_told_to_its_owner_only(exchange: Exchange) -> None:
    async def register(password: str) -> tuple[int, object]:
        body = {"email": "Twice@Example.com", "password": password}
        answer = await exchange.http.post("/v1/registrations", json=body)
        return answer.status_code, answer.json()

    first, second = await register(PASSWORD), await register("another long one")

    assert first == second == (202, {"email": "twice@example.com"})
    body = {"email": "twice@example.com", "password": PASSWORD}
    opened = (await exchange.http.post("/v1/sessions", json=body)).json()
    stolen = await exchange.http.post("/v1/sessions", json={**body, "password": "another long one"})
    problem(stolen, 401, "not_authenticated")
    mine = exchange.client(authorization=f"Bearer {opened['token']}")
    actions = (await mine.get("/v1/account/actions")).json()["data"]
    assert ("registered_again", False) in {(each["action"], each["succeeded"]) for each in actions}


async def test_one_session_can_end_another_of_the_same_customer_only(exchange: Exchange) -> None:
    person, other = await exchange.person(), await exchange.person()
    theirs = (await other.http.get("/v1/sessions")).json()["data"][0]["id"]

    problem(await person.http.delete(f"/v1/sessions/{theirs}"), 404, "unknown_session")

    assert (await other.http.get("/v1/account")).status_code == 200


async def test_actions_are_recorded_for_their_owner(exchange: Exchange) -> None:
    credentials = {"email": "recorded@example.com", "password": PASSWORD}
    await exchange.http.post("/v1/registrations", json=credentials)
    token = (await exchange.http.post("/v1/sessions", json=credentials)).json()["token"]
    http = exchange.client(authorization=f"Bearer {token}")

    listed = (await http.get("/v1/account/actions", params={"limit": 1})).json()
    rest = (
        await http.get("/v1/account/actions", params={"limit": 5, "cursor": listed["next_cursor"]})
    ).json()

    assert [entry["action"] for entry in listed["data"]] == ["logged_in"]
    assert [entry["action"] for entry in rest["data"]] == ["registered"]
    assert rest["next_cursor"] is None
