"""Limits of tiers as a customer meets them: shown in the account, applied to the next order."""

import pytest

from tests.api.conftest import Exchange, Person, problem

pytestmark = pytest.mark.stack

DAY, MONTH = "1000000", "10000000"
"""What tier 1 may trade, in USDT."""


async def limits(person: Person) -> dict[str, dict[str, dict[str, str | None]]]:
    found: dict[str, dict[str, dict[str, str | None]]] = (
        await person.http.get("/v1/account")
    ).json()["limits"]
    return found


def order(size: str) -> dict[str, str]:
    return {
        "market": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": size,
    }  # fmt: skip


async def test_the_account_shows_limits_and_what_the_next_tier_needs(exchange: Exchange) -> None:
    person = await exchange.person()
    await exchange.set_tier(person.id, 0)

    account = (await person.http.get("/v1/account")).json()

    nothing = {"limit": "0", "used": "0", "left": "0"}
    unlimited = {"limit": None, "used": "0", "left": None}
    assert account["kyc_tier"] == 0
    assert account["limits"] == {
        "deposit": {"asset": "USDT", "day": unlimited, "month": unlimited},
        "trade": {"asset": "USDT", "day": nothing, "month": nothing},
        "withdraw": {"asset": "USDT", "day": nothing, "month": nothing},
    }
    assert (account["next_tier"], account["requirements"]) == (
        1, ["profile", "identity_document"],
    )  # fmt: skip


async def test_orders_count_at_once_and_what_is_too_much_is_refused(exchange: Exchange) -> None:
    person = await exchange.person(USDT="2000000")
    await exchange.set_tier(person.id, 1)
    entries = await exchange.entries()

    refused = await person.http.post("/v1/orders", json=order("20.1"))
    assert await exchange.entries() == entries
    placed = await person.http.post("/v1/orders", json=order("19"))
    body = problem(refused, 403, "limit_exceeded")

    assert (body["left"], body["needed"], body["asset"]) == (DAY, "1005000", "USDT")
    assert placed.status_code in (201, 202), placed.text
    trade = (await limits(person))["trade"]
    assert trade["day"] == {"limit": DAY, "used": "950000", "left": "50000"}
    assert trade["month"] == {"limit": MONTH, "used": "950000", "left": "9050000"}


async def test_of_a_batch_only_what_fits_is_placed(exchange: Exchange) -> None:
    person = await exchange.person(USDT="2000000")
    await exchange.set_tier(person.id, 1)

    answer = await person.http.post("/v1/orders:batch", json={"orders": [order("15"), order("6")]})

    first, second = answer.json()["data"]
    assert first["order"]["size"] == "15"
    assert second["problem"]["code"] == "limit_exceeded"


async def test_a_lowered_tier_stops_the_very_next_order(exchange: Exchange) -> None:
    person = await exchange.person(USDT="2000")
    assert (await person.http.post("/v1/orders", json=order("0.01"))).status_code in (201, 202)

    await exchange.set_tier(person.id, 0)
    refused = await person.http.post("/v1/orders", json=order("0.01"))

    body = problem(refused, 403, "tier_too_low")
    assert (body["needed_tier"], body["tier"]) == ("1", "0")
