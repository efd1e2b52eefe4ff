"""The address book and the allow-list over HTTP: both directions take two days."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from tests.api.conftest import Exchange, Person, problem

pytestmark = pytest.mark.stack

PAYEE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
SAVED = {"asset": "BTC", "address": PAYEE.upper(), "label": "mine"}
LOCK = timedelta(hours=48)


async def later(exchange: Exchange, person: Person, table: str, column: str) -> None:
    """As if the time lock were over."""
    async with exchange.ledger.pool.acquire() as connection:
        await connection.execute(
            f"UPDATE {table} SET {column} = now() WHERE customer_id = $1", person.id
        )


async def asked(person: Person, key: str = "k", address: str = PAYEE):
    return await person.http.post(
        "/v1/withdrawals",
        json={"asset": "BTC", "amount": "0.001", "address": address},
        headers={"Idempotency-Key": key},
    )


async def rich(exchange: Exchange) -> Person:
    person = await exchange.person(BTC="1")
    await exchange.set_tier(person.id, 2)
    return person


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_saved_address_is_shown_in_its_normal_form_and_waits_two_days(exchange: Exchange):
    person = await exchange.person()

    saved = await person.http.post("/v1/withdrawal-addresses", json=SAVED)
    listed = (await person.http.get("/v1/withdrawal-addresses")).json()["data"]

    assert saved.status_code == 201, saved.text
    assert listed == [saved.json()]
    assert listed[0]["address"] == PAYEE
    assert listed[0]["chain"] == "bitcoin"
    assert moment(listed[0]["usable_at"]) - moment(listed[0]["created_at"]) >= LOCK - timedelta(
        seconds=1
    )


async def test_saving_again_neither_shortens_nor_restarts_the_lock(exchange: Exchange):
    person = await exchange.person()
    first = (await person.http.post("/v1/withdrawal-addresses", json=SAVED)).json()

    again = await person.http.post("/v1/withdrawal-addresses", json={**SAVED, "label": "other"})

    assert again.json() == {**first, "label": "other"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"address": "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"}, 422, "invalid_address"),
        ({"asset": "DOGE"}, 404, "unknown_asset"),
        ({"label": ""}, 400, "invalid_input"),
        ({"extra": 1}, 400, "invalid_input"),
    ],
)
async def test_bad_addresses_are_refused(
    exchange: Exchange, change: dict[str, object], status: int, code: str
):
    person = await exchange.person()

    answer = await person.http.post("/v1/withdrawal-addresses", json={**SAVED, **change})

    problem(answer, status, code)
    assert (await person.http.get("/v1/withdrawal-addresses")).json()["data"] == []


async def test_nobody_removes_what_is_not_theirs(exchange: Exchange):
    owner, other = await exchange.person(), await exchange.person()
    entry = (await owner.http.post("/v1/withdrawal-addresses", json=SAVED)).json()["id"]

    problem(await other.http.delete(f"/v1/withdrawal-addresses/{entry}"), 404, "unknown_address")
    removed = await owner.http.delete(f"/v1/withdrawal-addresses/{entry}")

    assert removed.status_code == 204
    problem(await owner.http.delete(f"/v1/withdrawal-addresses/{entry}"), 404, "unknown_address")


async def test_with_the_allow_list_on_only_unlocked_addresses_are_paid(exchange: Exchange):
    person = await rich(exchange)
    switched = await person.http.patch("/v1/withdrawal-settings", json={"allow_list_only": True})
    entries = await exchange.entries()

    problem(await asked(person), 403, "address_not_allowed")
    await person.http.post("/v1/withdrawal-addresses", json=SAVED)
    problem(await asked(person, "k2"), 403, "address_not_allowed")
    assert await exchange.entries() == entries
    await later(exchange, person, "address_book", "usable_at")
    paid = await asked(person, "k3")

    assert switched.json()["allow_list_only"] is True
    assert paid.status_code == 202, paid.text


async def test_switching_the_allow_list_off_takes_two_days(exchange: Exchange):
    person = await rich(exchange)
    await person.http.patch("/v1/withdrawal-settings", json={"allow_list_only": True})

    off = (
        await person.http.patch("/v1/withdrawal-settings", json={"allow_list_only": False})
    ).json()
    again = (
        await person.http.patch("/v1/withdrawal-settings", json={"allow_list_only": False})
    ).json()
    problem(await asked(person), 403, "address_not_allowed")
    await later(exchange, person, "withdrawal_settings", "allow_list_off_at")
    now = (await person.http.get("/v1/withdrawal-settings")).json()

    assert off["allow_list_only"] is True
    assert moment(off["allow_list_off_at"]) > datetime.now(UTC) + LOCK - timedelta(minutes=5)
    assert again["allow_list_off_at"] == off["allow_list_off_at"]
    assert (now["allow_list_only"], now["allow_list_off_at"]) == (False, None)
    assert (await asked(person, "k2")).status_code == 202


async def test_limits_show_what_is_used_and_left(exchange: Exchange):
    person = await rich(exchange)
    before = (await person.http.get("/v1/withdrawal-settings")).json()["limits"]

    await asked(person)
    after = (await person.http.get("/v1/withdrawal-settings")).json()["limits"]

    assert float(before["day"]["used"]) == 0
    assert before["day"]["left"] == before["day"]["limit"]
    for window in ("day", "month"):
        left, limit, used = (float(after[window][name]) for name in ("left", "limit", "used"))
        assert used > 0
        assert left == pytest.approx(limit - used)


async def test_another_second_factor_holds_withdrawals_for_a_day(exchange: Exchange):
    person = await rich(exchange)
    secret = (await person.http.post("/v1/second-factors/totp")).json()["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    await person.http.post("/v1/second-factors/totp/confirm", json=code)
    first = (await person.http.get("/v1/withdrawal-settings")).json()

    removed = await person.http.delete("/v1/second-factors/totp")

    held = (await person.http.get("/v1/withdrawal-settings")).json()
    assert first["held_until"] is None
    assert removed.status_code == 204, removed.text
    assert moment(held["held_until"]) > datetime.now(UTC) + timedelta(hours=23)
    problem(await asked(person), 403, "withdrawals_held")


async def test_a_key_that_may_withdraw_may_not_change_the_book(exchange: Exchange):
    problem(
        await exchange.client().post("/v1/withdrawal-addresses", json=SAVED),
        401,
        "not_authenticated",
    )
